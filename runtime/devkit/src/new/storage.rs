//! The only place where a new policy is written, atomically.
#![expect(clippy::disallowed_methods, reason = "the adapter of new policies for files")]

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use tempfile::TempDir;

use super::NewError;
use crate::leftovers::{self, AtWork};

/// Prefix of temporary names.
const TEMPORARY: &str = ".new-policy-";

/// A temporary directory, removed unless [`put`] moves it to its place, and the lock that protects it from another
/// process's cleanup.
pub(super) struct Beside {
    dir: TempDir,
    _at_work: AtWork,
}

impl Beside {
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> NewError {
    let path = path.to_owned();
    move |source| NewError::File { path, source }
}

/// Creates a temporary directory in the parent directory of the target.
pub(super) fn beside(target: &Path) -> Result<Beside, NewError> {
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(NewError::NoParent(parent.to_owned()));
    }
    if std::fs::symlink_metadata(target).is_ok() {
        return Err(NewError::Exists(target.to_owned()));
    }
    let at_work = leftovers::at_work(parent, TEMPORARY);
    let dir = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(parent)
        .map_err(at(parent))?;
    Ok(Beside { dir, _at_work: at_work })
}

/// Writes one file, and creates the directories above it.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), NewError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(at(parent))?;
    }
    std::fs::write(path, content).map_err(at(path))
}

/// The same with a mode, without the bits of the umask that are set.
pub(super) fn write_with_mode(path: &Path, content: &[u8], mode: u32) -> Result<(), NewError> {
    write(path, content)?;
    std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(at(path))
}

/// Renames the directory to its final name, unless that name exists by now.
pub(super) fn put(made: Beside, target: &Path) -> Result<(), NewError> {
    let renamed = match rustix::fs::renameat_with(CWD, made.path(), CWD, target, RenameFlags::NOREPLACE) {
        // Some file systems do not support this. A plain rename replaces at most an empty directory.
        Err(Errno::INVAL | Errno::NOSYS) => std::fs::rename(made.path(), target),
        other => other.map_err(std::io::Error::from),
    };
    match renamed {
        Ok(()) => {
            // The directory has been renamed, so there is nothing to remove.
            let _: PathBuf = made.dir.keep();
            Ok(())
        }
        Err(error) => match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => {
                Err(NewError::Exists(target.to_owned()))
            }
            _ => Err(at(target)(error)),
        },
    }
}

/// Paths of all files below a directory, relative and in byte order.
pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>, NewError> {
    let mut files = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inside) = open.pop() {
        let path = dir.join(&inside);
        for entry in std::fs::read_dir(&path).map_err(at(&path))? {
            let entry = entry.map_err(at(&path))?;
            let inside = inside.join(entry.file_name());
            if entry.file_type().map_err(at(&path))?.is_dir() { open.push(inside) } else { files.push(inside) }
        }
    }
    files.sort();
    Ok(files)
}
