//! The files of a log: their names and headers.

use std::fmt;

use ansai_storage::{Directory, StorageError};

use crate::corruption::Fault;

/// The header of a segment: a magic number, then the format version.
pub(crate) const HEADER: [u8; 8] = *b"ANSAILG\x01";

/// Size of a segment's header in bytes.
pub(crate) const HEADER_BYTES: u64 = HEADER.len() as u64;

/// The file name of a segment: the sequence number of its first record in 20 digits, then `.log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName(u64);

impl SegmentName {
    pub(crate) fn starting_at(sequence: u64) -> Self {
        Self(sequence)
    }

    /// The sequence number of the segment's first record.
    pub fn first_sequence(self) -> u64 {
        self.0
    }

    /// `None` for a file that is not a segment, or whose number no log can reach.
    fn parse(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(".log")?;
        if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().filter(|number| (1..=u64::MAX / 2).contains(number)).map(Self)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:020}.log", self.0)
    }
}

/// The segments of a directory, oldest first.
pub(crate) fn list(directory: &Directory) -> Result<Vec<SegmentName>, StorageError> {
    let names = directory.names()?;
    let mut segments: Vec<_> = names.iter().filter_map(|name| SegmentName::parse(name)).collect();
    segments.sort_unstable();
    Ok(segments)
}

/// The segments from a sequence number on, oldest first. What is before it was dropped, and a crash may have left it.
pub(crate) fn list_from(directory: &Directory, first: u64) -> Result<Vec<SegmentName>, StorageError> {
    let mut segments = list(directory)?;
    segments.retain(|name| name.first_sequence() >= first);
    Ok(segments)
}

/// Whether a crash can have left these first bytes at the end of a file: the beginning of a header, then only zeros.
pub(crate) fn is_unfinished(found: &[u8]) -> bool {
    let written = found.iter().zip(HEADER).take_while(|(found, wanted)| **found == *wanted).count();
    found.iter().skip(written).all(|byte| *byte == 0)
}

/// Checks the header of a segment.
pub(crate) fn check_header(found: &[u8]) -> Result<(), Fault> {
    let (Some((version, magic)), Some((found_version, found_magic))) =
        (HEADER.split_last(), found.first_chunk::<{ HEADER.len() }>().and_then(|bytes| bytes.split_last()))
    else {
        return Err(Fault::HeaderCut);
    };
    if magic != found_magic {
        return Err(Fault::NotASegment);
    }
    if version != found_version {
        return Err(Fault::UnknownVersion { found: *found_version });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn names_round_trip_and_everything_else_is_not_a_segment() {
        let name = SegmentName::starting_at(42);
        assert_eq!(name.to_string(), "00000000000000000042.log");
        assert_eq!(SegmentName::parse(&name.to_string()), Some(name));
        for other in [
            "42.log",
            "0000000000000000042a.log",
            "00000000000000000042.log~",
            "lock",
            "torn-42",
            "+0000000000000000042.log",
            "00000000000000000000.log",
            "18446744073709551615.log",
        ] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn an_unfinished_header_differs_from_a_flipped_bit() {
        for found in [&b""[..], b"ANS", b"ANS\0\0\0\0\0", &[0; 8], &[0; 3]] {
            assert!(is_unfinished(found), "{found:?}");
        }
        for bit in 0..64 {
            let mut found = HEADER;
            found[bit / 8] ^= 1 << (bit % 8);
            // The last byte of the header has only one bit set. Without it, the header looks one byte short.
            assert_eq!(is_unfinished(&found), bit == 56, "bit {bit}");
        }
    }

    #[test]
    fn header_faults_are_distinguished() {
        assert_eq!(check_header(&HEADER), Ok(()));
        assert_eq!(check_header(b"ANSAILG"), Err(Fault::HeaderCut));
        assert_eq!(check_header(b"ANSAILG\x02"), Err(Fault::UnknownVersion { found: 2 }));
        assert_eq!(check_header(b"ANSAILH\x01"), Err(Fault::NotASegment));
    }
}
