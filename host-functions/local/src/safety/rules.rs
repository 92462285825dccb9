//! What a domain permits, and the properties that keep a file out of every action's reach.

use ansai_core::Timestamp;

use super::identity::Stat;
use super::reason::Reason;
use super::root::Root;

/// What a domain permits of the files that it removes. The default is the strictest.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// Files younger than this by mtime, atime or ctime are not touched; `None` if age does not matter.
    pub(crate) min_age_hours: Option<u64>,
    /// A file that processes have open only for reading may be removed, because its readers notice a removal.
    pub(crate) readers: bool,
    /// A file with several names may lose one.
    pub(crate) links: bool,
}

impl Rules {
    /// Why a file may not be touched, by its properties alone. The root's mount is the only one that counts.
    pub(crate) fn bar(&self, root: &Root, stat: &Stat, now: Timestamp) -> Option<Reason> {
        if !root.holds(stat) {
            Some(Reason::OtherDevice)
        } else if !stat.is_file() {
            Some(Reason::NotRegular)
        } else if stat.mode & 0o6000 != 0 {
            Some(Reason::Setuid)
        } else if stat.mode & 0o1000 != 0 {
            Some(Reason::Sticky)
        } else if stat.links != 1 && !self.links {
            Some(Reason::SeveralLinks)
        } else if stat.fixed {
            Some(Reason::Immutable)
        } else if self.min_age_hours.is_some_and(|hours| is_young(stat, hours, now)) {
            Some(Reason::Young)
        } else {
            None
        }
    }
}

/// Whether any of its times is less than `hours` ago. A time in the future is young.
pub(crate) fn is_young(stat: &Stat, hours: u64, now: Timestamp) -> bool {
    let latest = i128::from(now.as_millis()) * 1_000_000 - i128::from(hours) * 3_600_000_000_000;
    [stat.mtime, stat.atime, stat.ctime].iter().any(|time| time.nanos() > latest)
}
