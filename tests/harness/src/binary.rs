//! Paths of the programs under test. All of them are built before the tests; no test builds one.

use std::path::{Path, PathBuf};

/// The root directory of the repository.
pub fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", root.display()))
}

/// The `ansai` that was built with the running test.
///
/// # Panics
/// If it was not built.
pub fn ansai() -> PathBuf {
    let test = std::env::current_exe().expect("the running test has a path");
    // Tests run from TARGET/PROFILE/deps, one level below the binaries.
    let directory = test.parent().and_then(Path::parent).expect("the test is inside a target directory");
    built(directory.join("ansai"), "make build")
}

/// The component of the built-in policy `policies/NAME`.
///
/// # Panics
/// If it was not built.
pub fn policy(name: &str) -> PathBuf {
    built(repository().join(format!("policies/{name}/{name}.wasm")), "make policies")
}

/// The component of the test guest `tests/guests/NAME`.
///
/// # Panics
/// If it was not built.
pub fn guest(name: &str) -> PathBuf {
    built(repository().join(format!("tests/guests/{name}/{name}.wasm")), "make guests")
}

fn built(path: PathBuf, hint: &str) -> PathBuf {
    assert!(path.is_file(), "{} was not built; hint: run `{hint}`", path.display());
    path
}
