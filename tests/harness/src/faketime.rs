//! The clock as a program sees it. What asks libc is moved, which is all that Rust's standard library asks; what makes
//! system calls by itself (rustix's `clock_gettime`) and what the kernel stamps on files keep the true time.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that preload libfaketime for a clock `hours` from now; the monotonic clock is left alone, so that
/// time limits keep their length.
///
/// # Panics
/// When libfaketime is not installed.
pub fn environment(hours: i64) -> Vec<(OsString, OsString)> {
    [
        ("LD_PRELOAD".into(), library().into_os_string()),
        ("FAKETIME".into(), format!("{hours:+}h").into()),
        // Times of files are facts of the file system.
        ("NO_FAKE_STAT".into(), "1".into()),
        ("DONT_FAKE_MONOTONIC".into(), "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
    ]
    .into()
}

/// The variant for programs with threads.
fn library() -> PathBuf {
    let architectures = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    architectures
        .chain(["/usr/lib".into(), "/usr/lib64".into()])
        .map(|directory| directory.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
        .unwrap_or_else(|| panic!("libfaketime is not installed; hint: run `scripts/setup test`"))
}
