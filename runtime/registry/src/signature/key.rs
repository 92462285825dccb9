//! Keys in PEM files: ECDSA P-256 and Ed25519.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519 as VERIFY_ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey,
};
use sha2::{Digest as _, Sha256};

use super::der::{ED25519, P256, of_pem};

/// A key that verifies.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: Kind,
    /// A point of P-256, or a key of Ed25519.
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    P256,
    Ed25519,
}

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`; `None` if it is not a key of P-256 or Ed25519.
    pub fn of_pem(text: &str) -> Option<PublicKey> {
        let der = of_pem(text, "PUBLIC KEY")?;
        let key =
            |kind, bytes: &[u8], length| (bytes.len() == length).then(|| PublicKey { kind, bytes: bytes.to_vec() });
        match (der.strip_prefix(P256), der.strip_prefix(ED25519)) {
            (Some(point), _) if point.first() == Some(&4) => key(Kind::P256, point, 65),
            (_, Some(bytes)) => key(Kind::Ed25519, bytes, 32),
            _ => None,
        }
    }

    fn spki(&self) -> Vec<u8> {
        let header = if self.kind == Kind::P256 { P256 } else { ED25519 };
        [header, &self.bytes].concat()
    }

    /// In PEM.
    pub fn to_pem(&self) -> String {
        let body = STANDARD.encode(self.spki());
        let (first, rest) = body.split_at(body.len().min(64));
        let rest = if rest.is_empty() { String::new() } else { format!("{rest}\n") };
        format!("-----BEGIN PUBLIC KEY-----\n{first}\n{rest}-----END PUBLIC KEY-----\n")
    }

    /// SHA-256 of the key, in base64: how bundles name it.
    pub fn hint(&self) -> String {
        STANDARD.encode(Sha256::digest(self.spki()))
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self.kind {
            Kind::P256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.bytes).verify(message, signature),
            Kind::Ed25519 => UnparsedPublicKey::new(&VERIFY_ED25519, &self.bytes).verify(message, signature),
        };
        verified.is_ok()
    }
}

/// The hint.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.hint())
    }
}

/// A key that signs.
pub struct SigningKey(Pair);

enum Pair {
    P256(Box<EcdsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads `-----BEGIN PRIVATE KEY-----`; `None` if it is not a key of P-256 or Ed25519.
    pub fn of_pem(text: &str) -> Option<SigningKey> {
        let der = of_pem(text, "PRIVATE KEY")?;
        let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der, &SystemRandom::new());
        // OpenSSL writes keys of Ed25519 without their public part.
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        let pair = p256().ok().map(|pair| Pair::P256(Box::new(pair))).or_else(|| ed25519().ok().map(Pair::Ed25519));
        pair.map(SigningKey)
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        let (kind, bytes) = match &self.0 {
            Pair::P256(pair) => (Kind::P256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => (Kind::Ed25519, pair.public_key().as_ref()),
        };
        PublicKey { kind, bytes: bytes.to_vec() }
    }

    /// `None` if the system gives no random numbers.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.0 {
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message).ok().map(|one| one.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// The key is not shown.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().hint())
    }
}
