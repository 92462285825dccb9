//! The files of this crate: each function is one step of I/O.
//!
//! Files are opened by their names in a directory that is held open, so no symbolic link is followed. Files are made
//! `0600` and directories `0700`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ansai_storage::{Access, Directory};
use rustix::fs::{FallocateFlags, FlockOperation};

pub(crate) use ansai_storage::Result;
pub use ansai_storage::StorageError;

/// An exclusive lock on a directory, released when it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock, never read")] File);

/// The file that is locked.
const LOCK: &str = "lock";
/// Times that the lock is tried, and the pause between two of them: [`is_locked`] takes it for a moment.
const TRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(5);

/// Tries to take the lock; `None` if another process holds it.
pub(crate) fn try_lock(directory: &Directory) -> Result<Option<Lock>> {
    let file = directory.file(LOCK, Access::AppendOrCreate)?;
    for number in 0..TRIES {
        if number > 0 {
            std::thread::sleep(PAUSE);
        }
        if take(directory, &file, FlockOperation::NonBlockingLockExclusive)? {
            return Ok(Some(Lock(file)));
        }
    }
    Ok(None)
}

/// Whether a process holds the lock now.
pub(crate) fn is_locked(directory: &Directory) -> Result<bool> {
    match directory.file(LOCK, Access::Read) {
        Err(error) if error.is_not_found() => Ok(false),
        // Shared, so that two who look do not take each other for the holder.
        file => Ok(!take(directory, &file?, FlockOperation::NonBlockingLockShared)?),
    }
}

/// False if another process holds the lock.
fn take(directory: &Directory, file: &File, how: FlockOperation) -> Result<bool> {
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(StorageError::at("lock", directory.path_of(LOCK))(errno)),
    }
}

/// Milliseconds since 1970; 0 before.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Size and times of what is at a path.
#[cfg(test)]
pub(crate) fn metadata(path: &std::path::Path) -> Result<ansai_storage::Metadata> {
    let (directory, name) = ansai_storage::Location::from(path).resolve()?;
    directory.metadata(name)
}

/// A file that is only appended to.
#[derive(Debug)]
pub(crate) struct AppendFile {
    file: File,
    path: PathBuf,
}

impl AppendFile {
    /// Creates a file that must not exist yet.
    pub(crate) fn create(directory: &Directory, name: &str) -> Result<Self> {
        Self::open_as(directory, name, Access::CreateNew)
    }

    /// Creates a file, or truncates an existing one.
    pub(crate) fn create_or_empty(directory: &Directory, name: impl AsRef<OsStr>) -> Result<Self> {
        let made = Self::open_as(directory, name, Access::AppendOrCreate)?;
        made.truncate(0)?;
        Ok(made)
    }

    /// Opens an existing file.
    pub(crate) fn open(directory: &Directory, name: &str) -> Result<Self> {
        Self::open_as(directory, name, Access::Append)
    }

    fn open_as(directory: &Directory, name: impl AsRef<OsStr>, access: Access) -> Result<Self> {
        Ok(Self { file: directory.file(&name, access)?, path: directory.path_of(name) })
    }

    /// Writes all bytes, if possible in one system call. After an error, some bytes may have been written.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        (&self.file).write_all(bytes).map_err(StorageError::at("write", &self.path))
    }

    pub(crate) fn truncate(&self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(StorageError::at("truncate", &self.path))
    }

    /// Makes content and length durable.
    pub(crate) fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(StorageError::at("sync", &self.path))
    }

    /// Allocates blocks for the whole length; `false` if the file system does not support it.
    pub(crate) fn allocate(&self, length: u64) -> Result<bool> {
        use rustix::io::Errno;
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, length) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            Err(errno) => Err(StorageError::at("allocate", &self.path)(errno)),
        }
    }
}

const READ_AHEAD_BYTES: usize = 64 * 1024;

/// A file that is only read, forward or at an offset.
#[derive(Debug)]
pub(crate) struct ReadFile {
    file: BufReader<File>,
    path: PathBuf,
}

impl ReadFile {
    pub(crate) fn open(directory: &Directory, name: &str) -> Result<Self> {
        let file = directory.file(name, Access::Read)?;
        Ok(Self { file: BufReader::with_capacity(READ_AHEAD_BYTES, file), path: directory.path_of(name) })
    }

    pub(crate) fn length(&self) -> Result<u64> {
        let metadata = self.file.get_ref().metadata().map_err(StorageError::at("examine", &self.path))?;
        Ok(metadata.len())
    }

    /// Reads up to `count` bytes; fewer only at the end of the file.
    pub(crate) fn read(&mut self, count: u64) -> Result<Vec<u8>> {
        // `count` may come from a damaged file, so do not allocate that much in advance.
        let room = count.min(READ_AHEAD_BYTES as u64);
        let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or(READ_AHEAD_BYTES));
        (&mut self.file).take(count).read_to_end(&mut bytes).map_err(StorageError::at("read", &self.path))?;
        Ok(bytes)
    }

    /// Reads up to `count` bytes at an offset, without the buffer; fewer only at the end of the file.
    pub(crate) fn read_at(&self, offset: u64, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut filled: usize = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.get_ref().read_at(rest, offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(StorageError::at("read", &self.path)(cause)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Moves to an offset and drops the buffer, because a writer may have changed the file since.
    pub(crate) fn go_to(&mut self, offset: u64) -> Result<()> {
        self.file.seek(SeekFrom::Start(offset)).map(drop).map_err(StorageError::at("seek in", &self.path))
    }
}
