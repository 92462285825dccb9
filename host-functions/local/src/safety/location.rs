//! Where a directory is in its file system. A bind mount shows a directory without those above it, so walking up does
//! not tell; the mount table does.

use rustix::fd::{AsRawFd as _, BorrowedFd};
use rustix::io::Errno;

use super::processes::{link_text, read};
use crate::disk::mounts::Mount;

/// A directory by its place in a file system, the same by whatever mount it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    device_id: String,
    path: Vec<u8>,
}

impl Location {
    /// Finds an open directory or file in the mount table of this process.
    ///
    /// # Errors
    /// If `/proc` or the table lack it.
    pub(super) fn of(open: BorrowedFd<'_>, table: &[Mount]) -> rustix::io::Result<Location> {
        let info = format!("/proc/self/fdinfo/{}", open.as_raw_fd());
        let info = read(info.as_ref()).ok().flatten().ok_or(Errno::NOENT)?;
        let path = path_of(open)?;
        let mount = mount_id(&info).and_then(|id| table.iter().find(|mount| mount.id == id)).ok_or(Errno::NODEV)?;
        let point = mount.point.as_os_str().as_encoded_bytes();
        let rest = path.strip_prefix(point.strip_suffix(b"/").unwrap_or(point)).ok_or(Errno::NODEV)?;
        let subtree = mount.subtree.strip_suffix(b"/").unwrap_or(&mount.subtree);
        Ok(Location { device_id: mount.device_id.clone(), path: [subtree, rest].concat() })
    }

    /// The file systems that are mounted below an open directory.
    pub(super) fn mounted_below(open: BorrowedFd<'_>, table: &[Mount]) -> rustix::io::Result<Vec<Location>> {
        let path = path_of(open)?;
        let is_below = |mount: &&Mount| {
            let rest = mount.point.as_os_str().as_encoded_bytes().strip_prefix(&*path);
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        let location = |mount: &Mount| Location {
            device_id: mount.device_id.clone(),
            path: mount.subtree.strip_suffix(b"/").unwrap_or(&mount.subtree).to_vec(),
        };
        Ok(table.iter().filter(is_below).map(location).collect())
    }

    /// Major and minor number of the device, as in the mount table.
    pub(super) fn device_id(&self) -> &str {
        &self.device_id
    }

    /// The path in the file system, without a slash at the end.
    pub(super) fn path(&self) -> &[u8] {
        self.path.strip_suffix(b"/").unwrap_or(&self.path)
    }

    /// Whether this is at or below another place.
    pub(super) fn is_within(&self, other: &Location) -> bool {
        self.device_id == other.device_id && super::names::is_within(&self.path, &other.path)
    }
}

fn path_of(open: BorrowedFd<'_>) -> rustix::io::Result<Vec<u8>> {
    link_text(format!("/proc/self/fd/{}", open.as_raw_fd()).as_ref()).ok_or(Errno::NOENT)
}

/// From the line `mnt_id: 29`.
fn mount_id(info: &[u8]) -> Option<u64> {
    let line = info.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"mnt_id:"))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}
