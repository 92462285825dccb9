//! Packs: files that hold many samples of healthy evaluations, one after the other.
//!
//! With thousands of instances, two samples are stored each second. As a file of its own, each takes a block, an inode and a
//! changed block of the directory: ten times as much as its content. In a pack, it takes what it is long.
//!
//! ```text
//! "rec1" | time u64 | length of the name u16 | length of the content u32 | crc32c u32 | name | content      little-endian
//! ```
//! The time is in milliseconds since 1970. The checksum covers what is before it, and the name. The content has a checksum
//! of its own, as in a file.
//!
//! A run appends only to packs that it has made. So what a crash left at the end of one is never in the middle.

use ansai_storage::Directory;

use super::Class;
use super::file_name::{self, FileName};
use crate::storage::{AppendFile, ReadFile, StorageError};

/// Maximum size of a pack in bytes.
pub(super) const MAX_BYTES: u64 = 256 * 1024;
/// Maximum size of one sample in a pack. A larger one is a file.
pub(super) const MAX_SAMPLE_BYTES: usize = 32 * 1024;

const MAGIC: &[u8; 4] = b"rec1";
const SUFFIX: &str = "~samples.pack";

/// The name of a pack: `ORDER~samples.pack`. The order is that of its first recording.
pub(super) fn name(order: u64) -> String {
    format!("{order:016x}{SUFFIX}")
}

/// The order of a pack; `None` if the name is another one.
pub(super) fn order_of(text: &str) -> Option<u64> {
    let order = file_name::order(text.strip_suffix(SUFFIX)?)?;
    (name(order) == text).then_some(order)
}

/// Where a recording is in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The order of the pack.
    pub(super) pack: u64,
    /// The offset of the compressed content in bytes.
    pub(super) offset: u64,
}

/// A recording of a pack.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: FileName,
    pub(super) offset: u64,
    /// Size of the compressed content.
    pub(super) bytes: u64,
    pub(super) modified_millis: u64,
}

/// One recording as it is appended.
pub(super) struct Frame {
    bytes: Vec<u8>,
    content: u64,
}

impl Frame {
    /// `None` if it is too large for a pack.
    pub(super) fn new(name: &FileName, modified_millis: u64, stored: &[u8]) -> Option<Frame> {
        if stored.len() > MAX_SAMPLE_BYTES {
            return None;
        }
        let name = name.to_string();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(modified_millis.to_le_bytes());
        bytes.extend(u16::try_from(name.len()).ok()?.to_le_bytes());
        bytes.extend(u32::try_from(stored.len()).ok()?.to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes), name.as_bytes());
        bytes.extend(checksum.to_le_bytes());
        bytes.extend(name.as_bytes());
        let content = bytes.len() as u64;
        bytes.extend(stored);
        Some(Frame { bytes, content })
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// The pack that is appended to.
#[derive(Debug)]
pub(super) struct OpenPack {
    file: AppendFile,
    pub(super) order: u64,
    length: u64,
    /// Whether something is at its end that could not be removed. Then nothing is appended.
    is_torn: bool,
}

impl OpenPack {
    pub(super) fn create(directory: &Directory, order: u64) -> Result<OpenPack, StorageError> {
        Ok(OpenPack { file: AppendFile::create(directory, &name(order))?, order, length: 0, is_torn: false })
    }

    /// Whether a frame of this size fits.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        !self.is_torn && self.length.saturating_add(bytes) <= MAX_BYTES
    }

    /// Appends a recording, or nothing. Other processes see it when this returns.
    pub(super) fn append(&mut self, frame: &Frame) -> Result<Place, StorageError> {
        if let Err(error) = self.file.write(&frame.bytes) {
            self.is_torn = self.file.truncate(self.length).is_err();
            return Err(error);
        }
        let place = Place { pack: self.order, offset: self.length.saturating_add(frame.content) };
        self.length = self.length.saturating_add(frame.len());
        Ok(place)
    }
}

