//! The content of a recording's file.

use std::cell::RefCell;

use sha2::{Digest, Sha256};
use zstd::bulk::{Compressor, Decompressor};

/// Maximum size of an uncompressed recording: 64 MiB.
pub const MAX_CONTENT_BYTES: usize = 64 * 1024 * 1024;

/// Maximum size of a recording's file. It leaves room for content that does not compress.
pub(super) const MAX_STORED_BYTES: u64 = MAX_CONTENT_BYTES as u64 + 1024 * 1024;

const LEVEL: i32 = 3;

pub(super) fn sha256(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// Creating a compressor takes longer than compressing a recording, so each thread keeps one.
pub(super) fn compress(content: &[u8]) -> Result<Vec<u8>, String> {
    let compressed = COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(kept) => kept,
            None => {
                let mut made = Compressor::new(LEVEL)?;
                made.include_checksum(true)?;
                kept.insert(made)
            }
        };
        compressor.compress(content)
    });
    compressed.map_err(|error: std::io::Error| error.to_string())
}

thread_local! {
    /// With a checksum.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    /// One for each thread, because creating one takes longer than decompressing a recording.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Decompresses in one call, into a buffer of the size that the file states, but never beyond the maximum size of a
/// recording.
pub(super) fn decompress(stored: &[u8]) -> Result<Vec<u8>, String> {
    let claimed = zstd::zstd_safe::get_frame_content_size(stored).ok().flatten();
    let bytes = claimed.ok_or("it does not say how much it holds")?;
    let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= MAX_CONTENT_BYTES);
    let bytes = bytes.ok_or_else(|| format!("it holds more than {MAX_CONTENT_BYTES} bytes"))?;
    let decompressed = DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(kept) => kept,
            None => kept.insert(Decompressor::new()?),
        };
        decompressor.decompress(stored, bytes)
    });
    decompressed.map_err(|error: std::io::Error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn content_round_trips_and_bombs_are_refused() {
        for content in [&b""[..], b"{}", &[b'x'; 100_000]] {
            assert_eq!(decompress(&compress(content).unwrap()).unwrap(), content);
        }
        let bomb = compress(&vec![0; MAX_CONTENT_BYTES + 1]).unwrap();
        assert!(bomb.len() < 100_000);
        assert!(decompress(&bomb).unwrap_err().contains("more than"));
        let largest = compress(&vec![0; MAX_CONTENT_BYTES]).unwrap();
        assert_eq!(decompress(&largest).unwrap().len(), MAX_CONTENT_BYTES);
    }

    #[test]
    fn every_flipped_bit_is_found_by_the_hash_at_the_latest() {
        let content = b"{\"call\":\"disk-usage\",\"reply\":\"ok\"}".repeat(3);
        let stored = compress(&content).unwrap();
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(found) = decompress(&damaged) {
                assert!(found == content || sha256(&found) != sha256(&content));
            }
        }
        assert!(decompress(&stored[..stored.len() - 1]).is_err());
    }
}
