//! Whether a file may be touched at all: the reasons to leave one alone, in the order in which they are told.

use ansai_core::Instant;

use super::beneath::Root;
use super::identity::Stat;
use super::in_use::InUse;

/// A file that no setting lets an action touch.
pub(super) fn untouchable(root: &Root, stat: &Stat) -> Option<&'static str> {
    if !root.holds(stat) {
        Some("other-device")
    } else if !stat.is_file() {
        Some("not-regular")
    } else if stat.mode & 0o6000 != 0 {
        Some("setuid")
    } else if stat.mode & 0o1000 != 0 {
        Some("sticky")
    } else if stat.links != 1 {
        Some("several-links")
    } else if stat.fixed {
        Some("immutable")
    } else {
        None
    }
}

/// Younger than this by any of its times; a time to come is young.
pub(super) fn is_young(stat: &Stat, hours: u64, now: Instant) -> bool {
    let latest = i128::from(now) * 1_000_000 - i128::from(hours) * 3_600_000_000_000;
    [stat.mtime, stat.atime, stat.ctime].iter().any(|time| time.nanos() > latest)
}

/// In use as far as a preview can tell. Root can lease every file, and the lease, taken before acting, knows better
/// than the tables: a process that could not be looked into holds up nothing yet.
pub(super) fn seems_in_use(stat: &Stat, tables: &InUse) -> Option<&'static str> {
    in_use(stat, tables).filter(|reason| *reason != "maybe-open" || !rustix::process::geteuid().is_root())
}

/// In use as far as the tables of the kernel tell.
pub(super) fn in_use(stat: &Stat, in_use: &InUse) -> Option<&'static str> {
    if in_use.is_locked(stat.inode()) {
        Some("locked")
    } else if in_use.is_open(stat.inode()) {
        Some("open")
    } else if in_use.unseen > 0 && stat.uid != rustix::process::geteuid().as_raw() {
        Some("maybe-open")
    } else {
        None
    }
}
