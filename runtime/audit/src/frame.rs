//! The binary format of one record, and the hash chain.
//!
//! ```text
//! length u32 | crc32c u32 | sequence u64 | previous 32 bytes | payload (length bytes)      little-endian
//! ```
//! The checksum covers everything except itself. It detects accidents; the chain detects tampering.

use sha2::{Digest, Sha256};

/// Maximum payload of one record: 4 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 4 * 1024 * 1024;

/// Size of a frame's header in bytes.
pub(crate) const HEADER_BYTES: usize = 48;

pub(crate) type Hash = [u8; 32];

/// The previous hash of the first record.
pub(crate) fn genesis() -> Hash {
    Sha256::digest(b"ansai audit log, genesis, version 1").into()
}

/// The hash of a record, which the next record stores.
pub(crate) fn record_hash(previous: &Hash, sequence: u64, payload: &[u8]) -> Hash {
    Sha256::new().chain_update(previous).chain_update(sequence.to_le_bytes()).chain_update(payload).finalize().into()
}

/// A decoded header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) length: u32,
    pub(crate) checksum: u32,
    pub(crate) sequence: u64,
    pub(crate) previous: Hash,
}

impl FrameHeader {
    /// Reads the header at the start of `bytes`; `None` if there are too few bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (length, bytes) = bytes.split_first_chunk()?;
        let (checksum, bytes) = bytes.split_first_chunk()?;
        let (sequence, bytes) = bytes.split_first_chunk()?;
        let (previous, _) = bytes.split_first_chunk()?;
        Some(Self {
            length: u32::from_le_bytes(*length),
            checksum: u32::from_le_bytes(*checksum),
            sequence: u64::from_le_bytes(*sequence),
            previous: *previous,
        })
    }

    /// Size of the whole frame in bytes, according to the header.
    pub(crate) fn frame_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.length)
    }

    /// Whether the length is one that the writer could have written.
    pub(crate) fn length_is_possible(&self) -> bool {
        self.length as usize <= MAX_PAYLOAD_BYTES
    }

    /// Whether the checksum of header and payload matches.
    pub(crate) fn checksum_matches(&self, payload: &[u8]) -> bool {
        self.checksum_difference(payload) == 0
    }

    /// XOR of the stored checksum and the computed one.
    pub(crate) fn checksum_difference(&self, payload: &[u8]) -> u32 {
        self.checksum ^ checksum(self.length, self.sequence, &self.previous, payload)
    }
}

fn checksum(length: u32, sequence: u64, previous: &Hash, payload: &[u8]) -> u32 {
    let sum = crc32c::crc32c(&length.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &sequence.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, previous);
    crc32c::crc32c_append(sum, payload)
}

/// Appends the frame of one record to `frames`; returns `None` and appends nothing if the payload is too large.
pub(crate) fn encode(frames: &mut Vec<u8>, sequence: u64, previous: &Hash, payload: &[u8]) -> Option<()> {
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD_BYTES)?;
    frames.extend_from_slice(&length.to_le_bytes());
    frames.extend_from_slice(&checksum(length, sequence, previous, payload).to_le_bytes());
    frames.extend_from_slice(&sequence.to_le_bytes());
    frames.extend_from_slice(previous);
    frames.extend_from_slice(payload);
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_frame_reads_back_as_written() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 7, &genesis(), b"payload").unwrap();
        let header = FrameHeader::decode(&bytes).unwrap();
        assert_eq!((header.length, header.sequence, header.previous), (7, 7, genesis()));
        assert_eq!(header.frame_bytes(), bytes.len() as u64);
        assert!(header.checksum_matches(&bytes[HEADER_BYTES..]));
        assert!(!header.checksum_matches(b"paylord"));
    }

    #[test]
    fn the_format_does_not_drift() {
        // Fixed bytes: a change to the format would make every existing log unreadable.
        let mut bytes = Vec::new();
        encode(&mut bytes, 1, &genesis(), b"{}").unwrap();
        assert_eq!(
            hex::encode(&bytes),
            concat!(
                "020000000b305bba0100000000000000d38e40035c94726546",
                "f59793d59d80fb284b5d7435e7b32c0a23ce965b0c147e7b7d"
            )
        );
        assert_eq!(
            hex::encode(record_hash(&genesis(), 1, b"{}")),
            "244e728cb94f0373df7c28842ee47d47695655aadc9d67c0831e3f0e5b171f74"
        );
    }

    #[test]
    fn nothing_too_large_or_too_short_passes() {
        let mut bytes = Vec::new();
        assert_eq!(encode(&mut bytes, 1, &genesis(), &vec![0; MAX_PAYLOAD_BYTES + 1]), None);
        assert!(bytes.is_empty());
        assert_eq!(FrameHeader::decode(&[0; HEADER_BYTES - 1]), None);
        // A block of zeros that a crash left is not a frame.
        assert!(!FrameHeader::decode(&[0; HEADER_BYTES]).unwrap().checksum_matches(b""));
    }
}
