//! Making, moving and removing one directory entry, by the handle of its directory.

use std::io::Write as _;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// Renames to a name that does not exist yet: `EXIST` where it does.
pub(super) fn rename_new(
    from: BorrowedFd<'_>,
    name: &[u8],
    to: BorrowedFd<'_>,
    new_name: &[u8],
) -> rustix::io::Result<()> {
    match rustix::fs::renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE) {
        // A file system that cannot promise it: a link never replaces anything either.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(from, name, to, new_name, AtFlags::empty())?;
            rustix::fs::unlinkat(from, name, AtFlags::empty())
        }
        done => done,
    }
}

/// Renames to a name that nobody but us uses: `EXIST` where it exists all the same.
pub(super) fn rename_ours(
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

/// A new file that only we can read, for writing.
pub(super) fn create(directory: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)
}

/// A new file with this content, on the disk when it returns. Nothing is left behind where it fails.
pub(super) fn write_new(directory: BorrowedFd<'_>, name: &[u8], content: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::from(create(directory, name)?);
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = remove(directory, name);
    }
    written
}

/// Removes a file.
pub(super) fn remove(directory: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    rustix::fs::unlinkat(directory, name, AtFlags::empty())
}

/// Makes renames and removals durable. A file system that cannot is none to fail for; an I/O error is.
pub(super) fn durable(directory: impl AsFd) -> rustix::io::Result<()> {
    match rustix::fs::fsync(directory) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => synced,
    }
}

/// The same where nothing depends on it any more.
pub(super) fn sync(directory: impl AsFd) {
    let _ = durable(directory);
}
