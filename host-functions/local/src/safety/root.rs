//! The directory that a search or an action begins in.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ansai_core::Refusal;
use ansai_core::text::{inert, path_bytes, path_text};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::beneath::{Mounts, directory, open, open_following};
use super::devices::Devices;
use super::identity::{Inode, Stat};
use super::names::{LONGEST_PATH, is_name, split};
use crate::disk::filesystems::Filesystems;
use crate::disk::ways::{answering_through_links, opened};
use ansai_kit::host::Host;

/// An open directory of the host that a search or an action begins in.
#[derive(Debug)]
pub(crate) struct Root {
    fd: OwnedFd,
    /// The absolute path as text, as granted or asked for.
    pub(crate) text: String,
    /// Its bytes without a slash at the end, so `/` is empty.
    pub(crate) path: Vec<u8>,
    pub(crate) stat: Stat,
    pub(crate) devices: Devices,
    /// Whether it is on a disk of this machine, where the kernel asks nobody else.
    is_local: bool,
    /// The directory itself and all above it, up to the root of the host, as they really are: by whatever links the
    /// path leads there.
    pub(crate) chain: Vec<Inode>,
}

impl Root {
    /// Opens a directory of the host by its absolute path as text. No part of it may be a symbolic link.
    ///
    /// # Errors
    /// `invalid` for another spelling of a path, a symbolic link, or what is no directory; `timed-out` or `unavailable`
    /// if a mount on the way does not answer; else the I/O error.
    pub(crate) fn open(host: &Host, text: &str) -> Result<Root, Refusal> {
        let path = absolute(text)
            .ok_or_else(|| Refusal::Invalid(format!("`{}` is not an absolute path in plain form", inert(text, 200))))?;
        let own = (host.clone(), text.to_owned(), path.clone());
        let open = move || {
            let (host, text, path) = own;
            let top = top(&host)?;
            let fd = directory(top.as_fd(), path.get(1..).unwrap_or_default(), Mounts::Crossed)?;
            Root::of(&host, fd, &text, path, &top)
        };
        let place = Path::new(OsStr::from_bytes(if path.is_empty() { b"/" } else { &path }));
        opened(host, place, open)?.map_err(|error| match error {
            // A link at the end is no directory.
            Errno::LOOP | Errno::NOTDIR => Refusal::Invalid(match link(host, &path) {
                Some((link, target)) => {
                    format!("{text} leads through a symbolic link ({link} to {target}): name the directory behind it")
                }
                None if error == Errno::LOOP => {
                    format!("{text} leads through a symbolic link: name the directory behind it")
                }
                None => format!("{text} is not a directory"),
            }),
            error => Refusal::io(text, &error.into()),
        })
    }

    /// Opens a directory that the distribution chose, such as `/var/log/journal`. Symbolic links above it are the
    /// administrator's and are followed; the directory itself must not be one.
    pub(crate) fn following(host: &Host, text: &str) -> rustix::io::Result<Root> {
        let path = absolute(text).ok_or(Errno::INVAL)?;
        answering_through_links(host, Path::new(text)).map_err(|_| Errno::TIMEDOUT)?;
        let (parent, name) = split(&path);
        let parent = if parent.is_empty() { b"/" } else { parent };
        let parent = open_following(host, parent, OFlags::PATH | OFlags::DIRECTORY)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(parent, name, flags, Mode::empty())?;
        Root::of(host, fd, text, path, &top(host)?)
    }

