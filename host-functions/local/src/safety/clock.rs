//! Whether the times of a file can be right. A board without a battery for its clock starts in the past: what it writes
//! before the network sets the clock looks decades old.

use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::{Mode, OFlags};

use super::identity::{Stat, Time};
use super::root::Root;

/// The first of January 2000: no file that is still in use was last changed before that.
const EARLIEST: Time = Time(946_684_800, 0);

/// How far a clock may be set back without a doubt about what was written, in seconds.
const A_DAY: i64 = 86_400;

/// Since when times below a root can be right: since its file system was made, as far as that is known.
pub(crate) fn since(root: &Root) -> Time {
    made(root).filter(|made| *made > EARLIEST).unwrap_or(EARLIEST)
}

/// Whether the clock was wrong when the kernel set the ctime of a file. Nobody can set that, so a copy has a new one.
pub(crate) fn is_before(stat: &Stat, since: Time) -> bool {
    stat.ctime < since || stat.born.is_some_and(|born| born > EARLIEST && stat.ctime.0.saturating_add(A_DAY) < born.0)
}

/// When the uppermost directory of the file system was made. A directory that is mounted alone tells less: what is in it
/// can be older than itself. Directories of an overlay are newer than what their layers have.
fn made(root: &Root) -> Option<Time> {
    if root.devices.overlay {
        return None;
    }
    let up = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let (mut stat, mut here) = (root.stat, None::<OwnedFd>);
    loop {
        let at = here.as_ref().map_or(root.fd(), |fd| fd.as_fd());
        let above = rustix::fs::openat(at, "..", up, Mode::empty()).ok()?;
        let next = Stat::of(&above).ok()?;
        if !next.has_mount_of(&stat) || next.inode() == stat.inode() {
            break;
        }
        (stat, here) = (next, Some(above));
    }
    // The number of the first directory in ext2 to ext4, in btrfs and f2fs.
    matches!(stat.ino, 2 | 3 | 256).then_some(stat.born).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_ctime_from_before_the_file_or_its_file_system_is_no_time() {
        let made = Time(1_700_000_000, 0);
        let stat = Stat { ctime: made, born: None, ..Stat::following(std::path::Path::new("/")).unwrap() };
        let at = |ctime: i64, born: Option<i64>| Stat {
            ctime: Time(ctime, 0),
            born: born.map(|born| Time(born, 0)),
            ..stat
        };
        // Hours after the epoch, on a disk whose age nobody knows.
        assert!(is_before(&at(10_800, None), EARLIEST) && is_before(&at(10_800, Some(10_800)), EARLIEST));
        // As a board that begins with the time of its firmware.
        assert!(is_before(&at(1_600_000_000, None), made) && !is_before(&at(1_600_000_000, None), EARLIEST));
        assert!(is_before(&at(1_750_000_000, Some(1_760_000_000)), made));
        // A clock that was set back a little, and a file system that does not remember when a file was made.
        assert!(!is_before(&at(1_750_000_000, Some(1_750_003_600)), made));
        assert!(!is_before(&at(1_750_000_000, Some(0)), made));
    }

    #[test]
    fn what_is_older_than_the_disk_by_its_mtime_only_is_a_copy() {
        let copy = Stat { mtime: Time(0, 0), atime: Time(0, 0), ..Stat::following(std::path::Path::new("/")).unwrap() };
        let copy = Stat { ctime: Time(1_750_000_000, 0), born: None, ..copy };
        assert!(!is_before(&copy, Time(1_700_000_000, 0)));
    }
}
