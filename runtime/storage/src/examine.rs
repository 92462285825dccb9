//! Checks everything in a directory: what ansai finds there, it acts on.

use std::ffi::OsStr;
use std::fmt;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;

use crate::{Directory, Exposure, GroupWrite, Owned, Problem, Result, StorageError};

/// More levels than any directory of ansai has.
const MOST_LEVELS: usize = 16;

/// Why a file must not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another user can change it.
    Exposed(Exposure),
    /// It is a symbolic link.
    Link,
    /// It is a pipe or a device.
    NotAFile,
    /// It has another name, by which it can be changed elsewhere.
    SeveralNames,
}

/// What is wrong with an open file.
pub(crate) fn fault(stat: &Stat, file: BorrowedFd<'_>) -> Option<Fault> {
    let owned = Owned::from(stat);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => return Some(Fault::Link),
        // Nobody acts on what is in a socket: opening one as a file fails.
        FileType::Directory | FileType::RegularFile | FileType::Socket => {}
        _ => return Some(Fault::NotAFile),
    }
    if let Some(exposure) = owned.exposure_of(file, GroupWrite::Private) {
        return Some(Fault::Exposed(exposure));
    }
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    (is_file && stat.st_nlink > 1).then_some(Fault::SeveralNames)
}

impl Fault {
    fn problem(self, path: &Path) -> Problem {
        let shown = path.display();
        match self {
            Fault::Exposed(exposure) => exposure.problem(path),
            Fault::Link | Fault::NotAFile => (format!("{shown} {self}"), format!("look at it, then remove {shown}")),
            Fault::SeveralNames => {
                let fix = format!("if it is yours, replace it by a copy: cp -p {shown} COPY && mv COPY {shown}");
                (format!("{shown} {self}"), fix)
            }
        }
    }
}

/// A predicate, to be put behind the name.
impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Exposed(exposure) => exposure.fmt(formatter),
            Fault::Link => formatter.write_str("is a symbolic link"),
            Fault::NotAFile => formatter.write_str("is not a regular file"),
            Fault::SeveralNames => formatter.write_str("has several names (hard links)"),
        }
    }
}

impl Directory {
    /// The first thing in it, at any depth, that another user can change, or that is no directory, no socket and
    /// no regular file with a single name; `None` if there is none. What disappears meanwhile is no problem.
    ///
    /// # Errors
    /// Something of this user cannot be examined.
    pub fn examine(&self) -> Result<Option<Problem>> {
        below(self.as_fd(), self.path(), MOST_LEVELS)
    }
}

fn below(directory: BorrowedFd<'_>, path: &Path, levels: usize) -> Result<Option<Problem>> {
    let entries = Dir::read_from(directory).map_err(|error| failed(path, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed(path, error))?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let place: PathBuf = path.join(OsStr::from_bytes(name.to_bytes()));
        let handle = match openat(directory, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT) => continue,
            opened => opened.map_err(|error| failed(&place, error))?,
        };
        let stat = fstat(&handle).map_err(|error| failed(&place, error))?;
        if let Some(fault) = fault(&stat, handle.as_fd()) {
            return Ok(Some(fault.problem(&place)));
        }
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            continue;
        }
        if levels == 0 {
            return Err(failed(&place, Errno::LOOP));
        }
        match listed(&handle) {
            // A directory of root's, such as `lost+found`, which nobody acts on who cannot read it.
            Err(Errno::ACCESS) if stat.st_uid == 0 => {}
            // Removed meanwhile.
            Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(&place, error)),
            Ok(inside) => {
                if let Some(problem) = below(inside.as_fd(), &place, levels - 1)? {
                    return Ok(Some(problem));
                }
            }
        }
    }
    Ok(None)
}

fn failed(path: &Path, error: Errno) -> StorageError {
    StorageError::at("examine", path)(error)
}

/// The same directory, open for listing.
fn listed(handle: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    openat(handle, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
