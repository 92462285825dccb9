//! The authorities that a host knows, read again when their file changes.
#![expect(clippy::disallowed_methods, reason = "the adapter to the file of authorities")]

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_kit::authorities;
use ansai_kit::host::Host;
use ansai_kit::passed;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use webpki::anchor_from_trusted_cert;

const MOST_BYTES: u64 = 8 << 20;

/// File, device, inode, size and time of the last change.
type Identity = (PathBuf, u64, u64, u64, i64, i64);

/// Reading them takes milliseconds, and a call can look at hundreds of servers.
static LAST: Mutex<Option<(Identity, Arc<Roots>)>> = Mutex::new(None);

/// The authorities that a host knows.
#[derive(Debug, Clone, Default)]
pub struct Roots(pub(crate) Vec<TrustAnchor<'static>>);

impl Roots {
    /// Those of a host; `None` if they cannot be read: then nobody knows whom it trusts.
    pub fn of(host: &Host) -> Option<Arc<Roots>> {
        let path = authorities::file(|path| host.path(path))?;
        if let Some(pem) = passed::content_of(&path) {
            return Some(Arc::new(Roots::read(&pem))).filter(|roots| !roots.is_empty());
        }
        let file = File::open(&path).ok()?;
        let found = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let identity = (path, found.dev(), found.ino(), found.len(), found.ctime(), found.ctime_nsec());
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, roots)) = last.as_ref()
            && *known == identity
        {
            return Some(roots.clone());
        }
        let mut pem = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut pem).ok()?;
        let roots = Arc::new(Roots::read(&pem));
        if roots.is_empty() {
            return None;
        }
        *last = Some((identity, roots.clone()));
        Some(roots)
    }

    /// Reads PEM. An authority that cannot be read is left out: clients do that, too.
    pub fn read(pem: &[u8]) -> Roots {
        let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
        let anchor = |der: CertificateDer<'_>| anchor_from_trusted_cert(&der).ok().map(|anchor| anchor.to_owned());
        Roots(certificates.filter_map(anchor).collect())
    }

    /// One authority; none if it is damaged.
    pub(crate) fn trusting(der: &CertificateDer<'_>) -> Roots {
        Roots(anchor_from_trusted_cert(der).ok().map(|anchor| anchor.to_owned()).into_iter().collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
