//! What is in the file of a recording.

use std::io::Read;

use sha2::{Digest, Sha256};

/// The largest recording, uncompressed: 64 MiB.
pub const MAX_CONTENT_BYTES: usize = 64 * 1024 * 1024;

/// The largest file that is read as a recording: room for content that does not compress.
pub(super) const MAX_STORED_BYTES: u64 = MAX_CONTENT_BYTES as u64 + 1024 * 1024;

const LEVEL: i32 = 3;

/// The decompressor's memory, as a power of two in bytes: level 3 asks for 2^21.
const WINDOW_LOG_MAX: u32 = 23;

pub(super) fn sha256(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

pub(super) fn compress(content: &[u8]) -> Result<Vec<u8>, String> {
    let compressed = || {
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        compressor.compress(content)
    };
    compressed().map_err(|error: std::io::Error| error.to_string())
}

/// Never makes more than the largest recording, whatever the file claims.
pub(super) fn decompress(stored: &[u8]) -> Result<Vec<u8>, String> {
    let decompressed = || {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(stored)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        let mut content = Vec::new();
        decoder.take(MAX_CONTENT_BYTES as u64 + 1).read_to_end(&mut content)?;
        Ok(content)
    };
    let content = decompressed().map_err(|error: std::io::Error| error.to_string())?;
    if content.len() > MAX_CONTENT_BYTES {
        return Err(format!("it holds more than {MAX_CONTENT_BYTES} bytes"));
    }
    Ok(content)
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
