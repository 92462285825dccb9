//! Finds a compiler with the WebAssembly target.

use std::path::Path;
use std::process::Command;

const AGAIN: &str = "ANSAI_TEST_WITH_WASM_ENV";

/// Whether the named test continues in this process. If the toolchain lacks the target, the test has already run in a
/// child process with the environment that builds the project's own policies; without such an environment it is
/// skipped.
pub(crate) fn has_target(test: &str) -> bool {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"])
        .output()
        .unwrap();
    let libraries = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if std::env::var_os(AGAIN).is_some() || Path::new(&libraries).is_dir() {
        return true;
    }
    let status = Command::new("bash")
        .args(["-c", "environment=$(\"$0\") || exit 200; eval \"$environment\"; exec \"$@\""])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/wasm-env"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(AGAIN, "1")
        .status()
        .unwrap();
    if status.code() == Some(200) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no compiler for wasm32-unknown-unknown");
        eprintln!("skipped {test}: no compiler for wasm32-unknown-unknown");
    } else {
        assert!(status.success(), "{test} failed with the distribution's compiler");
    }
    false
}
