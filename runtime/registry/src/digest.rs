//! SHA-256 of content, as OCI writes it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::RegistryError;

const PREFIX: &str = "sha256:";
const DIGITS: usize = 64;

/// `sha256:` and 64 lower-case hexadecimal digits. No other algorithm is supported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// That of bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::finish(Sha256::new_with_prefix(bytes))
    }

    pub(crate) fn finish(hash: Sha256) -> Digest {
        Digest(format!("{PREFIX}{}", hex::encode(hash.finalize())))
    }

    /// The digits, without the algorithm. They are a safe file name.
    pub fn hex(&self) -> &str {
        self.0.strip_prefix(PREFIX).unwrap_or_default()
    }

    /// `sha256:` with the first digits, for lists.
    pub fn short(&self) -> &str {
        self.0.get(..PREFIX.len() + 12).unwrap_or(&self.0)
    }
}

impl FromStr for Digest {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.strip_prefix(PREFIX) {
            Some(digits) if digits.len() == DIGITS && digits.bytes().all(is_digit) => Ok(Digest(text.to_owned())),
            _ => Err(RegistryError::reference(text, "a digest is `sha256:` and 64 hexadecimal digits in lower case")),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = RegistryError;

    fn try_from(text: String) -> Result<Self, RegistryError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_a_safe_file_name() {
        let digest = Digest::of(b"");
        assert_eq!(digest.hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(digest.to_string().parse::<Digest>().ok(), Some(digest.clone()));
        assert_eq!(digest.short(), "sha256:e3b0c44298fc");
        let (long, upper) = (format!("{digest}0"), digest.to_string().replace('e', "E"));
        for bad in ["", "sha256:", "sha512:00", "sha256:../../../etc", long.as_str(), upper.as_str(), digest.hex()] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
