//! What `statx(2)` tells about a file, and how a file is recognized later.

use ansai_core::Timestamp;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, StatxTimestamp};
use serde::{Deserialize, Serialize};

/// Seconds and nanoseconds since the Unix epoch, as the file system stores them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Time(pub(crate) i64, pub(crate) u32);

impl Time {
    pub(crate) fn nanos(self) -> i128 {
        i128::from(self.0) * 1_000_000_000 + i128::from(self.1)
    }

    /// To the millisecond; the epoch for times before it.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millis(u64::try_from(self.nanos() / 1_000_000).unwrap_or(0))
    }
}

/// Device and inode number. All names of one file share them.
pub(crate) type Inode = (u64, u64);

/// The fields of `statx(2)` that are used here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    pub(crate) kind: FileType,
    /// Permissions with setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    /// The number of the mount; 0 if the kernel does not report it (before Linux 5.8).
    pub(crate) mount: u64,
    pub(crate) links: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Apparent size in bytes.
    pub(crate) size: u64,
    /// Allocated bytes.
    pub(crate) bytes: u64,
    pub(crate) atime: Time,
    pub(crate) mtime: Time,
    pub(crate) ctime: Time,
    /// When it was made, if the file system remembers that.
    pub(crate) born: Option<Time>,
    /// Whether the file is immutable or append-only (chattr(1)).
    pub(crate) fixed: bool,
}

impl Stat {
    /// Looks at an entry of a directory. A symbolic link is not followed.
    pub(crate) fn at(directory: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<Stat> {
        Stat::named(directory, name)
    }

    /// The same by a name or path of any type.
    pub(crate) fn named(directory: BorrowedFd<'_>, name: impl rustix::path::Arg) -> rustix::io::Result<Stat> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        rustix::fs::statx(directory, name, flags, wanted()).map(|stat| Stat::from(&stat))
    }

    /// The same without asking a file server, as [`Stat::cached`]. On a disk of this machine there is no difference.
    pub(crate) fn named_cached(directory: BorrowedFd<'_>, name: impl rustix::path::Arg) -> rustix::io::Result<Stat> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
        rustix::fs::statx(directory, name, flags, wanted()).map(|stat| Stat::from(&stat))
    }

    /// Looks at an open file or directory.
    pub(crate) fn of(open: impl AsFd) -> rustix::io::Result<Stat> {
        rustix::fs::statx(open.as_fd(), "", AtFlags::EMPTY_PATH, wanted()).map(|stat| Stat::from(&stat))
    }

    /// Looks at what a path leads to, through symbolic links. Only for paths that the operator or the kernel wrote.
    pub(crate) fn following(path: &std::path::Path) -> rustix::io::Result<Stat> {
        rustix::fs::statx(rustix::fs::CWD, path, AtFlags::NO_AUTOMOUNT, wanted()).map(|stat| Stat::from(&stat))
    }

    /// The same without asking a file server: the kernel answers from what it knows. Identity and type are right,
    /// size and times may be old. So a server that does not answer holds nobody up.
    pub(crate) fn cached(path: &std::path::Path) -> rustix::io::Result<Stat> {
        let flags = AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
        rustix::fs::statx(rustix::fs::CWD, path, flags, wanted()).map(|stat| Stat::from(&stat))
    }

    pub(crate) fn inode(&self) -> Inode {
        (self.dev, self.ino)
    }

    /// Whether both are on one mount. Where the kernel does not report its number, the device stands for it; else it
    /// does not count, because in an overlay a file and its directory have different ones.
    pub(crate) fn has_mount_of(&self, other: &Stat) -> bool {
        if other.mount == 0 { self.dev == other.dev } else { self.mount == other.mount }
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::MNT_ID | StatxFlags::BTIME
}

impl From<&Statx> for Stat {
    fn from(stat: &Statx) -> Self {
        let time = |stamp: &StatxTimestamp| Time(stamp.tv_sec, stamp.tv_nsec);
        let knows_mount = stat.stx_mask & StatxFlags::MNT_ID.bits() != 0;
        Stat {
            kind: FileType::from_raw_mode(u32::from(stat.stx_mode)),
            mode: u32::from(stat.stx_mode) & 0o7777,
            dev: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            ino: stat.stx_ino,
            mount: if knows_mount { stat.stx_mnt_id } else { 0 },
            links: stat.stx_nlink,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            size: stat.stx_size,
            bytes: stat.stx_blocks.saturating_mul(512),
            atime: time(&stat.stx_atime),
            mtime: time(&stat.stx_mtime),
            ctime: time(&stat.stx_ctime),
            born: (stat.stx_mask & StatxFlags::BTIME.bits() != 0).then(|| time(&stat.stx_btime)),
            fixed: stat.stx_attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND),
        }
    }
}

/// How a file is recognized between preview and removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    /// Apparent size in bytes.
    pub(crate) size: u64,
    pub(crate) mtime: Time,
    /// Changes with the content, the attributes and the number of names, and nobody can set it back.
    pub(crate) ctime: Time,
}

impl Identity {
    pub(crate) fn of(stat: &Stat) -> Identity {
        Identity { dev: stat.dev, ino: stat.ino, size: stat.size, mtime: stat.mtime, ctime: stat.ctime }
    }

    pub(crate) fn inode(&self) -> Inode {
        (self.dev, self.ino)
    }

    /// Whether this is the previewed file, unchanged in every respect.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        stat.is_file() && *self == Identity::of(stat)
    }

    /// The same for a file that ansai has renamed since, which changes its ctime.
    pub(crate) fn is_moved(&self, stat: &Stat) -> bool {
        self.is(&Stat { ctime: self.ctime, ..*stat })
    }

    /// The same for a file that an earlier run has renamed: a device may have another number after a restart. Ask only
    /// about a file on the same file system.
    pub(crate) fn is_still(&self, stat: &Stat) -> bool {
        self.is_moved(&Stat { dev: self.dev, ..*stat })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_part_of_an_identity_counts() {
        let stat = Stat { kind: FileType::RegularFile, ..Stat::following(std::path::Path::new("/")).unwrap() };
        let file = Identity::of(&stat);
        assert!(file.is(&stat) && file.is_moved(&stat) && file.is_still(&stat));
        let later = |time: Time| Time(time.0, time.1 + 1);
        let others = [
            Stat { ino: stat.ino + 1, ..stat },
            Stat { size: stat.size + 1, ..stat },
            Stat { mtime: later(stat.mtime), ..stat },
            Stat { kind: FileType::Fifo, ..stat },
        ];
        assert!(others.iter().all(|other| !file.is(other) && !file.is_moved(other) && !file.is_still(other)));
        let elsewhere = Stat { dev: stat.dev + 1, ..stat };
        assert!(!file.is(&elsewhere) && !file.is_moved(&elsewhere) && file.is_still(&elsewhere));
        let changed = Stat { ctime: later(stat.ctime), ..stat };
        assert!(!file.is(&changed) && file.is_moved(&changed) && file.is_still(&changed));
    }

    #[test]
    fn in_an_overlay_the_mount_tells_what_the_device_cannot() {
        let directory = Stat { mount: 7, ..Stat::following(std::path::Path::new("/")).unwrap() };
        let of_a_layer = Stat { dev: directory.dev + 1, ..directory };
        let mounted = Stat { mount: 8, ..directory };
        assert!(of_a_layer.has_mount_of(&directory) && !mounted.has_mount_of(&directory));
        let unknown = Stat { mount: 0, ..directory };
        assert!(unknown.has_mount_of(&unknown) && !Stat { mount: 0, ..of_a_layer }.has_mount_of(&unknown));
    }
}
