//! The only module of this crate that accesses the file system.
//!
//! Every function is one step of I/O, so that a test can inject a fault at each. The last component of a path is never
//! followed if it is a symbolic link. Files are created with mode `0600`, directories with `0700`.
#![expect(clippy::disallowed_methods, reason = "this is the crate's adapter to the file system")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::fs::{FallocateFlags, FlockOperation, OFlags};

/// A failed file operation.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {cause}", path.display())]
pub struct StorageError {
    /// The attempted operation, as a verb in the infinitive.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// The system's error.
    pub cause: io::Error,
}

impl StorageError {
    fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self { action, path, cause }
    }

    /// Whether blocks, inodes or a disk quota are used up, so that releasing a [`Ballast`](crate::Ballast) can help.
    pub fn is_out_of_space(&self) -> bool {
        matches!(self.cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether the file does not exist.
    pub fn is_not_found(&self) -> bool {
        self.cause.kind() == io::ErrorKind::NotFound
    }
}

pub(crate) type Result<T> = std::result::Result<T, StorageError>;

/// Size and times of a file.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) length: u64,
    pub(crate) allocated_bytes: u64,
    pub(crate) modified_millis: u64,
    pub(crate) is_file: bool,
}

impl From<fs::Metadata> for Metadata {
    fn from(metadata: fs::Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            length: metadata.len(),
            // `st_blocks` counts units of 512 bytes, whatever the file system's block size.
            allocated_bytes: metadata.blocks().saturating_mul(512),
            modified_millis: modified.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            is_file: metadata.is_file(),
        }
    }
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.bits().cast_signed()
}

/// An exclusive lock on a directory, released when it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock, never read")] File);

/// Tries to take the lock; `None` if another process holds it.
pub(crate) fn try_lock(path: &Path) -> Result<Option<Lock>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)
        .map_err(StorageError::at("open", path))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Lock(file))),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(errno) => Err(StorageError::at("lock", path)(errno.into())),
    }
}

/// Creates a directory and its missing parents, durably. An existing directory stays unchanged.
pub(crate) fn create_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StorageError::at("create directory", path))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(StorageError::at("sync directory", path))
}

/// Makes the content of a file durable, whichever process wrote it.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_data()).map_err(StorageError::at("sync", path))
}

/// The entries of a directory whose names are UTF-8, in no particular order. All files of this crate have such names.
pub(crate) fn list_names(path: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(StorageError::at("list", path))? {
        let entry = entry.map_err(StorageError::at("list", path))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

/// Size and times of the path itself; does not follow a symbolic link.
pub(crate) fn metadata(path: &Path) -> Result<Metadata> {
    fs::symlink_metadata(path).map(Metadata::from).map_err(StorageError::at("examine", path))
}

/// The content of a small file, with its owner and permissions.
#[derive(Debug)]
pub(crate) struct Small {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
}

/// Reads a regular file, at most one byte more than `most`, so that the caller can detect a longer one; `None` if it
/// does not exist.
pub(crate) fn read_small(path: &Path, most: usize) -> Result<Option<Small>> {
    // Non-blocking, because a FIFO would wait for a writer.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(StorageError::at("open", path));
    let file = match opened {
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    let found = file.metadata().map_err(StorageError::at("examine", path))?;
    if !found.is_file() {
        return Err(StorageError::at("read", path)(io::Error::other("not a regular file")));
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(StorageError::at("read", path))?;
    Ok(Some(Small { bytes, mode: found.mode(), uid: found.uid() }))
}

/// Replaces a file atomically and durably. Only one process at a time may do this to a path.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let next = PathBuf::from(name);
    match remove(&next) {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    let file = AppendFile::create(&next)?;
    let written = file.write(bytes).and_then(|()| file.sync_data()).and_then(|()| rename(&next, path));
    if let Err(error) = written {
        if let Err(error) = remove(&next) {
            tracing::warn!(%error, "a file that was made in part is left behind");
        }
        return Err(error);
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

/// 32 bytes from the system's random number generator.
pub(crate) fn random() -> Result<[u8; 32]> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 32];
    let mut file = File::open(path).map_err(StorageError::at("open", path))?;
    file.read_exact(&mut bytes).map_err(StorageError::at("read", path))?;
    Ok(bytes)
}

pub(crate) fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(StorageError::at("remove", path))
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(StorageError::at("rename", from))
}

/// A file that is only appended to.
#[derive(Debug)]
pub(crate) struct AppendFile {
    file: File,
    path: PathBuf,
}

impl AppendFile {
    /// Creates a file that must not exist yet.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Self::open_with(path, "create", OpenOptions::new().append(true).create_new(true))
    }

    /// Creates a file, or truncates an existing one.
    pub(crate) fn create_or_empty(path: &Path) -> Result<Self> {
        let made = Self::open_with(path, "create", OpenOptions::new().append(true).create(true))?;
        made.truncate(0)?;
        Ok(made)
    }

    /// Opens an existing file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, "open", OpenOptions::new().append(true))
    }

    fn open_with(path: &Path, action: &'static str, options: &mut OpenOptions) -> Result<Self> {
        let file = options.mode(0o600).custom_flags(no_follow()).open(path).map_err(StorageError::at(action, path))?;
        Ok(Self { file, path: path.to_owned() })
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
            Err(errno) => Err(StorageError::at("allocate", &self.path)(errno.into())),
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
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(no_follow())
            .open(path)
            .map_err(StorageError::at("open", path))?;
        Ok(Self { file: BufReader::with_capacity(READ_AHEAD_BYTES, file), path: path.to_owned() })
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
