//! The public key that signatures of heads are checked with, and the id of a log.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::frame::Hash;

/// The public key of a log: 32 bytes of Ed25519 (RFC 8032), written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// The id of a log: the hash of its first record, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub(crate) Hash);

/// Why a text is not a valid key or id of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyError {
    /// The text is not 64 lower-case hexadecimal digits.
    #[error("not 64 lower-case hexadecimal digits")]
    Digits,
    /// The bytes are not a point of the curve.
    #[error("not an Ed25519 public key")]
    NoKey,
}

impl PublicKey {
    /// Whether this key signed these bytes. Strict: refuses keys and signatures that would be valid for several
    /// messages.
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let key = VerifyingKey::from_bytes(&self.0);
        key.is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        Self(key.to_bytes())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let bytes = exact_hex(text).ok_or(ParseKeyError::Digits)?;
        VerifyingKey::from_bytes(&bytes).map(Self::from).map_err(|_| ParseKeyError::NoKey)
    }
}

impl FromStr for LogId {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        exact_hex(text).map(Self).ok_or(ParseKeyError::Digits)
    }
}

/// Accepts only one spelling, so that signed texts are unique too.
pub(crate) fn exact_hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let lower = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}
