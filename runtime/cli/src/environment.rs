//! What the environment and the current directory say; read here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]

use std::path::{Path, PathBuf};

/// A variable that holds a path; empty is as good as unset.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A whole number.
pub(crate) fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.trim().parse().ok()
}

/// Absolute, without looking at the file system.
pub(crate) fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    std::path::absolute(path)
}
