//! The authorities that this host knows, read again when their file changes.
#![expect(clippy::disallowed_methods, reason = "the adapter to the file of authorities")]

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_certificates::{Roots, SYSTEM_FILES};
use ansai_kit::host::Host;

const MOST_BYTES: u64 = 8 << 20;

/// File, device, inode, size and time of the last change.
type Identity = (PathBuf, u64, u64, u64, i64, i64);

static LAST: Mutex<Option<(Identity, Arc<Roots>)>> = Mutex::new(None);

/// `None` if they cannot be read: then nobody knows whom this host trusts.
pub(super) fn of(host: &Host) -> Option<Arc<Roots>> {
    let file = SYSTEM_FILES.iter().find_map(|path| {
        let path = host.path(path);
        File::open(&path).ok().map(|file| (path, file))
    });
    let (path, file) = file?;
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
