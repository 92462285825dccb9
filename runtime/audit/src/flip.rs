//! Detects a last frame that is whole except for one flipped bit. An interrupted write leaves the beginning of a frame,
//! or zeros in blocks that never reached the disk. It does not leave a whole frame with one flipped bit.
//!
//! CRC-32C is linear: a flipped bit changes the checksum by a value that depends only on its distance from the end, so
//! one pass over all distances finds it.

use crate::frame::{FrameHeader, HEADER_BYTES};

/// The polynomial of CRC-32C, bit-reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Whether these bytes, the rest of the segment, are one frame with one flipped bit.
pub(crate) fn is_flipped_frame(bytes: &[u8]) -> bool {
    let Some((header, payload)) = FrameHeader::decode(bytes).zip(bytes.get(HEADER_BYTES..)) else { return false };
    let Ok(length) = u32::try_from(payload.len()) else { return false };
    let difference = FrameHeader { length, ..header }.checksum_difference(payload);
    if header.length != length {
        // The flipped bit is in the length, so everything else must match.
        return difference == 0 && (header.length ^ length).is_power_of_two();
    }
    // The flipped bit is in the checksum itself, or at one of the distances. The checksum covers everything but its own
    // 4 bytes.
    difference.is_power_of_two() || is_one_bit(difference, (bytes.len() as u64).saturating_sub(4).saturating_mul(8))
}

fn is_one_bit(difference: u32, bits: u64) -> bool {
    let mut change: u32 = 1;
    (0..bits).any(|_| {
        change = (change >> 1) ^ if change & 1 == 1 { POLYNOMIAL } else { 0 };
        change == difference
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::frame;

    fn whole() -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::encode(&mut bytes, 7, &frame::genesis(), b"{\"event\":\"a payload of some length\"}").unwrap();
        bytes
    }

    #[test]
    fn one_flipped_bit_is_detected_and_two_are_not() {
        let whole = whole();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(is_flipped_frame(&bytes), "bit {bit}");
            let other = (bit + 13) % (whole.len() * 8);
            bytes[other / 8] ^= 1 << (other % 8);
            assert!(!is_flipped_frame(&bytes), "bits {bit} and {other}");
        }
    }

    #[test]
    fn crash_leftovers_are_not_a_flipped_bit() {
        let whole = whole();
        for cut in 0..whole.len() {
            assert!(!is_flipped_frame(&whole[..cut]), "cut at {cut}");
            // A write of several blocks, the last of which never reached the disk.
            let holed = [&whole[..cut], &vec![0; whole.len() - cut][..]].concat();
            assert!(!is_flipped_frame(&holed), "zeros from {cut}");
        }
        for zeros in [0, 1, 48, 5000] {
            assert!(!is_flipped_frame(&vec![0; zeros]), "{zeros}");
        }
    }
}
