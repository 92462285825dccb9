//! A signed head of a log, for keeping elsewhere.

use std::fmt;
use std::str::FromStr;

use crate::head::Head;
use crate::key::Key;
use crate::public_key::{LogId, PublicKey, exact_hex};

/// First word of the text and of the signed bytes. It distinguishes heads from everything else that this key signs.
const WORD: &str = "ansai-audit-head-v1";

/// A head with the id of its log, the time, and a signature over all three.
///
/// Written as one line of ASCII, with only one spelling: `ansai-audit-head-v1 log=HEX64 sequence=N hash=HEX64 at_ms=N
/// key=HEX64 signature=HEX128`. The signature is Ed25519 over the bytes of that line before ` signature=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// Id of the log.
    pub log: LogId,
    /// The last durable record at that time.
    pub head: Head,
    /// The time, in milliseconds since 1970 by the host's clock.
    pub at_ms: u64,
    /// The key that signed it.
    pub key: PublicKey,
    signature: [u8; 64],
}

/// Why a text is not a [`SignedHead`]. A valid one may still have a wrong signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseSignedHeadError {
    /// It does not begin like a signed head.
    #[error("it does not start with {WORD}")]
    NotOne,
    /// A part is missing, misplaced or malformed.
    #[error("its {0} is missing or malformed")]
    Part(&'static str),
}

impl SignedHead {
    /// Signs a head. The caller first makes the record durable: otherwise the head could survive a power failure that
    /// loses the record, and an intact log would look tampered.
    pub fn new(log: LogId, head: Head, at_ms: u64, key: &Key) -> Self {
        let public = key.public();
        let signature = key.sign(signed_text(log, head, at_ms, public).as_bytes());
        Self { log, head, at_ms, key: public, signature }
    }

    /// Whether [`SignedHead::key`] signed it. The caller decides whether to trust that key.
    pub fn is_signed(&self) -> bool {
        let text = signed_text(self.log, self.head, self.at_ms, self.key);
        self.key.signed(text.as_bytes(), &self.signature)
    }

    /// Whether a text begins like a signed head, valid or not.
    pub fn looks_like(text: &str) -> bool {
        text.starts_with(WORD)
    }
}

fn signed_text(log: LogId, head: Head, at_ms: u64, key: PublicKey) -> String {
    let hash = hex::encode(head.hash);
    format!("{WORD} log={log} sequence={} hash={hash} at_ms={at_ms} key={key}", head.sequence)
}

impl fmt::Display for SignedHead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = signed_text(self.log, self.head, self.at_ms, self.key);
        write!(formatter, "{text} signature={}", hex::encode(self.signature))
    }
}

impl FromStr for SignedHead {
    type Err = ParseSignedHeadError;

    fn from_str(text: &str) -> Result<Self, ParseSignedHeadError> {
        let mut words = text.split(' ');
        if words.next() != Some(WORD) {
            return Err(ParseSignedHeadError::NotOne);
        }
        let mut part = |name: &'static str| {
            let value = words.next().and_then(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.ok_or(ParseSignedHeadError::Part(name))
        };
        let log = part("log")?.parse().map_err(|_| ParseSignedHeadError::Part("log"))?;
        let sequence = plain_number(part("sequence")?).ok_or(ParseSignedHeadError::Part("sequence"))?;
        let hash = exact_hex(part("hash")?).ok_or(ParseSignedHeadError::Part("hash"))?;
        let at_ms = plain_number(part("at_ms")?).ok_or(ParseSignedHeadError::Part("at_ms"))?;
        let key = part("key")?.parse().map_err(|_| ParseSignedHeadError::Part("key"))?;
        let signature = exact_hex(part("signature")?).ok_or(ParseSignedHeadError::Part("signature"))?;
        if words.next().is_some() {
            return Err(ParseSignedHeadError::Part("end"));
        }
        Ok(Self { log, head: Head { sequence, hash }, at_ms, key, signature })
    }
}

/// Parses a number without sign and leading zeros.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn signed() -> SignedHead {
        let head = Head { sequence: 1205, hash: [0xab; 32] };
        SignedHead::new(LogId([7; 32]), head, 1_790_000_000_000, &Key::from_seed([1; 32]))
    }

    #[test]
    fn the_text_does_not_drift() {
        // Fixed text: a change to the format would invalidate every kept head.
        assert_eq!(
            signed().to_string(),
            format!(
                "ansai-audit-head-v1 log={} sequence=1205 hash={} at_ms=1790000000000 key={} signature={}",
                "07".repeat(32),
                "ab".repeat(32),
                "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
                SIGNATURE,
            )
        );
    }

    const SIGNATURE: &str = "873e442989dc0da0578bd999f7ed129d5a13da31dfb4ac36025b6a6e74597bf1a4b46a66f2bcace70f9e16f960c3d27dd44c101e1fdaf0e4de984c64940a1c0d";

    #[test]
    fn it_round_trips_and_every_flipped_bit_is_detected() {
        let text = signed().to_string();
        assert_eq!(text.parse(), Ok(signed()));
        assert!(signed().is_signed());
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let told = String::from_utf8(bytes).ok().and_then(|text| text.parse::<SignedHead>().ok());
            assert!(told.is_none_or(|head| !head.is_signed()), "bit {bit}");
        }
    }

    #[test]
    fn every_other_spelling_is_refused_with_its_reason() {
        let text = signed().to_string();
        for (from, to, error) in [
            ("ansai-audit-head-v1", "ansai-audit-head-v2", ParseSignedHeadError::NotOne),
            ("log=07", "log=7", ParseSignedHeadError::Part("log")),
            ("sequence=1205", "sequence=01205", ParseSignedHeadError::Part("sequence")),
            ("sequence=1205", "sequence=+1205", ParseSignedHeadError::Part("sequence")),
            ("hash=ab", "hash=AB", ParseSignedHeadError::Part("hash")),
            (" at_ms", "  at_ms", ParseSignedHeadError::Part("at_ms")),
            ("key=8a", "key=8A", ParseSignedHeadError::Part("key")),
            (" signature=", " signatur=", ParseSignedHeadError::Part("signature")),
        ] {
            assert_eq!(text.replacen(from, to, 1).parse::<SignedHead>(), Err(error), "{to}");
        }
        assert_eq!(format!("{text} more").parse::<SignedHead>(), Err(ParseSignedHeadError::Part("end")));
        assert_eq!(format!("{text}\n").parse::<SignedHead>(), Err(ParseSignedHeadError::Part("signature")));
    }
}
