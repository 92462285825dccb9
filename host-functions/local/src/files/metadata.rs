//! Copies owner, mode, extended attributes and times from one file to another.

use std::io;

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{Mode, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use crate::safety::identity::{Stat, Time};

/// The kernel's limit for a list of attribute names, and for a value, in bytes.
const MOST: usize = 64 << 10;

/// Copies owner, mode and all extended attributes, including access control lists and security labels.
///
/// # Errors
/// If any of it cannot be copied.
pub(super) fn copy(from: BorrowedFd<'_>, stat: &Stat, to: impl AsFd) -> io::Result<()> {
    let to = to.as_fd();
    let is = Stat::of(to)?;
    if (is.uid, is.gid) != (stat.uid, stat.gid) {
        rustix::fs::fchown(to, Some(Uid::from_raw(stat.uid)), Some(Gid::from_raw(stat.gid)))?;
    }
    attributes(from, to)?;
    rustix::fs::fchmod(to, Mode::from_raw_mode(stat.mode))?;
    Ok(())
}

/// Copies atime and mtime. Call it last: a later write would change them.
pub(super) fn copy_times(stat: &Stat, to: impl AsFd) -> io::Result<()> {
    let time = |time: Time| Timespec { tv_sec: time.0, tv_nsec: i64::from(time.1) };
    let times = Timestamps { last_access: time(stat.atime), last_modification: time(stat.mtime) };
    Ok(rustix::fs::futimens(to, &times)?)
}

fn attributes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    let mut names = vec![0_u8; MOST];
    let length = match rustix::fs::flistxattr(from, &mut *names) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    names.truncate(length);
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let value = value(from, name)?;
        if self::value(to, name).is_ok_and(|is| is == value) {
            continue;
        }
        rustix::fs::fsetxattr(to, name, &value, XattrFlags::empty())
            .map_err(|error| io::Error::other(format!("attribute {}: {error}", ansai_core::text::path_text(name))))?;
    }
    Ok(())
}

fn value(of: BorrowedFd<'_>, name: &[u8]) -> io::Result<Vec<u8>> {
    let mut value = vec![0_u8; MOST];
    let length = rustix::fs::fgetxattr(of, name, &mut *value)?;
    value.truncate(length);
    Ok(value)
}
