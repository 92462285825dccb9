//! Whether a private key belongs to a certificate. The key stays in memory only as long as this takes.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use crate::describe::parse;

/// Whether a private key belongs to a certificate, as in the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Pairing {
    Matches,
    Differs,
    Unknown,
}

/// Compares the public key of the first private key in `key` with that of a certificate: servers take the first, too.
/// The key is in PKCS#8, PKCS#1 or SEC1, as PEM. `Unknown` if it is encrypted, damaged or of another kind: only the
/// program that uses it can tell.
pub fn pairing(certificate: &[u8], key: &[u8]) -> Pairing {
    let found = PrivateKeyDer::from_pem_slice(key).ok().and_then(|key| any_supported_type(&key).ok());
    let Some((certificate, key)) = parse(certificate).zip(found) else { return Pairing::Unknown };
    match key.public_key() {
        // The algorithm is a part of it, so a key of another kind differs.
        Some(public) if public.as_ref() == certificate.public_key().raw => Pairing::Matches,
        Some(_) => Pairing::Differs,
        None => Pairing::Unknown,
    }
}
