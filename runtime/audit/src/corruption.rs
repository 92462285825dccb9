//! Kinds of damage to a log, and their places.

use crate::frame::MAX_PAYLOAD_BYTES;
use crate::head::Head;
use crate::segment::SegmentName;
use crate::storage::StorageError;

/// A place where a log differs from what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment}, offset {offset}, record {sequence}: {fault}")]
pub struct Corruption {
    /// The segment that holds the place.
    pub segment: SegmentName,
    /// Offset of the wrong frame in the segment, in bytes; 0 if the segment itself is wrong.
    pub offset: u64,
    /// The sequence number of the record that belongs there.
    pub sequence: u64,
    /// The kind of damage.
    pub fault: Fault,
}

/// A kind of damage at one place of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The segment is shorter than its header of 8 bytes.
    #[error("the segment is cut within its header")]
    HeaderCut,
    /// The first bytes are not those of any version of this format.
    #[error("the file is not a segment: its header is unknown")]
    NotASegment,
    /// The segment has an unknown format version.
    #[error("the segment has format version {found}, which this build does not read")]
    UnknownVersion {
        /// The version in the file.
        found: u8,
    },
    /// The segment that should hold the record is missing.
    #[error("the segment with this record is missing; the next one is {next}")]
    MissingSegment {
        /// The next segment that exists.
        next: SegmentName,
    },
    /// The log does not begin with record 1, and no signed record says that its beginning was dropped.
    #[error("the log begins with record {found}, and no signed record says that the records before it were dropped")]
    BeginningMissing {
        /// Its first record.
        found: u64,
    },
    /// The record of what was dropped was not signed for this log.
    #[error("the record of what was dropped is forged or damaged: {why}")]
    BeginningForged {
        /// What is wrong with it.
        why: String,
    },
    /// The log begins after the record that is named as the first kept one.
    #[error(
        "more was dropped than the signed record names: {named} is the first kept record, but the log begins with {found}"
    )]
    BeginningExceeded {
        /// The first record according to the signed record.
        named: u64,
        /// The first record that is there.
        found: u64,
    },
    /// The log records a later drop than the one that is named.
    #[error(
        "the record of what was dropped is an older one: it names {named} as the first kept record, the log {recorded}"
    )]
    BeginningReplayed {
        /// The first record according to the signed record.
        named: u64,
        /// The first record according to the log.
        recorded: u64,
    },
    /// The segment begins with a record that an earlier segment already holds.
    #[error("the segment begins before the end of the one before it")]
    OverlappingSegment,
    /// The frame's length field holds an impossible value.
    #[error("length out of bounds: {found} bytes of payload, at most {MAX_PAYLOAD_BYTES} are written")]
    Length {
        /// The length in the file.
        found: u32,
    },
    /// The frame is shorter than its length field says.
    #[error("the frame is cut: {present} of {needed} bytes")]
    Cut {
        /// Number of bytes present.
        present: u64,
        /// Number of bytes that the frame needs, or the size of a header if even that is incomplete.
        needed: u64,
    },
    /// The checksum does not match the content.
    #[error("the checksum does not match the content")]
    Checksum,
    /// Records are missing before this one.
    #[error("sequence gap: found record {found} instead")]
    SequenceGap {
        /// The sequence number in the file.
        found: u64,
    },
    /// A record is repeated.
    #[error("sequence repeated: found record {found} again")]
    SequenceRepeated {
        /// The sequence number in the file.
        found: u64,
    },
    /// The record does not link to the previous one.
    #[error("the chain is broken: the record does not link to the previous one")]
    ChainBroken,
    /// The log ends before a head that it once had.
    #[error("the log {}: its last whole record is {}, but it was known to reach {expected}",
        if *torn { "was cut or its end damaged" } else { "was cut" }, last.sequence)]
    CutBelowHead {
        /// The known head.
        expected: Head,
        /// The last head in the log.
        last: Head,
        /// Whether bytes follow the last whole record.
        torn: bool,
    },
    /// The record is valid in itself, but differs from the known one.
    #[error("the log was rewritten: expected {expected} here, found {found}")]
    Rewritten {
        /// The known head.
        expected: Head,
        /// The head with the same sequence number in the log.
        found: Head,
    },
}

impl Fault {
    /// A stable word for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HeaderCut => "header-cut",
            Self::NotASegment => "not-a-segment",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::MissingSegment { .. } => "missing-segment",
            Self::BeginningMissing { .. } => "beginning-missing",
            Self::BeginningForged { .. } => "beginning-forged",
            Self::BeginningExceeded { .. } => "beginning-exceeded",
            Self::BeginningReplayed { .. } => "beginning-replayed",
            Self::OverlappingSegment => "overlapping-segment",
            Self::Length { .. } => "length",
            Self::Cut { .. } => "frame-cut",
            Self::Checksum => "checksum",
            Self::SequenceGap { .. } => "sequence-gap",
            Self::SequenceRepeated { .. } => "sequence-repeated",
            Self::ChainBroken => "chain-broken",
            Self::CutBelowHead { .. } => "cut-below-head",
            Self::Rewritten { .. } => "rewritten",
        }
    }
}

/// Why reading a log stopped: damage, or a failed read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is damaged.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// The system refused; the log may be intact.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
