//! The SDKs' declarations of the contract are generated. `ANSAI_WRITE_BINDINGS=1` regenerates them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod python;
mod typescript;

use std::path::PathBuf;

/// Path of `policies/sdk/…` in the repository.
fn sdk(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../policies/sdk").join(path)
}

/// Compares a file of the repository with the generated text, or writes it.
fn is_current(path: &str, generated: &str) {
    let path = sdk(path);
    if std::env::var_os("ANSAI_WRITE_BINDINGS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "{} is not what wit/ says: run ANSAI_WRITE_BINDINGS=1 cargo test --release -p ansai-devkit --test sdk",
        path.display()
    );
}
