//! Whether another user can change a file or directory. Root and the user who runs ansai may.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::access_list;

/// Write bit of others.
const OTHERS_WRITE: u32 = 0o002;
/// Write bit of the group.
const GROUP_WRITES: u32 = 0o020;

/// Owner and mode of a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its mode, with or without the bits of its kind.
    pub mode: u32,
}

/// Which groups may have the write bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupWrite {
    /// A group with the number of the owner: it is the owner's private group.
    Private,
    /// None.
    Refused,
}

/// Why another user can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// It belongs to another user.
    Foreign {
        /// That user.
        uid: u32,
    },
    /// Others may write it.
    Writable {
        /// Its permissions.
        mode: u32,
    },
    /// Its access list lets another user or group write it.
    Listed,
}

/// What is wrong and how to fix it.
pub type Problem = (String, String);

impl Owned {
    /// Why another user can change it, or `None`.
    pub fn exposure(self, groups: GroupWrite) -> Option<Exposure> {
        if self.uid != 0 && self.uid != rustix::process::geteuid().as_raw() {
            return Some(Exposure::Foreign { uid: self.uid });
        }
        self.is_writable_by_others(groups).then_some(Exposure::Writable { mode: self.mode & 0o7777 })
    }

    /// Whether its group or others may write it.
    pub fn is_writable_by_others(self, groups: GroupWrite) -> bool {
        let group = self.mode & GROUP_WRITES != 0 && (groups == GroupWrite::Refused || self.gid != self.uid);
        group || self.mode & OTHERS_WRITE != 0
    }

    /// What is wrong with a path that has this owner and mode, and how to fix it; `None` if no other user can change it.
    pub fn problem(self, path: &Path) -> Option<Problem> {
        Some(self.exposure(GroupWrite::Private)?.problem(path))
    }

    /// The same as [`Owned::exposure`] for an open file, which may have an access list.
    pub(crate) fn exposure_of(self, file: BorrowedFd<'_>, groups: GroupWrite) -> Option<Exposure> {
        let listed = || access_list::lets_others_write(file, self).then_some(Exposure::Listed);
        self.exposure(groups).or_else(listed)
    }
}

impl Exposure {
    /// What is wrong with a path that has it, and how to fix it.
    pub fn problem(self, path: &Path) -> Problem {
        let shown = path.display();
        let fix = match self {
            Exposure::Foreign { .. } => {
                let user = rustix::process::geteuid().as_raw();
                format!("run as its owner, or copy it to a directory that you own (you are user {user})")
            }
            Exposure::Writable { .. } => format!("chmod go-w {shown}"),
            Exposure::Listed => format!("setfacl -b {shown}"),
        };
        (format!("{shown} {self}"), fix)
    }
}

impl From<&std::fs::Metadata> for Owned {
    fn from(metadata: &std::fs::Metadata) -> Owned {
        Owned { uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() }
    }
}

impl From<&rustix::fs::Stat> for Owned {
    fn from(stat: &rustix::fs::Stat) -> Owned {
        Owned { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode }
    }
}

/// A predicate, to be put behind the name.
impl fmt::Display for Exposure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exposure::Foreign { uid } => write!(formatter, "belongs to user {uid}"),
            Exposure::Writable { mode } => write!(formatter, "is writable by other users (mode {mode:04o})"),
            Exposure::Listed => formatter.write_str("is writable by other users (access list)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_user_may_write_and_nobody_else() {
        let user = rustix::process::geteuid().as_raw();
        let owned = |uid, gid, mode| Owned { uid, gid, mode }.exposure(GroupWrite::Private);
        for uid in [0, user] {
            assert_eq!(owned(uid, uid, 0o100_644), None);
            assert_eq!(owned(uid, uid, 0o775), None, "a private group");
            assert_eq!(owned(uid, uid + 1, 0o2775), Some(Exposure::Writable { mode: 0o2775 }));
            assert_eq!(owned(uid, uid, 0o646), Some(Exposure::Writable { mode: 0o646 }));
            let strict = Owned { uid, gid: uid, mode: 0o664 }.exposure(GroupWrite::Refused);
            assert_eq!(strict, Some(Exposure::Writable { mode: 0o664 }));
        }
        assert_eq!(owned(user + 4_242, user, 0o600), Some(Exposure::Foreign { uid: user + 4_242 }));
    }
}
