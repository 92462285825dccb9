//! The certificates of a file.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The most certificates of a file or a server that are shown and verified. Chains have two to four.
pub const MOST_CERTIFICATES: usize = 32;

/// The certificates of a file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// At most [`MOST_CERTIFICATES`], at least one.
    pub certificates: Vec<CertificateDer<'static>>,
    /// How many more there are.
    pub omitted: u32,
}

/// Why a file has no certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It has none.
    #[error("no certificate in it")]
    NoCertificate,
    /// One of them is damaged.
    #[error("certificate {0} is damaged")]
    Damaged(usize),
}

impl Bundle {
    /// Reads PEM with any number of certificates among other things, or one certificate in DER.
    ///
    /// # Errors
    /// There is no certificate, or one is damaged: servers refuse such a file, too.
    pub fn read(bytes: &[u8]) -> Result<Bundle, BundleError> {
        // A sequence with a length of two bytes: no text begins so.
        if bytes.starts_with(&[0x30, 0x82]) {
            let certificate = CertificateDer::from(bytes.to_vec());
            return match crate::describe(&certificate) {
                Some(_) => Ok(Bundle { certificates: vec![certificate], omitted: 0 }),
                None => Err(BundleError::Damaged(1)),
            };
        }
        let mut bundle = Bundle { certificates: Vec::new(), omitted: 0 };
        for found in CertificateDer::pem_slice_iter(bytes) {
            let number = bundle.certificates.len() + 1;
            let certificate = found.map_err(|_| BundleError::Damaged(number))?;
            if bundle.certificates.len() == MOST_CERTIFICATES {
                bundle.omitted = bundle.omitted.saturating_add(1);
                continue;
            }
            if crate::describe(&certificate).is_none() {
                return Err(BundleError::Damaged(number));
            }
            bundle.certificates.push(certificate);
        }
        match bundle.certificates.is_empty() {
            true => Err(BundleError::NoCertificate),
            false => Ok(bundle),
        }
    }

    /// The certificate of the server.
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.certificates.first()
    }
}
