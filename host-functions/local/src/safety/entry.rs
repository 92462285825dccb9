//! Listing, creating, renaming and removing entries of a directory, by its handle.

use std::ffi::CStr;
use std::io::Write as _;
use std::ops::ControlFlow;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// Renames to a name that does not exist: `EXIST` if it does.
pub(crate) fn rename_new(
    from: BorrowedFd<'_>,
    name: &[u8],
    to: BorrowedFd<'_>,
    new_name: &[u8],
) -> rustix::io::Result<()> {
    match rustix::fs::renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE) {
        // This file system cannot rename without replacing. A hard link never replaces anything either.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(from, name, to, new_name, AtFlags::empty())?;
            rustix::fs::unlinkat(from, name, AtFlags::empty())
        }
        done => done,
    }
}

/// Renames to a name that only ansai uses: `EXIST` if it exists nevertheless.
pub(crate) fn rename_ours(
    from: BorrowedFd<'_>,
    name: &[u8],
    to: BorrowedFd<'_>,
    new_name: &[u8],
) -> rustix::io::Result<()> {
    match rustix::fs::renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE) {
        // A link and then a removal could remove what took the old name in between.
        Err(Errno::INVAL | Errno::NOSYS) => match rustix::fs::statat(to, new_name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => rustix::fs::renameat(from, name, to, new_name),
            Ok(_) => Err(Errno::EXIST),
            Err(error) => Err(error),
        },
        done => done,
    }
}

/// Creates a file that only ansai's user can read, for reading and writing.
pub(crate) fn create(directory: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)
}

/// Creates a file with this content, which is on the disk when this returns. A failure leaves nothing behind.
pub(crate) fn write_new(directory: BorrowedFd<'_>, name: &[u8], content: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::from(create(directory, name)?);
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = remove(directory, name);
    }
    written
}

/// Removes a file.
pub(crate) fn remove(directory: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::unlinkat(directory, name, AtFlags::empty())
}

/// Makes renames and removals in a directory durable. A file system that cannot do that is no error.
pub(crate) fn durable(directory: impl AsFd) -> rustix::io::Result<()> {
    match rustix::fs::fsync(directory) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => synced,
    }
}

/// The same if nothing depends on it any more: errors are ignored.
pub(crate) fn sync(directory: impl AsFd) {
    let _ = durable(directory);
}

/// Visits the names in a directory, in no order and without `.` and `..`, until `visit` breaks.
pub(crate) fn each(
    directory: BorrowedFd<'_>,
    visit: &mut dyn FnMut(&CStr) -> ControlFlow<()>,
) -> rustix::io::Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") && visit(entry.file_name()).is_break() {
            break;
        }
    }
    Ok(())
}

/// Opens a file for reading. It neither follows a link nor waits for a writer of a pipe.
pub(crate) fn open_for_reading(directory: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}
