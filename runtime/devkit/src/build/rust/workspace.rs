//! Finds a package's workspace, whose root holds the lock file and the build directory.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::build::command::{self, Errors};
use crate::build::{BuildError, storage};

/// The cargo program that compiles packages.
pub(super) fn cargo() -> OsString {
    command::variable("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Returns the directory that holds a package's lock file: its own, or the root of its workspace.
pub(super) fn root(dir: &Path) -> Result<PathBuf, BuildError> {
    if has_lock_file(dir) {
        return Ok(dir.to_owned());
    }
    let arguments = ["locate-project", "--workspace", "--message-format=plain"].map(OsStr::new);
    let output = command::run(&cargo(), &arguments, &[], dir, Errors::Shown)?;
    if !output.success {
        return Err(BuildError::Cargo(dir.to_owned()));
    }
    let manifest = Path::new(OsStr::from_bytes(output.stdout.trim_ascii_end()));
    let root = manifest.parent().unwrap_or(dir);
    if !has_lock_file(root) {
        return Err(BuildError::NoLockFile(root.to_owned()));
    }
    // The settings of a workspace run programs during the build, as those of the package do.
    storage::own_directory(root)
}

fn has_lock_file(dir: &Path) -> bool {
    storage::is_file(&dir.join("Cargo.lock"))
}
