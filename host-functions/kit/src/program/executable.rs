//! Which file is run.

use std::path::{Path, PathBuf};

use ansai_storage::{TrustError, Trusted};
use rustix::fs::FileType;

use super::ProgramError;

/// The real path of a program that only root and the user who runs ansai can change.
///
/// The program, each directory above it and each link on the way are checked by handle. Nobody else can exchange a part
/// of the returned path, which has no links. So it can be run by its path: the handle would do the same, but scripts
/// could not be run by it, and every process would be called `7`.
///
/// # Errors
/// Somebody else can change it, it is not a regular file, or the system refuses.
pub fn executable(path: &Path) -> Result<PathBuf, ProgramError> {
    if !path.is_absolute() {
        return Err(ProgramError::Relative(path.to_owned()));
    }
    let found = Trusted::open(path).map_err(|error| match error {
        TrustError::Untrusted((problem, fix)) => ProgramError::Untrusted { problem, fix },
        TrustError::Access(error) => error.into(),
    })?;
    match found.kind {
        FileType::RegularFile => Ok(found.path),
        _ => Err(ProgramError::NotAFile(found.path)),
    }
}
