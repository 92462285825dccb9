//! Names from callers that become part of a file name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Maximum length of an instance's name, in bytes. It must fit into a file name together with a recording's id.
pub(super) const MAX_INSTANCE_BYTES: usize = 64;

const MAX_ID_BYTES: usize = 128;

/// The name of a recording: `[a-z0-9][a-z0-9._-]{0,127}`, which is safe in a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RecordingId(String);

impl RecordingId {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not a valid name of a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a recording id: expected 1 to 128 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")]
pub struct InvalidRecordingId(String);

impl FromStr for RecordingId {
    type Err = InvalidRecordingId;

    fn from_str(text: &str) -> Result<Self, InvalidRecordingId> {
        if is_plain(text, MAX_ID_BYTES) {
            return Ok(Self(text.to_owned()));
        }
        // Truncate a long text in the message.
        Err(InvalidRecordingId(text.chars().take(MAX_ID_BYTES + 1).collect()))
    }
}

impl TryFrom<String> for RecordingId {
    type Error = InvalidRecordingId;

    fn try_from(text: String) -> Result<Self, InvalidRecordingId> {
        text.parse()
    }
}

impl From<RecordingId> for String {
    fn from(id: RecordingId) -> Self {
        id.0
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether a text is safe as part of a file name.
pub(super) fn is_plain(text: &str, max_bytes: usize) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= max_bytes
        && text.bytes().next().is_some_and(is_alphanumeric)
        && text.bytes().all(|byte| is_alphanumeric(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn only_plain_names_pass() {
        for good in ["a", "0", "web-certs.2026_01", &"a".repeat(128)] {
            assert_eq!(good.parse::<RecordingId>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", ".a", "-a", "_a", "a/b", "../a", "a\0", "A", "ä", "a~b", "a b", &"a".repeat(129)] {
            assert!(bad.parse::<RecordingId>().is_err(), "{bad:?}");
        }
    }
}
