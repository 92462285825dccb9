//! Disk space and inodes reserved in advance, to be released when the disk is full.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use ansai_storage::Location;

use crate::storage::{AppendFile, StorageError};

const CHUNK_BYTES: usize = 64 * 1024;

/// A file of a fixed size without useful content. Releasing it makes room on a full disk for what must still be
/// written.
///
/// ```
/// let directory = tempfile::tempdir()?;
/// let ballast = ansai_audit::Ballast::new(directory.path().join("ballast"), 1024 * 1024);
/// ballast.ensure()?;
/// assert!(ballast.is_full());
/// assert!(ballast.release()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballast {
    file: Location,
    bytes: u64,
    /// How many empty files belong to it, each with a number behind the name of the file.
    spare_inodes: u32,
}

/// Why a ballast could not be created.
#[derive(Debug, thiserror::Error)]
pub enum BallastError {
    /// The system refused, most likely because the disk is already too full.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file was written, but the file system did not reserve blocks for it.
    #[error("cannot reserve {bytes} bytes in {}: the file system allocated only {allocated}", path.display())]
    NotAllocated {
        /// The file, which has been removed.
        path: PathBuf,
        /// Requested size in bytes.
        bytes: u64,
        /// Size of the allocated blocks, in bytes.
        allocated: u64,
    },
}

impl Ballast {
    /// A ballast of `bytes` bytes in a file; creates nothing yet.
    pub fn new(file: impl Into<Location>, bytes: u64) -> Self {
        Self { file: file.into(), bytes, spare_inodes: 0 }
    }

    /// The same with inodes for so many more files: a disk can have room left, and no inode.
    #[must_use]
    pub fn with_spare_inodes(self, spare_inodes: u32) -> Self {
        Self { spare_inodes, ..self }
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether all bytes and inodes are reserved. A file that cannot be examined counts as not reserved.
    pub fn is_full(&self) -> bool {
        let are_there = || -> Result<bool, StorageError> {
            let (directory, name) = self.file.resolve()?;
            Ok(self.spares(&name).all(|spare| directory.metadata(spare).is_ok()))
        };
        self.allocated().is_ok_and(|allocated| allocated >= self.bytes) && are_there().is_ok_and(|are| are)
    }

    /// Reserves the space if it is not reserved yet. On failure, removes the partial file.
    ///
    /// # Errors
    /// If there is not enough space, or the file system does not reserve it.
    pub fn ensure(&self) -> Result<(), BallastError> {
        if self.is_full() {
            return Ok(());
        }
        let made = self.make().map_err(BallastError::from).and_then(|()| self.check());
        if made.is_err()
            && let Err(error) = self.release()
        {
            tracing::warn!(%error, "a ballast that was made in part is left behind");
        }
        made
    }

    /// Releases the space durably; `false` if there was nothing to release.
    ///
    /// # Errors
    /// If the file cannot be removed, or the removal cannot be made durable. Some file systems free the space only
    /// then.
    pub fn release(&self) -> Result<bool, StorageError> {
        let (directory, name) = match self.file.resolve() {
            Err(error) if error.is_not_found() => return Ok(false),
            resolved => resolved?,
        };
        let mut removed = directory.remove(&name)?;
        for spare in self.spares(&name) {
            removed |= directory.remove(spare)?;
        }
        if removed {
            directory.sync()?;
        }
        Ok(removed)
    }

    /// The names of the empty files.
    fn spares(&self, name: &OsStr) -> impl Iterator<Item = OsString> + use<> {
        let name = name.to_owned();
        (0..self.spare_inodes).map(move |number| {
            let mut spare = name.clone();
            spare.push(format!(".{number}"));
            spare
        })
    }

    fn allocated(&self) -> Result<u64, StorageError> {
        let (directory, name) = self.file.resolve()?;
        let metadata = directory.metadata(name)?;
        Ok(if metadata.is_file && metadata.length == self.bytes { metadata.allocated_bytes } else { 0 })
    }

    fn check(&self) -> Result<(), BallastError> {
        let allocated = self.allocated()?;
        if allocated >= self.bytes {
            return Ok(());
        }
        Err(BallastError::NotAllocated { path: self.path().to_owned(), bytes: self.bytes, allocated })
    }

    fn make(&self) -> Result<(), StorageError> {
        let (directory, name) = self.file.resolve()?;
        for spare in self.spares(&name) {
            AppendFile::create_or_empty(&directory, spare)?;
        }
        let file = AppendFile::create_or_empty(&directory, name)?;
        if !file.allocate(self.bytes)? {
            fill(&file, self.bytes)?;
        }
        file.sync_data()?;
        directory.sync()
    }
}

/// Writes bytes that do not compress: a compressing file system would hardly use any space for zeros.
fn fill(file: &AppendFile, bytes: u64) -> Result<(), StorageError> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let chunk: Vec<u8> = std::iter::repeat_with(|| {
            // Marsaglia's xorshift with shifts 13, 7, 17.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .flatten()
        .take(count)
        .collect();
        file.write(&chunk)?;
        left = left.saturating_sub(count as u64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    #![allow(clippy::disallowed_methods, reason = "tests make files")]
    use ansai_storage::Directory;

    use super::*;
    use crate::storage;

    #[test]
    fn it_takes_its_space_and_gives_it_back() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::new(directory.path().join("ballast"), 300_000);
        assert!(!ballast.is_full());
        assert!(!ballast.release().unwrap());
        ballast.ensure().unwrap();
        ballast.ensure().unwrap();
        assert!(ballast.is_full());
        assert!(storage::metadata(ballast.path()).unwrap().allocated_bytes >= 300_000);
        // A file that is too small, from an earlier configuration, is created again.
        let larger = Ballast::new(ballast.path(), 500_000);
        assert!(!larger.is_full());
        larger.ensure().unwrap();
        assert!(larger.is_full() && !ballast.is_full());
        assert!(larger.release().unwrap());
        assert!(storage::metadata(ballast.path()).unwrap_err().is_not_found());
    }

    #[test]
    fn it_takes_inodes_and_gives_them_back() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::new(directory.path().join("ballast"), 4096).with_spare_inodes(3);
        ballast.ensure().unwrap();
        let files = || std::fs::read_dir(directory.path()).unwrap().count();
        assert!(ballast.is_full() && files() == 4);
        std::fs::remove_file(directory.path().join("ballast.1")).unwrap();
        assert!(!ballast.is_full());
        ballast.ensure().unwrap();
        assert!(ballast.is_full() && ballast.release().unwrap() && files() == 0);
    }

    #[test]
    fn a_failed_ballast_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::new(directory.path().join("ballast"), u64::MAX / 4).with_spare_inodes(2);
        assert!(matches!(ballast.ensure(), Err(BallastError::Storage(_))));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        let nowhere = Ballast::new(directory.path().join("missing/ballast"), 1);
        assert!(nowhere.ensure().is_err());
    }

    #[test]
    fn filling_writes_every_byte() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("filled");
        let file = AppendFile::create(&Directory::open(directory.path()).unwrap(), "filled").unwrap();
        fill(&file, 150_001).unwrap();
        file.sync_data().unwrap();
        let found = storage::metadata(&path).unwrap();
        assert_eq!(found.length, 150_001);
        assert!(found.allocated_bytes >= 150_001);
    }
}
