//! Shifts a program's clock. It affects calls of libc, which Rust's standard library uses. Direct system calls
//! (rustix's `clock_gettime`) and the kernel's timestamps of files keep the real time.

use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that preload libfaketime and shift the clock by `hours`. The monotonic clock stays unchanged, so that time
/// limits keep their length.
///
/// # Panics
/// If libfaketime is not installed.
pub fn environment(hours: i64) -> Vec<(OsString, OsString)> {
    [
        ("LD_PRELOAD".into(), library().into_os_string()),
        ("FAKETIME".into(), format!("{hours:+}h").into()),
        // Keep the real timestamps of files.
        ("NO_FAKE_STAT".into(), "1".into()),
        ("DONT_FAKE_MONOTONIC".into(), "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
    ]
    .into()
}

/// The variant for multi-threaded programs.
fn library() -> PathBuf {
    let architectures = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    architectures
        .chain(["/usr/lib".into(), "/usr/lib64".into()])
        .map(|directory| directory.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
        .unwrap_or_else(|| panic!("libfaketime is not installed; hint: run `scripts/setup test`"))
}
