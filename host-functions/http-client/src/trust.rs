//! The authorities that a client trusts.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_kit::authorities;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

const MOST_BYTES: u64 = 4 << 20;

/// Why no authority can be trusted.
#[derive(Debug)]
pub enum NoTrust {
    /// The host has no file of authorities.
    NoFile,
    /// The file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The file has no certificate.
    Empty(PathBuf),
}

impl fmt::Display for NoTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => {
                f.write_str("this host has no certificates of authorities: install the package ca-certificates")
            }
            Self::Unreadable(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Empty(path) => write!(f, "{} has no certificate", path.display()),
        }
    }
}

impl std::error::Error for NoTrust {}

/// TLS that trusts the authorities of a file in PEM, as they are now.
///
/// # Errors
/// The file cannot be read, or has no certificate.
pub fn trust(file: &Path) -> Result<TlsConfig, NoTrust> {
    certificates(file).map(|roots| tls(&roots))
}

/// TLS that trusts these authorities, and no others.
pub fn tls(roots: &[Certificate<'static>]) -> TlsConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCerts::new_with_certs(roots);
    TlsConfig::builder().unversioned_rustls_crypto_provider(provider).root_certs(roots).build()
}

/// The file of authorities of this host. `place` as for [`authorities::file`].
///
/// # Errors
/// There is none.
pub fn trusted_file(place: impl Fn(&'static str) -> PathBuf) -> Result<PathBuf, NoTrust> {
    authorities::file(place).ok_or(NoTrust::NoFile)
}

/// The certificates in a file in PEM.
///
/// # Errors
/// The file cannot be read, or has no certificate.
pub fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, NoTrust> {
    let text = authorities::read(file, MOST_BYTES).map_err(|error| NoTrust::Unreadable(file.to_owned(), error))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err(NoTrust::Empty(file.to_owned())) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_not_trust_in_nobody_or_everybody() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("roots.pem");
        assert!(matches!(trust(&file), Err(NoTrust::Unreadable(..))));
        for text in ["", "not a certificate", "-----BEGIN CERTIFICATE-----\n"] {
            std::fs::write(&file, text).unwrap();
            assert!(matches!(trust(&file), Err(NoTrust::Empty(_))), "{text}");
        }
    }
}
