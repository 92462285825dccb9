//! Directories by handle: what is below one is reached by single names and never through a symbolic link, so that
//! nobody who can write there leads the host elsewhere.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use serde::{Deserialize, Serialize};

use crate::disk::mounts::{self, Mount};
use ansai_kit::host::Host;

/// What a file is recognized by later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// `8:1`.
    pub(crate) device: String,
    pub(crate) inode: u64,
    /// Modification time: seconds and nanoseconds since the epoch.
    pub(crate) modified: (i64, u32),
    /// Apparent size in bytes.
    pub(crate) size: u64,
}

impl Identity {
    /// Milliseconds since the epoch; 0 for times before it.
    pub(crate) fn modified_at(&self) -> ansai_core::Instant {
        let (seconds, nanoseconds) = self.modified;
        u64::try_from(seconds).map_or(0, |s| s.saturating_mul(1_000).saturating_add(u64::from(nanoseconds) / 1_000_000))
    }
}

/// A regular file as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileState {
    pub(crate) identity: Identity,
    /// Names that it has.
    pub(crate) links: u32,
    pub(crate) allocated_bytes: u64,
}

/// An open directory.
pub(crate) struct Directory {
    handle: OwnedFd,
    device: String,
}

const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Directory {
    /// Opens a directory of the host by its absolute path. Symbolic links above it are the administrator's and are
    /// followed within the host's root; it must not be one itself.
    pub(crate) fn open(host: &Host, absolute: &str) -> io::Result<Directory> {
        let path = Path::new(absolute);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let parent = if host.is_this_machine() {
            rustix::fs::openat(rustix::fs::CWD, parent, OPEN, Mode::empty())?
        } else {
            let root = rustix::fs::openat(rustix::fs::CWD, host.root(), OPEN, Mode::empty())?;
            let inside = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);
            rustix::fs::openat2(root, parent, OPEN, Mode::empty(), inside)?
        };
        Directory::from_handle(rustix::fs::openat(parent, name, OPEN.union(OFlags::NOFOLLOW), Mode::empty())?)
    }

    fn from_handle(handle: OwnedFd) -> io::Result<Directory> {
        let stat = rustix::fs::statx(&handle, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
        Ok(Directory { handle, device: device(&stat) })
    }

    /// Its file system: `8:1`.
    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// A directory in it, on the same file system.
    pub(crate) fn child(&self, name: &CStr) -> io::Result<Directory> {
        let handle = rustix::fs::openat(&self.handle, name, OPEN.union(OFlags::NOFOLLOW), Mode::empty())?;
        let child = Directory::from_handle(handle)?;
        if child.device == self.device { Ok(child) } else { Err(io::ErrorKind::CrossesDevices.into()) }
    }

    /// Names in it, in no order, until `visit` has had enough.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&CStr) -> ControlFlow<()>) -> io::Result<()> {
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            if visit(entry.file_name()).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// A regular file in it; `None` for anything else of that name.
    pub(crate) fn file(&self, name: &CStr) -> io::Result<Option<FileState>> {
        let stat = rustix::fs::statx(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)?;
        if FileType::from_raw_mode(stat.stx_mode.into()) != FileType::RegularFile {
            return Ok(None);
        }
        Ok(Some(FileState {
            identity: Identity {
                device: device(&stat),
                inode: stat.stx_ino,
                modified: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
                size: stat.stx_size,
            },
            links: stat.stx_nlink,
            allocated_bytes: stat.stx_blocks.saturating_mul(512),
        }))
    }

    /// Opens a file in it for reading, without waiting for anybody.
    pub(crate) fn open_file(&self, name: &CStr) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?)
    }

    /// Removes a name that is not a directory.
    pub(crate) fn remove(&self, name: &CStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }
}

/// `8:1`, as the mount table writes it.
pub(crate) fn device(stat: &rustix::fs::Statx) -> String {
    format!("{}:{}", stat.stx_dev_major, stat.stx_dev_minor)
}

/// The mount that a directory is on. Where a symbolic link above it leads to another file system, its path tells
/// the wrong one: then it is the first of the mounts that has its device.
pub(crate) fn mount_of(mounts: &BTreeMap<PathBuf, Mount>, absolute: &str, device: &str) -> Option<Mount> {
    let by_path = mounts::of_path(mounts, Path::new(absolute));
    if by_path.as_ref().is_some_and(|mount| mount.device_id == device) {
        return by_path;
    }
    mounts.values().find(|mount| mount.device_id == device).cloned().or(by_path)
}
