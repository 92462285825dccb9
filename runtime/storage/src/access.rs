//! How files in a directory are opened, and what is found there.

use std::time::{Duration, SystemTime};

use cap_std::fs::{OpenOptions, OpenOptionsExt as _};
use rustix::fs::{FileType, OFlags, Stat};

use crate::Owned;

/// How a file is opened. A symbolic link is refused. A new file is readable and writable by this user only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading; something else than a regular file is refused.
    Read,
    /// For writing at its end; it must exist.
    Append,
    /// The same; a missing file is created.
    AppendOrCreate,
    /// The same; it must not exist.
    CreateNew,
}

impl Access {
    /// As a verb for messages.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Access::Read | Access::Append => "open",
            Access::AppendOrCreate | Access::CreateNew => "create",
        }
    }

    pub(crate) fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        match self {
            // Not blocking: a FIFO in this place would wait for a writer.
            Access::Read => options.read(true).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()),
            Access::Append => options.append(true).custom_flags(no_follow()),
            Access::AppendOrCreate => options.append(true).create(true).mode(0o600).custom_flags(no_follow()),
            Access::CreateNew => options.append(true).create_new(true).mode(0o600).custom_flags(no_follow()),
        };
        options
    }
}

pub(crate) fn no_follow() -> i32 {
    OFlags::NOFOLLOW.bits().cast_signed()
}

/// A file that was read, and who can change it.
#[derive(Debug)]
pub struct Content {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Its owner and mode.
    pub owned: Owned,
}

/// What is known of a name without opening it.
#[derive(Debug, Clone, Copy)]
pub struct Metadata {
    /// Bytes.
    pub length: u64,
    /// Bytes of the blocks that it occupies.
    pub allocated_bytes: u64,
    /// When its content was last changed.
    pub modified: SystemTime,
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is a symbolic link.
    pub is_link: bool,
    /// Owner and mode.
    pub owned: Owned,
}

impl From<&Stat> for Metadata {
    fn from(stat: &Stat) -> Metadata {
        let kind = FileType::from_raw_mode(stat.st_mode);
        let since_epoch = u64::try_from(stat.st_mtime).ok().zip(u32::try_from(stat.st_mtime_nsec).ok());
        Metadata {
            length: u64::try_from(stat.st_size).unwrap_or(0),
            // st_blocks counts units of 512 bytes whatever the file system's block size.
            allocated_bytes: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
            modified: since_epoch.map_or(SystemTime::UNIX_EPOCH, |(seconds, nanoseconds)| {
                SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
            }),
            is_file: kind == FileType::RegularFile,
            is_directory: kind == FileType::Directory,
            is_link: kind == FileType::Symlink,
            owned: stat.into(),
        }
    }
}
