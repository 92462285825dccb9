//! The head of a log, which identifies all records up to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::frame;

/// The last record of a log. Anyone who keeps a head can detect later whether a record up to it was removed or
/// rewritten.
///
/// Written as `SEQUENCE:HEX64`, also in JSON.
///
/// ```
/// let head: ansai_audit::Head = ansai_audit::Head::genesis().to_string().parse()?;
/// assert_eq!(head.sequence, 0);
/// # Ok::<(), ansai_audit::ParseHeadError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Head {
    /// Sequence number of the record, from 1; 0 for a log without records.
    pub sequence: u64,
    /// SHA-256 of the record and, through the chain, of all records before it.
    pub hash: [u8; 32],
}

impl Head {
    /// The head of a log without records.
    pub fn genesis() -> Self {
        Self { sequence: 0, hash: frame::genesis() }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.sequence, hex::encode(self.hash))
    }
}

impl From<Head> for String {
    fn from(head: Head) -> Self {
        head.to_string()
    }
}

/// Why a text is not a [`Head`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHeadError {
    /// The colon between sequence and hash is missing.
    #[error("a head is SEQUENCE:HASH, and there is no colon")]
    NoColon,
    /// The part before the colon is not a decimal 64-bit number without sign and leading zeros.
    #[error("the sequence before the colon is not a plain decimal number")]
    Sequence,
    /// The part after the colon is not 64 lower-case hexadecimal digits.
    #[error("the hash after the colon is not 64 lower-case hexadecimal digits")]
    Hash,
}

impl FromStr for Head {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let (sequence, digits) = text.split_once(':').ok_or(ParseHeadError::NoColon)?;
        let number = sequence.parse::<u64>().map_err(|_| ParseHeadError::Sequence)?;
        // Only one spelling is valid, so that heads can be compared as text.
        if number.to_string() != sequence {
            return Err(ParseHeadError::Sequence);
        }
        if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return Err(ParseHeadError::Hash);
        }
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|_| ParseHeadError::Hash)?;
        Ok(Self { sequence: number, hash })
    }
}

impl TryFrom<String> for Head {
    type Error = ParseHeadError;

    fn try_from(text: String) -> Result<Self, ParseHeadError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn text_and_json_round_trip() {
        let head = Head { sequence: 42, hash: [0xab; 32] };
        let text = head.to_string();
        assert_eq!(text, format!("42:{}", "ab".repeat(32)));
        assert_eq!(text.parse(), Ok(head));
        let json = serde_json::to_string(&head).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Head>(&json).unwrap(), head);
    }

    #[test]
    fn every_other_spelling_is_refused_with_its_reason() {
        let hash = "00".repeat(32);
        for (text, error) in [
            (String::new(), ParseHeadError::NoColon),
            (hash.clone(), ParseHeadError::NoColon),
            (format!(":{hash}"), ParseHeadError::Sequence),
            (format!("+1:{hash}"), ParseHeadError::Sequence),
            (format!("01:{hash}"), ParseHeadError::Sequence),
            (format!("18446744073709551616:{hash}"), ParseHeadError::Sequence),
            ("1:".to_owned(), ParseHeadError::Hash),
            (format!("1:{hash}0"), ParseHeadError::Hash),
            (format!("1:{hash} "), ParseHeadError::Hash),
            (format!("1:{}", "AB".repeat(32)), ParseHeadError::Hash),
            (format!("1:{}", "zz".repeat(32)), ParseHeadError::Hash),
        ] {
            assert_eq!(text.parse::<Head>(), Err(error), "{text:?}");
        }
    }
}
