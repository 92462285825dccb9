//! Makes a new file exactly as accessible as the file that it stands for: owner, mode, extended attributes (access control
//! lists, capabilities, security labels) and file flags.
//!
//! A new file has more than what is copied to it: an access control list from the default list of its directory, flags
//! and a label from its directory. So what the other file does not have is removed, and everything is read back and
//! compared. Until then the new file has mode 0600 and a name of ansai's own.

use std::collections::BTreeSet;
use std::io;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{IFlags, Mode, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use crate::safety::entry;
use crate::safety::identity::{Inode, Stat, Time};
use ansai_kit::action::Fate;

/// The kernel's limit for a list of attribute names, and for a value, in bytes.
const MOST: usize = 64 << 10;

/// The access control list of a file or directory. Not every file system lists it among the attributes.
const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
/// What new files in a directory get.
const DEFAULT_LIST: &[u8] = b"system.posix_acl_default";
/// They depend on the content and the inode, and the kernel makes them: those of another file would be wrong.
const OF_CONTENT: &[&[u8]] = &[b"security.ima", b"security.evm"];

/// The flags that say how a file is treated. Others say how it is stored, or bar it from every action.
const FLAGS: IFlags =
    IFlags::SECURE_REMOVAL.union(IFlags::UNRM).union(IFlags::SYNC).union(IFlags::NODUMP).union(IFlags::NOATIME);

/// Creates an empty file that is as accessible as another, under a name of ansai's own. A failure leaves nothing behind.
///
/// # Errors
/// If it cannot be created, or cannot be made equal.
pub(super) fn create_like(parent: BorrowedFd<'_>, name: &[u8], from: BorrowedFd<'_>, stat: &Stat) -> io::Result<Inode> {
    let new = entry::create(parent, name)?;
    equalize(from, stat, &new).and_then(|()| Ok(Stat::of(&new)?.inode())).inspect_err(|_| {
        let _ = entry::remove(parent, name);
    })
}

/// Makes a new file as accessible as another: not more, and not less.
///
/// # Errors
/// If that is not possible. Then the new file must not get its name.
pub(super) fn equalize(from: BorrowedFd<'_>, stat: &Stat, to: &OwnedFd) -> io::Result<()> {
    let to = to.as_fd();
    // First what is too much, while only this user can open the file.
    let wanted = attributes(from)?;
    for name in attributes(to)?.difference(&wanted) {
        remove(to, name)?;
    }
    let is = Stat::of(to)?;
    if (is.uid, is.gid) != (stat.uid, stat.gid) {
        rustix::fs::fchown(to, Some(Uid::from_raw(stat.uid)), Some(Gid::from_raw(stat.gid)))?;
    }
    // After the owner: a change of owner removes capabilities.
    for name in &wanted {
        let value = value(from, name)?;
        if self::value(to, name)? == value {
            continue;
        }
        if let Some(value) = value {
            rustix::fs::fsetxattr(to, &**name, &value, XattrFlags::empty())
                .map_err(|error| of_attribute(name, error))?;
        }
    }
    rustix::fs::fchmod(to, Mode::from_raw_mode(stat.mode))?;
    set_flags(from, to)?;
    match difference(from, stat, to)? {
        None => Ok(()),
        Some(what) => Err(io::Error::other(format!("it cannot be given the same {what}"))),
    }
}

/// The fate of a target for which [`equalize`] failed.
pub(super) fn unequal(error: io::Error) -> Fate {
    Fate::Skipped(format!("attributes: {error}"))
}

/// In what a file differs from another, or from what is known of the other.
fn difference(from: BorrowedFd<'_>, stat: &Stat, to: BorrowedFd<'_>) -> io::Result<Option<String>> {
    let is = Stat::of(to)?;
    if (is.uid, is.gid) != (stat.uid, stat.gid) {
        return Ok(Some("owner".into()));
    }
    if is.mode != stat.mode {
        return Ok(Some("mode".into()));
    }
    for name in attributes(from)?.union(&attributes(to)?) {
        if value(from, name)? != value(to, name)? {
            return Ok(Some(format!("attribute {}", ansai_core::text::path_text(name))));
        }
    }
    Ok((flags(from)? != flags(to)?).then(|| "flags".into()))
}

/// Removes the access control lists that a new directory of ansai's own has from the directory above it.
///
/// # Errors
/// If one of them is still there.
pub(super) fn remove_lists(directory: BorrowedFd<'_>) -> io::Result<()> {
    [ACCESS_LIST, DEFAULT_LIST].into_iter().try_for_each(|name| remove(directory, name))
}

/// Whether a file or directory has an access control list, of its own or for what is created in it.
pub(super) fn has_lists(of: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(value(of, ACCESS_LIST)?.is_some() || value(of, DEFAULT_LIST)?.is_some())
}

/// Copies atime and mtime. Call it last: a later write would change them.
pub(super) fn copy_times(stat: &Stat, to: impl AsFd) -> io::Result<()> {
    let time = |time: Time| Timespec { tv_sec: time.0, tv_nsec: i64::from(time.1) };
    let times = Timestamps { last_access: time(stat.atime), last_modification: time(stat.mtime) };
    Ok(rustix::fs::futimens(to, &times)?)
}

/// The names of the attributes that a file has.
fn attributes(of: BorrowedFd<'_>) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut names = vec![0_u8; MOST];
    let length = match rustix::fs::flistxattr(of, &mut *names) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => 0,
        Err(error) => return Err(error.into()),
    };
    names.truncate(length);
    let mut names: BTreeSet<Vec<u8>> =
        names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
    names.retain(|name| !OF_CONTENT.contains(&&**name));
    if value(of, ACCESS_LIST)?.is_some() {
        names.insert(ACCESS_LIST.to_vec());
    }
    Ok(names)
}

/// `None` if a file does not have this attribute.
fn value(of: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut value = vec![0_u8; MOST];
    match rustix::fs::fgetxattr(of, name, &mut *value) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(error) => Err(of_attribute(name, error)),
    }
}

fn remove(from: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    match rustix::fs::fremovexattr(from, name) {
        Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
        Err(error) => Err(of_attribute(name, error)),
    }
}

fn of_attribute(name: &[u8], error: Errno) -> io::Error {
    io::Error::other(format!("attribute {}: {error}", ansai_core::text::path_text(name)))
}

/// The flags that count; `None` where the file system has none.
fn flags(of: BorrowedFd<'_>) -> io::Result<Option<IFlags>> {
    match rustix::fs::ioctl_getflags(of) {
        Ok(flags) => Ok(Some(flags.intersection(FLAGS))),
        Err(Errno::NOTTY | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn set_flags(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    let (Some(wanted), Some(is)) = (flags(from)?, flags(to)?) else { return Ok(()) };
    if wanted != is {
        let others = rustix::fs::ioctl_getflags(to)?.difference(FLAGS);
        rustix::fs::ioctl_setflags(to, others.union(wanted))?;
    }
    Ok(())
}
