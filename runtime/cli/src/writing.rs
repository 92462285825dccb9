//! Files that commands write at a path of the user.

use std::path::Path;

use ansai_core::codes;
use ansai_storage::{Existing, Location, Permissions, StorageError, WriteOptions};

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
        Err(error) if error.is_already_there() => {
            Err(Fault::usage(codes::EXISTS, format!("{} already exists", path.display()))
                .hint("pass --force to replace it"))
        }
        written => written.map_err(|error| failed(path, &error)),
    }
}

fn failed(path: &Path, error: &StorageError) -> Fault {
    Fault::other(codes::FILE_ACCESS, format!("cannot write {}: {}", path.display(), error.cause))
}
