//! Whether another process holds a package manager's lock.

use std::io::Read as _;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, StatxFlags};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::cache::Manager;
use crate::safety::entry::open_for_reading;
use crate::safety::root::Root;
use ansai_kit::host::Host;

/// Files that apt, dpkg and rpm lock with fcntl(2).
const APT_LOCKS: &[&str] = &["/var/cache/apt/archives/lock", "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"];
const RPM_LOCKS: &[&str] = &["/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"];
/// Files with the number of the process that holds the lock while it runs (dnf 4).
const DNF_PID_FILES: &[&str] =
    &["/var/cache/dnf/metadata_lock.pid", "/var/cache/dnf/download_lock.pid", "/var/lib/dnf/rpmdb_lock.pid"];

/// The lock that another process holds, if any. A lock that cannot be read counts as free: the manager's command tries
/// to take it anyway.
pub(super) fn held(host: &Host, manager: Manager) -> Option<&'static str> {
    let (locks, pid_files) = match manager {
        Manager::Apt => (APT_LOCKS, &[][..]),
        Manager::Dnf => (RPM_LOCKS, DNF_PID_FILES),
    };
    let locked = locks.iter().find(|path| is_locked(host, path));
    locked.or_else(|| pid_files.iter().find(|path| is_alive(host, path))).copied()
}

fn open(host: &Host, path: &str) -> Option<OwnedFd> {
    let (directory, name) = path.rsplit_once('/')?;
    open_for_reading(Root::following(host, directory).ok()?.fd(), name.as_bytes()).ok()
}

/// Asks the kernel without taking the lock.
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
