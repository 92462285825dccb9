//! What a file is, and what makes it the very same file later.

use ansai_core::text::{path_bytes, path_text};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, StatxTimestamp};
use serde::{Deserialize, Serialize};

/// Seconds and nanoseconds since the Unix epoch, as the file system keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Time(pub(super) i64, pub(super) u32);

impl Time {
    pub(super) fn nanos(self) -> i128 {
        i128::from(self.0) * 1_000_000_000 + i128::from(self.1)
    }

    /// Milliseconds since the epoch; 0 for what is before it.
    pub(super) fn millis(self) -> u64 {
        u64::try_from(self.nanos() / 1_000_000).unwrap_or(0)
    }
}

/// Device and inode: what two names of one file share.
pub(super) type Inode = (u64, u64);

/// What `statx` tells, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stat {
    pub(super) kind: FileType,
    /// Permissions with setuid, setgid and sticky.
    pub(super) mode: u32,
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// 0 where the kernel does not say.
    pub(super) mount: u64,
    pub(super) links: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    /// Allocated.
    pub(super) bytes: u64,
    pub(super) atime: Time,
    pub(super) mtime: Time,
    pub(super) ctime: Time,
    /// Immutable or append-only.
    pub(super) fixed: bool,
}

impl Stat {
    /// Of an entry of a directory, the entry itself where it is a symbolic link.
    pub(super) fn at(directory: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<Stat> {
        Stat::named(directory, name)
    }

    /// The same by a name in any form.
    pub(super) fn named(directory: BorrowedFd<'_>, name: impl rustix::path::Arg) -> rustix::io::Result<Stat> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        rustix::fs::statx(directory, name, flags, wanted()).map(|stat| Stat::from(&stat))
    }

    /// Of what is open.
    pub(super) fn of(open: impl AsFd) -> rustix::io::Result<Stat> {
        rustix::fs::statx(open.as_fd(), "", AtFlags::EMPTY_PATH, wanted()).map(|stat| Stat::from(&stat))
    }

    /// Of what a path leads to, symbolic links followed: for paths of the operator's or the kernel's.
    pub(super) fn following(path: &std::path::Path) -> rustix::io::Result<Stat> {
        rustix::fs::statx(rustix::fs::CWD, path, AtFlags::NO_AUTOMOUNT, wanted()).map(|stat| Stat::from(&stat))
    }

    pub(super) fn inode(&self) -> Inode {
        (self.dev, self.ino)
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }
}

fn wanted() -> StatxFlags {
    StatxFlags::BASIC_STATS | StatxFlags::MNT_ID
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
            fixed: stat.stx_attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND),
        }
    }
}

/// A target as it was previewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Below the root, as text.
    pub(super) path: String,
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) size: u64,
    /// Allocated.
    pub(super) bytes: u64,
    pub(super) mtime: Time,
    pub(super) ctime: Time,
    /// In a rotation: 0 for `NAME`, k for `NAME.k`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) slot: u32,
}

fn is_zero(slot: &u32) -> bool {
    *slot == 0
}

impl File {
    pub(super) fn new(path: &[u8], stat: &Stat) -> File {
        File {
            path: path_text(path),
            dev: stat.dev,
            ino: stat.ino,
            size: stat.size,
            bytes: stat.bytes,
            mtime: stat.mtime,
            ctime: stat.ctime,
            slot: 0,
        }
    }

    pub(super) fn inode(&self) -> Inode {
        (self.dev, self.ino)
    }

    /// The path's true bytes; `None` for text that is no plain relative path.
    pub(super) fn path(&self) -> Option<Vec<u8>> {
        plain_relative(path_bytes(&self.path)?)
    }

    /// Whether this is the file that was previewed, its content unchanged, whatever was done to its name. Asked about
    /// a place on the same file system: its device may have another number after a restart.
    pub(super) fn is_still(&self, stat: &Stat) -> bool {
        stat.ino == self.ino && stat.size == self.size && stat.mtime == self.mtime && stat.is_file()
    }

    /// Whether this is the file that was previewed, not written to since.
    pub(super) fn is(&self, stat: &Stat) -> bool {
        self.is_still(stat) && stat.dev == self.dev && stat.ctime == self.ctime
    }

    /// The same of a file that we renamed: that set the time of the inode's last change.
    pub(super) fn is_moved(&self, stat: &Stat) -> bool {
        self.is(&Stat { ctime: self.ctime, ..*stat })
    }
}

/// The longest path below a root that is dealt with: the kernel takes no longer one in one call.
pub(super) const LONGEST_PATH: usize = 4095;

fn plain_relative(path: Vec<u8>) -> Option<Vec<u8>> {
    let plain = path.len() <= LONGEST_PATH && path.split(|byte| *byte == b'/').all(is_name);
    plain.then_some(path)
}

/// Whether these bytes can be the name of one directory entry.
pub(super) fn is_name(part: &[u8]) -> bool {
    !matches!(part, b"" | b"." | b"..") && part.len() <= 255 && !part.contains(&0) && !part.contains(&b'/')
}

/// Parent directory (empty for the root itself) and name.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => {
            path.split_at_checked(at).map_or((b"", path), |(parent, rest)| (parent, rest.get(1..).unwrap_or(rest)))
        }
        None => (b"", path),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn file(path: &str) -> File {
        let stat = Stat::following(std::path::Path::new("/")).unwrap();
        File { path: path.into(), ..File::new(b"x", &stat) }
    }

    #[test]
    fn a_forged_path_is_no_path() {
        for text in ["", "/etc", "a/../b", "..", "a//b", ".", "a/\\x2e\\x2e/b", "a\\x00", "\\q", "a/", "\\x2fetc"] {
            assert_eq!(file(text).path(), None, "{text}");
        }
        assert_eq!(file("a/\\xff\\\\").path().unwrap(), b"a/\xff\\");
        assert_eq!(file(&"x".repeat(256)).path(), None);
    }

    #[test]
    fn every_part_of_an_identity_counts() {
        let stat = Stat { kind: FileType::RegularFile, ..Stat::following(std::path::Path::new("/")).unwrap() };
        let file = File::new(b"x", &stat);
        assert!(file.is(&stat) && file.is_moved(&stat));
        let later = |time: Time| Time(time.0, time.1 + 1);
        let others = [
            Stat { dev: stat.dev + 1, ..stat },
            Stat { ino: stat.ino + 1, ..stat },
            Stat { size: stat.size + 1, ..stat },
            Stat { mtime: later(stat.mtime), ..stat },
            Stat { kind: FileType::Fifo, ..stat },
        ];
        assert!(others.iter().all(|other| !file.is(other) && !file.is_moved(other)));
        let changed = Stat { ctime: later(stat.ctime), ..stat };
        assert!(!file.is(&changed) && file.is_moved(&changed));
    }

    #[test]
    fn parent_and_name() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
    }
}
