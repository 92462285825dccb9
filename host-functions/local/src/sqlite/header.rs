//! The first 100 bytes of a database (<https://www.sqlite.org/fileformat.html>), read without SQLite.

use super::wire::Journal;

/// The length of the header.
pub(super) const LENGTH: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
/// What a rollback journal begins with while it counts.
pub(super) const JOURNAL_MAGIC: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// What ansai uses of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) journal: Journal,
    pub(super) page_bytes: u32,
    pub(super) pages: u64,
    pub(super) free_pages: u64,
}

impl Header {
    /// Reads the begin of a file that has `size` bytes.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn parse(bytes: &[u8], size: u64) -> Result<Header, String> {
        if size == 0 {
            return Err("it is empty".to_owned());
        }
        let header: &[u8; LENGTH] = bytes
            .get(..LENGTH)
            .and_then(|header| header.try_into().ok())
            .ok_or_else(|| "it is shorter than a header".to_owned())?;
        if !header.starts_with(MAGIC) {
            return Err("its header is another one; it may be encrypted".to_owned());
        }
        let page_bytes = match two(header, 16) {
            1 => 65_536,
            size if size.is_power_of_two() && size >= 512 => u32::from(size),
            size => return Err(format!("its page size is {size}")),
        };
        let journal = match (byte(header, 18), byte(header, 19)) {
            (1, 1) => Journal::Rollback,
            (2, 2) => Journal::Wal,
            _ => Journal::Other,
        };
        if (byte(header, 21), byte(header, 22), byte(header, 23)) != (64, 32, 32) {
            return Err("the fractions in its header are not those of SQLite".to_owned());
        }
        if page_bytes.saturating_sub(u32::from(byte(header, 20))) < 480 {
            return Err("its header reserves most of each page".to_owned());
        }
        // An old version of SQLite does not write the number of pages, and leaves what another one wrote.
        let is_current = four(header, 24) == four(header, 92);
        let pages = match u64::from(four(header, 28)) {
            written if is_current && written > 0 => written,
            _ => size / u64::from(page_bytes),
        };
        let free_pages = u64::from(four(header, 36));
        if free_pages > pages {
            return Err(format!("its header has {free_pages} unused pages of {pages}"));
        }
        Ok(Header { journal, page_bytes, pages, free_pages })
    }
}

fn byte(header: &[u8; LENGTH], at: usize) -> u8 {
    header.get(at).copied().unwrap_or_default()
}

fn two(header: &[u8; LENGTH], at: usize) -> u16 {
    u16::from_be_bytes([byte(header, at), byte(header, at + 1)])
}

fn four(header: &[u8; LENGTH], at: usize) -> u32 {
    u32::from_be_bytes([byte(header, at), byte(header, at + 1), byte(header, at + 2), byte(header, at + 3)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> Vec<u8> {
        let mut header = vec![0; LENGTH];
        header[..16].copy_from_slice(MAGIC);
        header[16..18].copy_from_slice(&4096_u16.to_be_bytes());
        header[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
        header[28..32].copy_from_slice(&10_u32.to_be_bytes());
        header[36..40].copy_from_slice(&3_u32.to_be_bytes());
        header
    }

    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut header = valid();
        header[at..at + bytes.len()].copy_from_slice(bytes);
        header
    }

    #[test]
    fn a_header_is_read() {
        let header = Header { journal: Journal::Rollback, page_bytes: 4096, pages: 10, free_pages: 3 };
        assert_eq!(Header::parse(&valid(), 40_960), Ok(header));
        assert_eq!(Header::parse(&with(16, &[0, 1]), 1 << 20).unwrap().page_bytes, 65_536);
        assert_eq!(Header::parse(&with(18, &[2, 2]), 1 << 20).unwrap().journal, Journal::Wal);
        assert_eq!(Header::parse(&with(18, &[3, 2]), 1 << 20).unwrap().journal, Journal::Other);
        assert_eq!(Header::parse(&with(24, &[0, 0, 0, 9]), 81_920).unwrap().pages, 20, "an old SQLite wrote it");
    }

    #[test]
    fn what_sqlite_does_not_write_is_no_header() {
        for (bytes, size) in [
            (vec![], 0),
            (vec![0; 99], 99),
            (vec![0; 100], 4096),
            (with(0, b"sqlite"), 40_960),
            (with(16, &[0, 0]), 40_960),
            (with(16, &[0xff, 0xff]), 40_960),
            (with(16, &[1, 0]), 40_960),
            (with(16, &[0x80, 1]), 40_960),
            (with(20, &[255]).iter().enumerate().map(|(at, byte)| if at == 16 { 2 } else { *byte }).collect(), 4096),
            (with(21, &[65]), 40_960),
            (with(36, &[0, 0, 0, 11]), 40_960),
            (with(36, &[0xff; 4]), 40_960),
        ] {
            assert!(Header::parse(&bytes, size).is_err(), "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120), size: u64) {
            if let Ok(header) = Header::parse(&bytes, size) {
                assert!(header.free_pages <= header.pages && header.page_bytes >= 512);
            }
        }

        #[test]
        fn any_numbers_give_an_answer(bytes in proptest::collection::vec(proptest::num::u8::ANY, 84), size: u64) {
            let header = Header::parse(&[MAGIC, &bytes].concat(), size);
            assert!(header.is_err() || header.is_ok_and(|header| header.free_pages <= header.pages));
        }
    }
}