/// The recordings of a pack up to the first damaged header.
pub(super) fn scan(directory: &Directory, order: u64) -> Result<Vec<Entry>, StorageError> {
    let mut file = ReadFile::open(directory, &name(order))?;
    let bytes = file.read(MAX_BYTES)?;
    let (mut entries, mut offset) = (Vec::new(), 0);
    while let Some((entry, end)) = bytes.get(offset..).and_then(|rest| entry(rest, offset)) {
        offset = end;
        entries.extend(entry);
    }
    Ok(entries)
}

/// The recording at the start of `bytes`, which begin at an offset of the pack, and where the next one begins. No recording
/// if the name is not that of a healthy one.
fn entry(bytes: &[u8], offset: usize) -> Option<(Option<Entry>, usize)> {
    let (magic, rest) = bytes.split_first_chunk()?;
    let (time, rest) = rest.split_first_chunk()?;
    let (name_bytes, rest) = rest.split_first_chunk()?;
    let (stored_bytes, rest) = rest.split_first_chunk()?;
    let (checksum, rest) = rest.split_first_chunk()?;
    let (name, stored) = rest.split_at_checked(usize::from(u16::from_le_bytes(*name_bytes)))?;
    let covered = bytes.get(..bytes.len().checked_sub(rest.len())?.checked_sub(size_of::<u32>())?)?;
    if magic != MAGIC || crc32c::crc32c_append(crc32c::crc32c(covered), name) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let length = u32::from_le_bytes(*stored_bytes);
    let content = offset.checked_add(bytes.len().checked_sub(stored.len())?)?;
    let end = content.checked_add(stored.get(..usize::try_from(length).ok()?)?.len())?;
    let name = std::str::from_utf8(name).ok().and_then(FileName::parse).filter(|name| name.class == Class::Healthy);
    let modified_millis = u64::from_le_bytes(*time);
    let entry = name.map(|name| Entry { name, offset: content as u64, bytes: u64::from(length), modified_millis });
    Some((entry, end))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn named(order: u64) -> FileName {
        FileName { order, class: Class::Healthy, instance: "one".into(), id: format!("r{order}").parse().unwrap() }
    }

    fn orders(directory: &Directory) -> Vec<u64> {
        scan(directory, 7).unwrap().iter().map(|entry| entry.name.order).collect()
    }

    #[test]
    fn names_of_packs_are_no_names_of_recordings() {
        assert_eq!(order_of(&name(255)), Some(255));
        assert_eq!(FileName::parse(&name(255)), None);
        for other in ["ff~samples.pack", "00000000000000FF~samples.pack", "ffffffffffffffff~samples.pack", "lock"] {
            assert_eq!(order_of(other), None, "{other}");
        }
    }

    /// Would break: a recording that is lost with another one, a panic, or a recording that nobody stored.
    #[test]
    fn whatever_is_damaged_the_recordings_before_it_are_found() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::create(place.path()).unwrap();
        let mut pack = OpenPack::create(&directory, 7).unwrap();
        let mut ends = Vec::new();
        for order in 7..11 {
            let at = pack.append(&Frame::new(&named(order), 1, b"content").unwrap()).unwrap();
            ends.push(usize::try_from(at.offset).unwrap() + b"content".len());
        }
        assert_eq!(orders(&directory), [7, 8, 9, 10]);
        let path = place.path().join(name(7));
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(orders(&directory).len(), ends.iter().filter(|end| **end <= cut).count(), "{cut}");
        }
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &damaged).unwrap();
            let (found, before) = (orders(&directory), ends.iter().filter(|end| **end <= bit / 8).count());
            assert!(found.len() >= before && found.iter().eq((7..).take(found.len()).collect::<Vec<u64>>().iter()));
        }
    }

    #[test]
    fn only_names_of_healthy_recordings_count() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::create(place.path()).unwrap();
        let mut pack = OpenPack::create(&directory, 7).unwrap();
        pack.append(&Frame::new(&FileName { class: Class::Evidence, ..named(7) }, 1, b"").unwrap()).unwrap();
        pack.append(&Frame::new(&FileName { instance: "../x".into(), ..named(8) }, 1, b"").unwrap()).unwrap();
        pack.append(&Frame::new(&named(9), 1, b"").unwrap()).unwrap();
        assert_eq!(orders(&directory), [9]);
        assert!(Frame::new(&named(1), 1, &[0; MAX_SAMPLE_BYTES + 1]).is_none());
    }
}
