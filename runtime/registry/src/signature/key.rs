//! Keys in PEM files: ECDSA P-256 and Ed25519.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519 as VERIFY_ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey,
};
use sha2::{Digest as _, Sha256};

use zeroize::Zeroizing;

use super::der::{ED25519, ED25519_SEED, P256, of_pem, to_pem};
use crate::{RegistryError, Result};

/// A key that verifies.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    /// A point of P-256, or a key of Ed25519.
    bytes: Vec<u8>,
}

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA with the curve P-256 and SHA-256.
    P256,
    /// Ed25519.
    Ed25519,
}

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`; `None` if it is not a key of P-256 or Ed25519.
    pub fn of_pem(text: &str) -> Option<PublicKey> {
        let der = of_pem(text, "PUBLIC KEY")?;
        let key =
            |kind, bytes: &[u8], length| (bytes.len() == length).then(|| PublicKey { kind, bytes: bytes.to_vec() });
        match (der.strip_prefix(P256), der.strip_prefix(ED25519)) {
            (Some(point), _) if point.first() == Some(&4) => key(KeyKind::P256, point, 65),
            (_, Some(bytes)) => key(KeyKind::Ed25519, bytes, 32),
            _ => None,
        }
    }

    fn spki(&self) -> Vec<u8> {
        let header = if self.kind == KeyKind::P256 { P256 } else { ED25519 };
        [header, &self.bytes].concat()
    }

    /// In PEM.
    pub fn to_pem(&self) -> String {
        to_pem(&self.spki(), "PUBLIC KEY").to_string()
    }

    /// SHA-256 of the key, in base64: how bundles name it.
    pub fn hint(&self) -> String {
        STANDARD.encode(Sha256::digest(self.spki()))
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self.kind {
            KeyKind::P256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.bytes).verify(message, signature),
            KeyKind::Ed25519 => UnparsedPublicKey::new(&VERIFY_ED25519, &self.bytes).verify(message, signature),
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
    Elsewhere { public: PublicKey, sign: Box<Sign> },
}

/// Signs a message; the error says why it does not.
type Sign = dyn Fn(&[u8]) -> std::result::Result<String, String>;

impl SigningKey {
    /// Reads `-----BEGIN PRIVATE KEY-----`; `None` if it is not a key of P-256 or Ed25519.
    pub fn of_pem(text: &str) -> Option<SigningKey> {
        SigningKey::of_der(&of_pem(text, "PRIVATE KEY")?)
    }

    /// Reads PKCS #8.
    pub(super) fn of_der(der: &[u8]) -> Option<SigningKey> {
        let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &SystemRandom::new());
        // OpenSSL writes keys of Ed25519 without their public part.
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
        let pair = p256().ok().map(|pair| Pair::P256(Box::new(pair))).or_else(|| ed25519().ok().map(Pair::Ed25519));
        pair.map(SigningKey)
    }

    /// A key that another program or a device has. `sign` gets a message and returns its signature in base64: of ECDSA in
    /// DER, or of Ed25519. Each signature is verified with `public` before it is used.
    pub fn elsewhere(
        public: PublicKey,
        sign: impl Fn(&[u8]) -> std::result::Result<String, String> + 'static,
    ) -> SigningKey {
        SigningKey(Pair::Elsewhere { public, sign: Box::new(sign) })
    }

    /// Makes a new key, as PKCS #8.
    pub(super) fn new_der(kind: KeyKind) -> Option<Zeroizing<Vec<u8>>> {
        let random = SystemRandom::new();
        match kind {
            KeyKind::P256 => {
                let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).ok()?;
                Some(Zeroizing::new(pair.as_ref().to_vec()))
            }
            // The form with the public key inside, which ring writes, is not read by every OpenSSL.
            KeyKind::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                random.fill(&mut *seed).ok()?;
                let mut der = Zeroizing::new(Vec::with_capacity(ED25519_SEED.len() + seed.len()));
                der.extend_from_slice(ED25519_SEED);
                der.extend_from_slice(&*seed);
                Some(der)
            }
        }
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        let (kind, bytes) = match &self.0 {
            Pair::P256(pair) => (KeyKind::P256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => (KeyKind::Ed25519, pair.public_key().as_ref()),
            Pair::Elsewhere { public, .. } => return public.clone(),
        };
        PublicKey { kind, bytes: bytes.to_vec() }
    }

    /// The signature of a message.
    ///
    /// # Errors
    /// The system gives no random numbers, or a key elsewhere does not sign.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let failed = |why: &str| RegistryError::Signing { why: why.to_owned() };
        match &self.0 {
            Pair::P256(pair) => match pair.sign(&SystemRandom::new(), message) {
                Ok(one) => Ok(one.as_ref().to_vec()),
                Err(_) => Err(failed(NO_RANDOM)),
            },
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Elsewhere { public, sign } => {
                let given = sign(message).map_err(|why| failed(&why))?;
                let text: String = given.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                let verified = STANDARD.decode(text).ok().filter(|signature| public.verify(message, signature));
                verified.ok_or_else(|| failed("the command printed no signature of its public key in base64"))
            }
        }
    }
}

/// Why a new key or a signature cannot be made.
pub(super) const NO_RANDOM: &str = "this system gives no random numbers";

/// The key is not shown.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().hint())
    }
}
