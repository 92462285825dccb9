//! Whether another process holds a package manager's lock.

use std::ffi::CString;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxFlags};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::cache::Manager;
use crate::journal::directory::Directory;
use ansai_kit::host::Host;

/// Files that are locked with fcntl(2) by apt, dpkg and rpm.
const APT_LOCKS: &[&str] = &["/var/cache/apt/archives/lock", "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"];
const RPM_LOCKS: &[&str] = &["/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"];
/// Files that hold the number of the process, while it lives (dnf 4).
const DNF_PID_FILES: &[&str] =
    &["/var/cache/dnf/metadata_lock.pid", "/var/cache/dnf/download_lock.pid", "/var/lib/dnf/rpmdb_lock.pid"];

/// The lock that is held, if one is. What this process may not see counts as free: the command tries it again.
pub(super) fn held(host: &Host, manager: Manager) -> Option<&'static str> {
    let (locks, pid_files) = match manager {
        Manager::Apt => (APT_LOCKS, &[][..]),
        Manager::Dnf => (RPM_LOCKS, DNF_PID_FILES),
        Manager::Other => return None,
    };
    let locked = locks.iter().find(|path| is_locked(host, path));
    locked.or_else(|| pid_files.iter().find(|path| is_alive(host, path))).copied()
}

fn open(host: &Host, path: &str) -> Option<std::os::fd::OwnedFd> {
    let path = Path::new(path);
    let directory = Directory::open(host, path.parent()?.to_str()?).ok()?;
    directory.open_file(&CString::new(path.file_name()?.as_encoded_bytes()).ok()?).ok()
}

/// Asks without taking it.
fn is_locked(host: &Host, path: &str) -> bool {
    open(host, path).is_some_and(|file| matches!(fcntl_getlk(file, &Flock::from(FlockType::ReadLock)), Ok(Some(_))))
}

fn is_alive(host: &Host, path: &str) -> bool {
    let mut text = String::new();
    open(host, path)
        .and_then(|file| std::fs::File::from(file).take(32).read_to_string(&mut text).ok())
        .and_then(|_| text.trim().parse::<u32>().ok())
        .is_some_and(|pid| {
            rustix::fs::statx(CWD, host.path(format!("/proc/{pid}")), AtFlags::empty(), StatxFlags::TYPE).is_ok()
        })
}
