//! What can be wrong with a log, and where.

use crate::frame::MAX_PAYLOAD_BYTES;
use crate::head::Head;
use crate::segment::SegmentName;
use crate::storage::StorageError;

/// A place in a log that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment}, offset {offset}, record {sequence}: {fault}")]
pub struct Corruption {
    /// The segment that holds the place.
    pub segment: SegmentName,
    /// Where in the segment the frame begins that is wrong, in bytes; 0 when it is the segment itself.
    pub offset: u64,
    /// The sequence of the record that should be there.
    pub sequence: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong at one place of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The segment ends within its first eight bytes.
    #[error("the segment is cut within its header")]
    HeaderCut,
    /// The segment begins with bytes that no version of this format begins with.
    #[error("the file does not begin as a segment does")]
    NotASegment,
    /// The segment was written by another version.
    #[error("the segment has format version {found}, which this build does not read")]
    UnknownVersion {
        /// The version in the file.
        found: u8,
    },
    /// The segment that should hold the record is not there.
    #[error("the segment with this record is missing; the next one is {next}")]
    MissingSegment {
        /// The segment that comes next.
        next: SegmentName,
    },
    /// The segment begins with a record that an earlier segment holds already.
    #[error("the segment begins before the end of the one before it")]
    OverlappingSegment,
    /// The frame states a length that is never written.
    #[error("length out of bounds: {found} bytes of payload, at most {MAX_PAYLOAD_BYTES} are written")]
    Length {
        /// The length in the file.
        found: u32,
    },
    /// The frame ends before its stated length.
    #[error("the frame is cut: {present} of {needed} bytes")]
    Cut {
        /// Bytes that are there.
        present: u64,
        /// Bytes that the frame states, or those of a header when even that is cut.
        needed: u64,
    },
    /// Checksum and content differ.
    #[error("the checksum does not match the content")]
    Checksum,
    /// Records are missing before this one.
    #[error("sequence gap: record {found} is here instead")]
    SequenceGap {
        /// The sequence in the file.
        found: u64,
    },
    /// A record that was there already.
    #[error("sequence repeated: record {found} is here again")]
    SequenceRepeated {
        /// The sequence in the file.
        found: u64,
    },
    /// The record does not follow from the one before it.
    #[error("the chain is broken: the record refers to another predecessor")]
    ChainBroken,
    /// The log ends before a head that it is known to have had.
    #[error("the log {}: its last whole record is {}, but it was known to reach {expected}",
        if *torn { "was cut or its end damaged" } else { "was cut" }, last.sequence)]
    CutBelowHead {
        /// The head that was known.
        expected: Head,
        /// The head that is there.
        last: Head,
        /// There is something behind the last whole record.
        torn: bool,
    },
    /// The record is consistent in itself but is not the one that was known.
    #[error("the log was rewritten: this record was known as {expected}, and is {found}")]
    Rewritten {
        /// The head that was known.
        expected: Head,
        /// What is there under the same sequence.
        found: Head,
    },
}

impl Fault {
    /// A word for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HeaderCut => "header-cut",
            Self::NotASegment => "not-a-segment",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::MissingSegment { .. } => "missing-segment",
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

/// Why a log could not be read on: because it is wrong, or because that could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is not as it was written.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// The system refused; the log may be sound.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
