//! Compresses and expands a stream, with length and checksum to prove that nothing is lost.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::{DeflateEncoder, GzEncoder};

const CHUNK: usize = 64 << 10;

/// Length in bytes and CRC-32 of uncompressed content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) length: u64,
    pub(super) crc: u32,
}

/// Copies to the end; more than `most` bytes are an error. `may_go_on` is called before each chunk, and its error ends
/// the copy.
fn pump(
    from: &mut impl Read,
    to: &mut impl Write,
    most: u64,
    may_go_on: &dyn Fn() -> io::Result<()>,
) -> io::Result<Digest> {
    let mut crc = flate2::Crc::new();
    let mut chunk = vec![0; CHUNK];
    let mut length = 0_u64;
    loop {
        may_go_on()?;
        let read = match from.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let content = chunk.get(..read).unwrap_or_default();
        if content.is_empty() {
            return Ok(Digest { length, crc: crc.sum() });
        }
        length += content.len() as u64;
        if length > most {
            return Err(io::Error::other("it is longer than it was"));
        }
        crc.update(content);
        to.write_all(content)?;
    }
}

/// Compresses all of `from`, which must not be longer than `most`.
pub(super) fn pack(
    mut from: impl Read,
    to: impl Write,
    most: u64,
    may_go_on: &dyn Fn() -> io::Result<()>,
) -> io::Result<Digest> {
    let mut encoder = GzEncoder::new(to, Compression::new(6));
    let digest = pump(&mut from, &mut encoder, most, may_go_on)?;
    encoder.finish()?.flush()?;
    Ok(digest)
}

/// Expands all of `from`, to at most `most` bytes.
pub(super) fn unpack(
    from: impl Read,
    mut to: impl Write,
    most: u64,
    may_go_on: &dyn Fn() -> io::Result<()>,
) -> io::Result<Digest> {
    let digest = pump(&mut GzDecoder::new(from), &mut to, most, may_go_on)?;
    to.flush()?;
    Ok(digest)
}

/// Compresses the first 64 KiB: their length before and after, in bytes.
pub(super) fn sample(from: impl Read) -> io::Result<(u64, u64)> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    let digest = pump(&mut from.take(CHUNK as u64), &mut encoder, CHUNK as u64, &|| Ok(()))?;
    Ok((digest.length, encoder.finish()?.len() as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn there_and_back(content in proptest::collection::vec(any::<u8>(), 0..200_000)) {
            let (mut packed, mut back) = (Vec::new(), Vec::new());
            let digest = pack(&*content, &mut packed, content.len() as u64, &|| Ok(())).unwrap();
            prop_assert_eq!(unpack(&*packed, &mut back, digest.length, &|| Ok(())).unwrap(), digest);
            prop_assert_eq!(back, content);
        }
    }

    #[test]
    fn a_bomb_ends_at_the_expected_length() {
        let mut packed = Vec::new();
        pack(&*vec![0; 1 << 20], &mut packed, 1 << 20, &|| Ok(())).unwrap();
        assert!(unpack(&*packed, io::sink(), 1000, &|| Ok(())).is_err());
        let damaged = packed.len() - 6;
        packed.truncate(damaged);
        assert!(unpack(&*packed, io::sink(), 1 << 20, &|| Ok(())).is_err());
    }
}
