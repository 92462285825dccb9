//! The signed record of what was dropped from the beginning of a log.

use std::fmt;
use std::str::FromStr;

use ansai_storage::{Directory, WriteOptions};

use crate::corruption::{Corruption, Fault, ReadError};
use crate::frame::Hash;
use crate::head::Head;
use crate::key::Key;
use crate::public_key::{LogId, PublicKey, exact_hex};
use crate::segment::SegmentName;
use crate::signed_head::plain_number;
use crate::storage::StorageError;

/// First word of the text and of the signed bytes.
const WORD: &str = "ansai-audit-beginning-v1";
/// Its file, in the directory of the segments.
const FILE: &str = "beginning";
/// Maximum size in bytes, which exceeds that of any record.
const MOST_BYTES: u64 = 1024;

/// Why records were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// They were older than the operator keeps them.
    Age,
    /// The log was larger than the operator allows.
    Size,
}

impl DropReason {
    /// A stable word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Size => "size",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Where the records went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the archive.
    Archived,
    /// They were deleted.
    Deleted,
}

impl Destination {
    fn word(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Where a log begins, and what was dropped before that. The key of the log signs it.
///
/// Written as one line of ASCII with only one spelling, like a [`SignedHead`](crate::SignedHead): `ansai-audit-beginning-v1
/// log=HEX64 from=N first=N previous=HEX64 reason=WORD to=WORD at_ms=N key=HEX64 signature=HEX128`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// What it says.
    pub dropped: Dropped,
    /// The key that signed it.
    pub key: PublicKey,
    signature: [u8; 64],
}

/// Records that were dropped from the beginning of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Id of the log: the hash of its very first record.
    pub log: LogId,
    /// Sequence number of the first record that was dropped this time. Those before it were dropped earlier.
    pub from: u64,
    /// Sequence number of the first record that is kept.
    pub first: u64,
    /// Hash of the last dropped record, to which the first kept one links.
    pub previous: Hash,
    /// Why.
    pub reason: DropReason,
    /// Where they went.
    pub to: Destination,
    /// When, in milliseconds since 1970 by the host's clock.
    pub at_ms: u64,
}

impl Dropped {
    /// Number of records that were dropped this time.
    pub fn records(&self) -> u64 {
        self.first.saturating_sub(self.from)
    }

    /// The last dropped record.
    pub fn last(&self) -> Head {
        Head { sequence: self.first.saturating_sub(1), hash: self.previous }
    }

    fn signed_text(&self, key: PublicKey) -> String {
        let Self { log, from, first, previous, reason, to, at_ms } = self;
        let previous = hex::encode(previous);
        format!(
            "{WORD} log={log} from={from} first={first} previous={previous} reason={reason} to={to} at_ms={at_ms} key={key}"
        )
    }
}

/// Why a text is not a [`Beginning`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseBeginningError {
    /// It does not begin like one.
    #[error("it does not start with {WORD}")]
    NotOne,
    /// A part is missing, misplaced or malformed.
    #[error("its {0} is missing or malformed")]
    Part(&'static str),
}

impl Beginning {
    /// Signs what was dropped.
    pub fn new(dropped: Dropped, key: &Key) -> Self {
        let public = key.public();
        Self { dropped, key: public, signature: key.sign(dropped.signed_text(public).as_bytes()) }
    }

    /// Whether [`Beginning::key`] signed it. The caller decides whether to trust that key.
    pub fn is_signed(&self) -> bool {
        self.key.signed(self.dropped.signed_text(self.key).as_bytes(), &self.signature)
    }

    /// Reads the record of a log; `None` if nothing was dropped.
    ///
    /// # Errors
    /// If it is not one, if its signature does not match, or the system refuses.
    pub fn read(log: &Directory) -> Result<Option<Self>, ReadError> {
        let Some(found) = log.read(FILE, MOST_BYTES)? else { return Ok(None) };
        let text = std::str::from_utf8(&found.bytes).ok().and_then(|text| text.strip_suffix('\n')).unwrap_or_default();
        let why = match text.parse::<Self>() {
            Ok(beginning) if beginning.is_signed() => return Ok(Some(beginning)),
            Ok(_) => "its signature is invalid".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Corruption::at_the_beginning(1, Fault::BeginningForged { why }).into())
    }

