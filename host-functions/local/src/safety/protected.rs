//! Directories that no action touches: ansai's own state, and what it holds in quarantine.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ansai_core::Refusal;
use ansai_core::text::path_text;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::beneath::open_following;
use super::identity::{Inode, Stat};
use super::location::Location;
use super::names::is_within;
use super::root::{Root, chain, top};
use crate::disk::mounts;
use crate::disk::ways::answering_through_links;
use ansai_kit::host::Host;

/// The name of a quarantine.
pub(crate) const QUARANTINE: &[u8] = b".ansai-quarantine";

/// Whether this is the name of a quarantine: the usual one, or one that nobody can guess, with a hyphen and 32 digits.
pub(crate) fn is_quarantine(name: &[u8]) -> bool {
    let digits = name.strip_prefix(QUARANTINE).map(|rest| rest.strip_prefix(b"-").unwrap_or(rest));
    digits.is_some_and(|digits| {
        name.len() == QUARANTINE.len() || (digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// The protected directories of a host: by path and, because other paths may lead to them, by inode and by place in
/// their file system.
#[derive(Debug)]
pub(crate) struct Protected {
    paths: Vec<Vec<u8>>,
    /// Those that exist.
    found: Vec<Found>,
}

#[derive(Debug)]
struct Found {
    opened: OwnedFd,
    stat: Stat,
    /// Itself and the directories above it, innermost first.
    chain: Vec<Inode>,
}

impl Protected {
    /// Looks where the protected directories are.
    ///
    /// # Errors
    /// `unavailable` if one of them cannot be looked at: then every file could be in it. One that does not exist is
    /// no error.
    pub(crate) fn of(host: &Host) -> Result<Protected, Refusal> {
        let mut protected = Protected { paths: Vec::new(), found: Vec::new() };
        for path in host.protected() {
            let path = path.as_os_str().as_bytes();
            match locate(host, path) {
                Ok(found) => protected.found.push(found),
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) => {
                    let path = path_text(path);
                    return Err(Refusal::Unavailable(format!("{path}, which no action may touch: {error}")));
                }
            }
            protected.paths.push(path.strip_suffix(b"/").unwrap_or(path).to_vec());
        }
        Ok(protected)
    }

    /// Whether this is the inode of one of them.
    pub(crate) fn has(&self, inode: Inode) -> bool {
        self.found.iter().any(|found| found.stat.inode() == inode)
    }

    /// Whether this directory, at its absolute path, is one of them.
    pub(crate) fn is(&self, path: &[u8], inode: Inode) -> bool {
        path.rsplit(|byte| *byte == b'/').next().is_some_and(is_quarantine)
            || self.has(inode)
            || self.paths.iter().any(|protected| protected == path)
    }

    /// Whether an absolute path is at or below one of them.
    pub(crate) fn covers(&self, path: &[u8]) -> bool {
        path.split(|byte| *byte == b'/').any(is_quarantine)
            || self.paths.iter().any(|protected| is_within(path, protected))
    }

    /// Whether one of them can be below a root, which never leaves its file system.
    pub(crate) fn is_near(&self, root: &Root) -> bool {
        self.found.iter().any(|found| found.stat.dev == root.stat.dev)
    }

    /// Whether an open directory below a root is at or below one of them that is below the root too, whatever its path.
    pub(crate) fn holds(&self, directory: BorrowedFd<'_>, root: &Root) -> rustix::io::Result<bool> {
        Ok(self.is_near(root) && chain(directory, root.stat.inode())?.iter().any(|inode| self.has(*inode)))
    }

    /// Refuses a root that is at or below one of them.
    pub(crate) fn refuse(&self, root: &Root) -> Result<(), Refusal> {
        let is_below = self.covers(&root.path)
            || root.chain.iter().any(|inode| self.has(*inode))
            || self.any(root, |root, found| root.is_within(found))?;
        if is_below { Err(Refusal::Denied(format!("{} belongs to ansai itself", root.text))) } else { Ok(()) }
    }

    /// Refuses a root that has one of them below it: for an action that cannot leave out a part of the root.
    pub(crate) fn refuse_around(&self, root: &Root) -> Result<(), Refusal> {
        let is_around = self.paths.iter().any(|path| is_within(path, &root.path))
            || self.found.iter().any(|found| found.chain.contains(&root.stat.inode()))
            || self.any(root, |root, found| found.is_within(root))?;
        if is_around {
            return Err(Refusal::Denied(format!("a directory below {} belongs to ansai itself", root.text)));
        }
        Ok(())
    }

    /// Compares the place of a root in its file system with those of the protected directories and of what is mounted
    /// below them. On one mount the directories above tell enough.
    fn any(&self, root: &Root, is: impl Fn(&Location, &Location) -> bool) -> Result<bool, Refusal> {
        if self.found.is_empty() {
            return Ok(false);
        }
        let table = mounts::read(&Host::at("/"))?;
        let compared = || -> rustix::io::Result<bool> {
            let mut places = Vec::new();
            for found in &self.found {
                if found.stat.mount == 0 || found.stat.mount != root.stat.mount {
                    places.push(Location::of(found.opened.as_fd(), &table)?);
                }
                places.extend(Location::mounted_below(found.opened.as_fd(), &table)?);
            }
            if places.is_empty() {
                return Ok(false);
            }
            let here = Location::of(root.fd(), &table)?;
            Ok(places.iter().any(|place| is(&here, place)))
        };
        compared().map_err(|error| {
            Refusal::Unavailable(format!("the mount of {} or of a protected directory: {error}", root.text))
        })
    }
}

/// Where a path leads to.
fn locate(host: &Host, path: &[u8]) -> rustix::io::Result<Found> {
    answering_through_links(host, Path::new(std::ffi::OsStr::from_bytes(path))).map_err(|_| Errno::TIMEDOUT)?;
    let opened = match open_following(host, path, OFlags::PATH) {
        // Linux before 5.6: a link may lead out of another root, which then protects more.
        Err(Errno::NOSYS) => {
            let path = host.path(std::ffi::OsStr::from_bytes(path));
            rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?
        }
        opened => opened?,
    };
    let stat = Stat::of(&opened)?;
    let chain = match stat.is_directory() {
        true => chain(opened.as_fd(), Stat::of(top(host)?)?.inode())?,
        false => vec![stat.inode()],
    };
    Ok(Found { opened, stat, chain })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_protected_directory_is_known_by_every_path() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/state/below")).unwrap();
        std::fs::create_dir_all(dir.path().join("a/statement")).unwrap();
        symlink("/a", dir.path().join("b")).unwrap();
        let host = Host::at(dir.path()).protecting("/b/state/").protecting("/none");
        let protected = Protected::of(&host).unwrap();
        let root = |path: &str| Root::following(&host, path).unwrap();
        for path in ["/a/state", "/a/state/below", "/b/state", "/b/state/below"] {
            assert!(matches!(protected.refuse(&root(path)), Err(Refusal::Denied(_))), "{path}");
        }
        assert!(protected.refuse(&root("/a")).is_ok() && protected.refuse(&root("/a/statement")).is_ok());
        assert!(
            protected.refuse_around(&root("/a")).is_err() && protected.refuse_around(&root("/a/statement")).is_ok()
        );
        assert!(protected.covers(b"/b/state/x") && !protected.covers(b"/b/statement"));
        assert!(protected.covers(b"/x/.ansai-quarantine/1/0"));
        assert!(protected.covers(b"/x/.ansai-quarantine-0123456789abcdef0123456789abcdef/1/0"));
        assert!(!protected.covers(b"/x/.ansai-quarantine-of-mine/0") && !protected.covers(b"/x/.ansai-quarantine-"));
        let below = root("/a").directory(b"state/below").unwrap();
        assert!(protected.holds(below.as_fd(), &root("/a")).unwrap());
        let beside = root("/a").directory(b"statement").unwrap();
        assert!(!protected.holds(beside.as_fd(), &root("/a")).unwrap());
    }

    #[test]
    fn what_cannot_be_looked_at_protects_everything() {
        let dir = tempfile::tempdir().unwrap();
        symlink("loop", dir.path().join("loop")).unwrap();
        let host = Host::at(dir.path()).protecting("/loop/state");
        assert!(matches!(Protected::of(&host), Err(Refusal::Unavailable(_))));
    }
}
