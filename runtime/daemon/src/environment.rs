//! The environment and the current directory; this crate reads them here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]

use std::path::{Path, PathBuf};

/// A variable that holds an absolute path; one that is empty or relative counts as unset.
pub(crate) fn absolute_path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Absolute, without looking at the file system.
pub(crate) fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    std::path::absolute(path)
}
