//! Checking a whole log.

use std::path::Path;

use crate::corruption::{Corruption, Fault, ReadError};
use crate::head::Head;
use crate::reader::{Entry, Reader, Tail};
use crate::segment::SegmentName;

/// What a check of a whole log found to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Records, all of them whole, in sequence and chained.
    pub records: u64,
    /// Segments that hold them.
    pub segments: u64,
    /// The last record. Keep it elsewhere: it is what a later check is to be given.
    pub head: Head,
    /// Bytes behind the last record that are no record; not 0 after a crash, or beside a writer at work.
    pub torn_tail_bytes: u64,
}

/// Reads a whole log and checks every frame, the sequence and the chain; nothing is changed.
///
/// With `expected`, a head known from before, that record must be there with that hash. Without it, a log that
/// was cut after a whole record or rewritten from some record on, consistently, cannot be told from a sound one.
///
/// # Errors
/// [`ReadError::Corrupt`] names the first place that is wrong, [`ReadError::Storage`] what could not be read.
pub fn verify(directory: impl AsRef<Path>, expected: Option<Head>) -> Result<Verified, ReadError> {
    let mut reader = Reader::open(directory)?;
    let mut head = Head::genesis();
    if let Some(expected) = expected.filter(|expected| expected.sequence == 0 && *expected != head) {
        let fault = Fault::Rewritten { expected, found: head };
        return Err(Corruption { segment: SegmentName::starting_at(1), offset: 0, sequence: 0, fault }.into());
    }
    for entry in reader.by_ref() {
        let entry = entry?;
        check_expected(&entry, expected)?;
        head = entry.head();
    }
    if let Some(expected) = expected.filter(|expected| expected.sequence > head.sequence) {
        let (segment, offset) = reader.position().unwrap_or((SegmentName::starting_at(1), 0));
        let fault = Fault::CutBelowHead { expected, last: head };
        let sequence = head.sequence.saturating_add(1);
        return Err(Corruption { segment, offset, sequence, fault }.into());
    }
    let torn_tail_bytes = match reader.tail() {
        Some(Tail::Torn(torn)) => torn.bytes,
        Some(Tail::Clean) | None => 0,
    };
    Ok(Verified { records: head.sequence, segments: reader.segments(), head, torn_tail_bytes })
}

fn check_expected(entry: &Entry, expected: Option<Head>) -> Result<(), Corruption> {
    match expected.filter(|expected| expected.sequence == entry.sequence && expected.hash != entry.hash) {
        None => Ok(()),
        Some(expected) => Err(Corruption {
            segment: entry.segment,
            offset: entry.offset,
            sequence: entry.sequence,
            fault: Fault::Rewritten { expected, found: entry.head() },
        }),
    }
}
