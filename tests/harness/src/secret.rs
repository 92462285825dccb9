//! The secret of tests: what they put where ansai reads a password. Each program that the harness runs, and each state
//! directory of a [`Scene`](crate::Scene), is searched for it, so that the whole test run shows it nowhere.

use std::path::Path;

use crate::search::{files_with, holds};

/// The secret. A test that needs several of them adds to it.
pub const SECRET: &str = "correct-horse-battery-staple";

/// Checks what a program printed.
///
/// # Panics
/// If the secret is in it.
#[track_caller]
pub(crate) fn is_not_printed(text: &[u8]) {
    assert!(!holds(text, SECRET.as_bytes()), "printed a secret: {}", String::from_utf8_lossy(text));
}

/// Checks what a program left in a directory, if that exists.
///
/// # Panics
/// With the names of the files that hold the secret.
#[track_caller]
pub fn is_not_below(directory: &Path) {
    let found = if directory.exists() { files_with(directory, SECRET.as_bytes()) } else { Vec::new() };
    assert!(found.is_empty(), "these hold a secret: {found:?}");
}
