//! Checks that the compiler can produce WebAssembly, before cargo fails with pages of errors.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::build::command::{self, Errors};
use crate::build::{BuildError, storage};

/// The target of policies. It has no operating system, so a component imports only its policy's world.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";
const FLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// Looks for the target's standard library in the compiler's directory.
pub(super) fn check(dir: &Path) -> Result<(), BuildError> {
    let flags = command::variable(FLAGS).unwrap_or_default();
    check_with(dir, &flags.to_string_lossy())
}

fn check_with(dir: &Path, flags: &str) -> Result<(), BuildError> {
    let rustc = command::variable("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = sysroot(flags);
    let mut arguments: Vec<&OsStr> = ["--print", "target-libdir", "--target", TARGET].map(OsStr::new).to_vec();
    if let Some(sysroot) = &sysroot {
        arguments.extend([OsStr::new("--sysroot"), sysroot]);
    }
    let output = command::run(&rustc, &arguments, &[], dir, Errors::Kept)?;
    if !output.success {
        return Err(BuildError::Compiler {
            program: rustc.to_string_lossy().into_owned(),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    let libraries = PathBuf::from(OsStr::from_bytes(output.stdout.trim_ascii_end()));
    if storage::holds(&libraries, "libcore-", ".rlib") { Ok(()) } else { Err(BuildError::NoTarget(libraries)) }
}

/// Returns the last `--sysroot` in a string of flags.
fn sysroot(flags: &str) -> Option<OsString> {
    let mut found = None;
    let mut words = flags.split_whitespace();
    while let Some(word) = words.next() {
        match word.strip_prefix("--sysroot") {
            Some("") => found = words.next().or(found),
            Some(rest) => found = rest.strip_prefix('=').or(found),
            None => {}
        }
    }
    found.map(OsString::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_empty_sysroot_lacks_the_target() {
        let dir = tempfile::tempdir().unwrap();
        let flags = format!("--sysroot={}", dir.path().display());
        let error = check_with(dir.path(), &flags).unwrap_err();
        assert!(matches!(&error, BuildError::NoTarget(path) if path.starts_with(dir.path())), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("rustup target add wasm32-unknown-unknown")));
    }

    #[test]
    fn a_sysroot_among_flags() {
        for (flags, expected) in [
            ("", None),
            ("-Copt-level=s", None),
            ("--sysroot=/a", Some("/a")),
            ("-g --sysroot /b -O", Some("/b")),
            ("--sysroot=/a --sysroot=/b", Some("/b")),
            ("--sysroot", None),
            ("--sysrooted=/c", None),
        ] {
            assert_eq!(sysroot(flags), expected.map(OsString::from), "{flags}");
        }
    }
}
