//! The authorities that a host knows.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use webpki::anchor_from_trusted_cert;

/// Where distributions keep them, the first that exists.
pub const SYSTEM_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authorities that a host knows.
#[derive(Debug, Clone, Default)]
pub struct Roots(pub(crate) Vec<TrustAnchor<'static>>);

impl Roots {
    /// Reads PEM. An authority that cannot be read is left out: clients do that, too.
    pub fn read(pem: &[u8]) -> Roots {
        let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
        let anchor = |der: CertificateDer<'_>| anchor_from_trusted_cert(&der).ok().map(|anchor| anchor.to_owned());
        Roots(certificates.filter_map(anchor).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
