//! Files that commands write at a path of the user.

use std::path::Path;

use ansai_core::codes;
use ansai_storage::{Directory, Existing, Links, Location, Permissions, StorageError, TrustError, WriteOptions};

use crate::exit::Fault;

/// Replaces a file atomically. Links are followed; an existing file keeps its mode.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Fault> {
    let options = WriteOptions { permissions: Permissions::Kept, ..WriteOptions::PRIVATE };
    Location::followed(path).sweep_and_replace(text.as_bytes(), options).map_err(|error| failed(path, &error))
}

/// Creates a file atomically; it must not exist.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), Fault> {
    let options = WriteOptions { existing: Existing::Refused, ..WriteOptions::PRIVATE };
    match Location::from(path).sweep_and_replace(text.as_bytes(), options) {
        Err(error) if error.is_already_there() => Err(exists(path)),
        written => written.map_err(|error| failed(path, &error)),
    }
}

/// Refuses to go on where a file exists and may not be replaced.
pub(crate) fn absent_unless(force: bool, path: &Path) -> Result<(), Fault> {
    match Location::from(path).read(0) {
        Ok(None) => Ok(()),
        _ if force => Ok(()),
        // Also what is no file, or too large: something is there.
        _ => Err(exists(path)),
    }
}

/// Creates a file that only this user can read and write, atomically; it must not exist. A missing directory is
/// created, and one that another user can change is refused.
pub(crate) fn create_with_directory(path: &Path, text: &str) -> Result<(), Fault> {
    trusted_directory(path)?;
    create(path, text)
}

/// Replaces a file by one that only this user can read and write, atomically. A link is replaced, not followed: who can
/// place one does not choose what is overwritten.
pub(crate) fn replace_own(path: &Path, text: &str) -> Result<(), Fault> {
    trusted_directory(path)?;
    let replaced = Location::from(path).sweep_and_replace(text.as_bytes(), WriteOptions::PRIVATE);
    replaced.map_err(|error| failed(path, &error))
}

/// Writes a file that everybody can read, atomically. A link is not followed, and a directory that another user can change is
/// refused.
pub(crate) fn write_readable(path: &Path, text: &str, existing: Existing) -> Result<(), Fault> {
    trusted_directory(path)?;
    let options = WriteOptions { permissions: Permissions::Mode(0o644), existing, ..WriteOptions::PRIVATE };
    match Location::from(path).sweep_and_replace(text.as_bytes(), options) {
        Err(error) if error.is_already_there() => Err(exists(path)),
        written => written.map_err(|error| failed(path, &error)),
    }
}

fn trusted_directory(path: &Path) -> Result<(), Fault> {
    let cannot =
        |error: std::io::Error| Fault::other(codes::FILE_ACCESS, format!("cannot write {}: {error}", path.display()));
    let absolute = std::path::absolute(path).map_err(cannot)?;
    let parent = absolute.parent().unwrap_or(Path::new("/"));
    match Directory::create_trusted(parent, Links::Checked) {
        Ok(_) => Ok(()),
        Err(TrustError::Untrusted((problem, fix))) => {
            let message = format!("{problem}, so another user could change {}", path.display());
            Err(Fault::refused(codes::UNTRUSTED_CONFIGURATION, message).hint(fix))
        }
        Err(TrustError::Access(error)) => Err(failed(path, &error)),
    }
}

fn exists(path: &Path) -> Fault {
    Fault::usage(codes::EXISTS, format!("{} already exists", path.display())).hint("pass --force to replace it")
}

fn failed(path: &Path, error: &StorageError) -> Fault {
    Fault::other(codes::FILE_ACCESS, format!("cannot write {}: {}", path.display(), error.cause))
}
