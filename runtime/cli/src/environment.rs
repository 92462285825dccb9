//! The environment; this crate reads it here and nowhere else.
#![expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The directory of temporary files, without links.
pub(crate) fn temporary_directory() -> io::Result<PathBuf> {
    std::fs::canonicalize(std::env::temp_dir())
}

/// A variable that holds a whole number.
pub(crate) fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.trim().parse().ok()
}

/// The passphrase of an encrypted key, as cosign reads it.
pub(crate) fn key_passphrase() -> Option<OsString> {
    std::env::var_os("COSIGN_PASSWORD")
}

/// The socket of the service manager that started this process: sd_notify(3).
pub(crate) fn notify_socket() -> Option<OsString> {
    std::env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty())
}

/// How long the service manager waits for a sign of life of this process: sd_watchdog_enabled(3).
pub(crate) fn watchdog() -> Option<Duration> {
    let pid = std::env::var("WATCHDOG_PID").ok();
    // It may be meant for the parent of this process.
    if pid.is_some_and(|pid| pid.parse() != Ok(std::process::id())) {
        return None;
    }
    let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros))
}

/// Device and inode of the stream that is connected to the journal: systemd.exec(5).
pub(crate) fn journal_stream() -> Option<(u64, u64)> {
    let named = std::env::var("JOURNAL_STREAM").ok()?;
    let (device, inode) = named.split_once(':')?;
    Some((device.parse().ok()?, inode.parse().ok()?))
}