    fn of(host: &Host, fd: OwnedFd, text: &str, path: Vec<u8>, top: &OwnedFd) -> rustix::io::Result<Root> {
        let (stat, chain) = (Stat::of(&fd)?, chain(fd.as_fd(), Stat::of(top)?.inode())?);
        let devices = Devices::below(&fd, &stat)?;
        let is_local = Filesystems::current(host).is_some_and(|found| found.is_local(Path::new(text), &stat));
        Ok(Root { fd, text: text.to_owned(), path, stat, devices, is_local, chain })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Opens a directory below the root, on the same mount; an empty path is the root itself.
    pub(crate) fn directory(&self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let (mut here, mut rest) = (None::<OwnedFd>, path);
        // In several calls if the path is longer than one call takes.
        while let Some(end) = rest.get(..LONGEST_PATH).and_then(|part| part.iter().rposition(|byte| *byte == b'/')) {
            let (part, beyond) = rest.split_at_checked(end).ok_or(Errno::NAMETOOLONG)?;
            here = Some(open(here.as_ref().map_or(self.fd(), |fd| fd.as_fd()), part, through, Mounts::Stay)?);
            rest = beyond.get(1..).unwrap_or_default();
        }
        directory(here.as_ref().map_or(self.fd(), |fd| fd.as_fd()), rest, Mounts::Stay)
    }

    /// Looks at an entry of a directory below the root. What is mounted there may not answer, so it is not asked.
    pub(crate) fn look(&self, directory: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<Stat> {
        let known = Stat::named_cached(directory, name)?;
        if self.is_local || !known.has_mount_of(&self.stat) {
            return Ok(known);
        }
        Stat::named(directory, name)
    }

    /// Whether this is on the mount and the file system of the root.
    pub(crate) fn holds(&self, stat: &Stat) -> bool {
        let known = if stat.is_directory() { stat.dev == self.stat.dev } else { self.devices.have(stat.dev) };
        known && stat.mount == self.stat.mount
    }

    /// The absolute path of what is below, as bytes.
    pub(crate) fn absolute(&self, below: &[u8]) -> Vec<u8> {
        let mut path = self.path.clone();
        if !below.is_empty() {
            path.push(b'/');
            path.extend_from_slice(below);
        }
        path
    }

    /// The same as text.
    pub(crate) fn shown(&self, below: &[u8]) -> String {
        match path_text(&self.absolute(below)) {
            path if path.is_empty() => "/".into(),
            path => path,
        }
    }
}

/// The bytes of an absolute path; `/` is empty. Only in the form that [`path_text`] writes: another spelling
/// (`\x2e\x2e` for `..`) would pass a check of the text and lead elsewhere.
pub(crate) fn absolute(text: &str) -> Option<Vec<u8>> {
    let mut path = path_bytes(text)?;
    if path_text(&path) != text || path.len() > 4000 {
        return None;
    }
    let rest = path.strip_prefix(b"/")?;
    if rest.is_empty() {
        path.clear();
        return Some(path);
    }
    rest.split(|byte| *byte == b'/').all(is_name).then_some(path)
}

/// The first symbolic link on the way to a directory of the host, and its target, both as text.
pub(crate) fn link(host: &Host, path: &[u8]) -> Option<(String, String)> {
    let mut here = top(host).ok()?;
    let (mut done, flags) = (Vec::new(), OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC);
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        done.push(b'/');
        done.extend_from_slice(part);
        let next = rustix::fs::openat(&here, part, flags, Mode::empty()).ok()?;
        if Stat::of(&next).ok()?.kind == FileType::Symlink {
            let target = rustix::fs::readlinkat(&next, "", Vec::new()).ok()?;
            return Some((path_text(&done), inert(&path_text(target.as_bytes()), MOST_TARGET)));
        }
        here = next;
    }
    None
}

/// How much is shown of where a symbolic link leads to.
const MOST_TARGET: usize = 200;

/// The root directory of the host.
pub(super) fn top(host: &Host) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(host.root(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// A directory and all above it up to `top`, innermost first.
pub(super) fn chain(directory: BorrowedFd<'_>, top: Inode) -> rustix::io::Result<Vec<Inode>> {
    Ok(stats(directory, top)?.iter().map(Stat::inode).collect())
}

/// What the directory of a root and all above it are now, innermost first.
pub(crate) fn above(host: &Host, root: &Root) -> rustix::io::Result<Vec<Stat>> {
    stats(root.fd(), Stat::of(top(host)?)?.inode())
}

fn stats(directory: BorrowedFd<'_>, top: Inode) -> rustix::io::Result<Vec<Stat>> {
    let up = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut found = vec![Stat::of(directory)?];
    let mut here = None::<OwnedFd>;
    while found.last().is_some_and(|last| last.inode() != top) {
        let parent = rustix::fs::openat(here.as_ref().map_or(directory, AsFd::as_fd), "..", up, Mode::empty())?;
        let stat = Stat::of(&parent)?;
        // The uppermost directory of all is its own parent.
        if found.last().is_some_and(|last| last.inode() == stat.inode()) {
            break;
        }
        found.push(stat);
        here = Some(parent);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_the_plain_form_of_a_path() {
        for text in ["/\\x2e\\x2e/etc", "/a/../b", "a", "", "/a/", "//", "/a\\x2fb", "/a\\x00", "/\\x41"] {
            assert_eq!(absolute(text), None, "{text}");
        }
        assert_eq!(absolute("/").unwrap(), b"");
        assert_eq!(absolute("/a\\xff/\\\\").unwrap(), b"/a\xff/\\");
    }

    #[test]
    fn a_chain_shows_where_a_directory_really_is() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("real/a/b")).unwrap();
        symlink("/real/a", dir.path().join("link")).unwrap();
        let host = Host::at(dir.path());
        let inode = |path: &str| Stat::following(&dir.path().join(path)).unwrap().inode();
        let expected = [inode("real/a/b"), inode("real/a"), inode("real"), inode("")];
        assert_eq!(Root::following(&host, "/link/b").unwrap().chain, expected);
        assert_eq!(Root::open(&host, "/real/a/b").unwrap().chain, expected);
        assert!(matches!(Root::open(&host, "/link/b"), Err(Refusal::Invalid(_))));
        assert!(Root::following(&host, "/link").is_err());
        assert_eq!(Root::open(&host, "/").unwrap().chain, [inode("")]);
    }

    #[test]
    fn links_lead_nowhere_outside_of_the_host() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(outside.path().join("d")).unwrap();
        symlink(outside.path(), dir.path().join("absolute")).unwrap();
        symlink("../../../../../../../..", dir.path().join("up")).unwrap();
        let host = Host::at(dir.path());
        assert_eq!(Root::following(&host, "/absolute/d").unwrap_err(), Errno::NOENT);
        assert_eq!(Root::following(&host, "/up/proc").unwrap_err(), Errno::NOENT);
    }
}