    /// Writes the record of a log, durably, over an older one.
    pub(crate) fn write(&self, log: &Directory) -> Result<(), StorageError> {
        log.replace(FILE, format!("{self}\n").as_bytes(), WriteOptions::default())
    }

    /// Sequence number of the first record, and the hash that it links to.
    pub(crate) fn start(beginning: Option<&Self>) -> (u64, Hash) {
        beginning.map_or((1, crate::frame::genesis()), |one| (one.dropped.first, one.dropped.previous))
    }
}

impl Corruption {
    /// Of the record of what was dropped, or of a log that does not begin where it says.
    pub fn at_the_beginning(sequence: u64, fault: Fault) -> Self {
        Self { segment: SegmentName::starting_at(sequence), offset: 0, sequence, fault }
    }
}

impl fmt::Display for Beginning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} signature={}", self.dropped.signed_text(self.key), hex::encode(self.signature))
    }
}

impl FromStr for Beginning {
    type Err = ParseBeginningError;

    fn from_str(text: &str) -> Result<Self, ParseBeginningError> {
        let mut words = text.split(' ');
        if words.next() != Some(WORD) {
            return Err(ParseBeginningError::NotOne);
        }
        let mut part = |name: &'static str| {
            let value = words.next().and_then(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.ok_or(ParseBeginningError::Part(name))
        };
        let bad = ParseBeginningError::Part;
        let log = part("log")?.parse().map_err(|_| bad("log"))?;
        let from = plain_number(part("from")?).filter(|from| *from > 0).ok_or(bad("from"))?;
        let first = plain_number(part("first")?).filter(|first| *first > from).ok_or(bad("first"))?;
        let previous = exact_hex(part("previous")?).ok_or(bad("previous"))?;
        let reason = match part("reason")? {
            "age" => DropReason::Age,
            "size" => DropReason::Size,
            _ => return Err(bad("reason")),
        };
        let to = match part("to")? {
            "archived" => Destination::Archived,
            "deleted" => Destination::Deleted,
            _ => return Err(bad("to")),
        };
        let at_ms = plain_number(part("at_ms")?).ok_or(bad("at_ms"))?;
        let key = part("key")?.parse().map_err(|_| bad("key"))?;
        let signature = exact_hex(part("signature")?).ok_or(bad("signature"))?;
        if words.next().is_some() {
            return Err(bad("end"));
        }
        Ok(Self { dropped: Dropped { log, from, first, previous, reason, to, at_ms }, key, signature })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn beginning() -> Beginning {
        let (reason, to) = (DropReason::Size, Destination::Archived);
        let dropped =
            Dropped { log: LogId([7; 32]), from: 1, first: 1205, previous: [0xab; 32], reason, to, at_ms: 1_790_000 };
        Beginning::new(dropped, &Key::from_seed([1; 32]))
    }

    #[test]
    fn it_round_trips_and_every_flipped_bit_is_detected() {
        let text = beginning().to_string();
        assert_eq!(text.parse(), Ok(beginning()));
        assert!(beginning().is_signed() && text.len() < 1000);
        assert_eq!((beginning().dropped.records(), beginning().dropped.last().sequence), (1204, 1204));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let told = String::from_utf8(bytes).ok().and_then(|text| text.parse::<Beginning>().ok());
            assert!(told.is_none_or(|one| !one.is_signed()), "bit {bit}");
        }
    }

    #[test]
    fn a_record_that_drops_nothing_or_is_spelt_otherwise_is_refused() {
        let text = beginning().to_string();
        for (from, to, part) in [
            ("first=1205", "first=1", "first"),
            ("from=1", "from=0", "from"),
            ("from=1", "from=01", "from"),
            ("reason=size", "reason=whim", "reason"),
            ("to=archived", "to=sea", "to"),
        ] {
            assert_eq!(text.replacen(from, to, 1).parse::<Beginning>(), Err(ParseBeginningError::Part(part)), "{to}");
        }
        assert_eq!(format!("{text} more").parse::<Beginning>(), Err(ParseBeginningError::Part("end")));
        assert_eq!("ansai-audit-head-v1".parse::<Beginning>(), Err(ParseBeginningError::NotOne));
    }
}
