//! The environment; this crate reads it here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]

use std::io;
use std::path::PathBuf;

/// The directory of temporary files, without links.
pub(crate) fn temporary_directory() -> io::Result<PathBuf> {
    std::fs::canonicalize(std::env::temp_dir())
}

/// A variable that holds a whole number.
pub(crate) fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.trim().parse().ok()
}
