//! Opening what lies below a granted root, through handles: never a symbolic link, never out of the root, never
//! onto another mount.

use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::Refusal;
use ansai_core::text::{inert, path_bytes, path_text};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::identity::{Inode, LONGEST_PATH, Stat, is_name};
use ansai_kit::host::Host;

/// Whether a path may lead onto another mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mounts {
    /// Only on the way from `/` to a root.
    Crossed,
    Stay,
}

/// Opens a path below a directory; empty for the directory itself. Close-on-exec is added.
pub(super) fn open(at: BorrowedFd<'_>, path: &[u8], flags: OFlags, mounts: Mounts) -> rustix::io::Result<OwnedFd> {
    // Kernels before 5.6, and some sandboxes, do not have the call.
    static MISSING: AtomicBool = AtomicBool::new(false);
    if !MISSING.load(Ordering::Relaxed) {
        match in_one_call(at, path, flags, mounts) {
            Err(Errno::NOSYS) => MISSING.store(true, Ordering::Relaxed),
            done => return done,
        }
    }
    part_by_part(at, path, flags, mounts)
}

fn in_one_call(at: BorrowedFd<'_>, path: &[u8], flags: OFlags, mounts: Mounts) -> rustix::io::Result<OwnedFd> {
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    if mounts == Mounts::Stay {
        resolve |= ResolveFlags::NO_XDEV;
    }
    let path = if path.is_empty() { b"." } else { path };
    rustix::fs::openat2(at, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}

/// The same without `openat2`. Between two parts, only what is open already is trusted.
fn part_by_part(at: BorrowedFd<'_>, path: &[u8], flags: OFlags, mounts: Mounts) -> rustix::io::Result<OwnedFd> {
    let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here = rustix::fs::openat(at, ".", through, Mode::empty())?;
    let begin = Stat::of(&here)?;
    let stays = |fd: &OwnedFd| -> rustix::io::Result<()> {
        let stat = Stat::of(fd)?;
        let same = (stat.dev, stat.mount) == (begin.dev, begin.mount);
        if same || mounts == Mounts::Crossed { Ok(()) } else { Err(Errno::XDEV) }
    };
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
    let Some((last, parents)) = parts.split_last() else {
        return rustix::fs::openat(&here, ".", flags | OFlags::CLOEXEC, Mode::empty());
    };
    for part in parents {
        here = rustix::fs::openat(&here, *part, through, Mode::empty())?;
        stays(&here)?;
    }
    if !is_name(last) {
        return Err(Errno::XDEV);
    }
    let end = rustix::fs::openat(&here, *last, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    // With O_PATH a link would be opened itself.
    if Stat::of(&end)?.kind == rustix::fs::FileType::Symlink {
        return Err(Errno::LOOP);
    }
    stays(&end)?;
    Ok(end)
}

/// Opens a directory for reading, if possible without marking it as read.
pub(super) fn directory(at: BorrowedFd<'_>, path: &[u8], mounts: Mounts) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match open(at, path, flags | OFlags::NOATIME, mounts) {
        Err(Errno::PERM) => open(at, path, flags, mounts),
        done => done,
    }
}

/// A directory of the host that is a root of a search.
#[derive(Debug)]
pub(super) struct Root {
    fd: OwnedFd,
    /// As granted and asked for.
    pub(super) text: String,
    /// Absolute, true bytes, without a slash at the end (so `/` is empty).
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
    /// The root itself and all directories above it.
    pub(super) chain: Vec<Inode>,
}

impl Root {
    /// Opens a directory of the host by its absolute path as text.
    pub(super) fn open(host: &Host, text: &str) -> Result<Root, Refusal> {
        let path = absolute(text)
            .ok_or_else(|| Refusal::Invalid(format!("`{}` is no absolute path in its plain form", inert(text, 200))))?;
        let wrong = |error: Errno| match error {
            Errno::LOOP => {
                Refusal::Invalid(format!("{text} leads through a symbolic link: name the directory behind it"))
            }
            Errno::NOTDIR => Refusal::Invalid(format!("{text} is not a directory")),
            error => Refusal::io(text, &error.into()),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::open(host.root(), flags, Mode::empty()).map_err(wrong)?;
        let mut chain = vec![Stat::of(&top).map_err(wrong)?.inode()];
        let below = path.get(1..).unwrap_or_default();
        for (at, _) in below.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let part = open(top.as_fd(), below.get(..at).unwrap_or_default(), flags, Mounts::Crossed).map_err(wrong)?;
            chain.push(Stat::of(&part).map_err(wrong)?.inode());
        }
        let fd = directory(top.as_fd(), below, Mounts::Crossed).map_err(wrong)?;
        let stat = Stat::of(&fd).map_err(wrong)?;
        chain.push(stat.inode());
        Ok(Root { fd, text: text.to_owned(), path, stat, chain })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// A directory below the root, on the same mount; empty for the root itself.
    pub(super) fn directory(&self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let (mut here, mut rest) = (None::<OwnedFd>, path);
        // Part by part where it is longer than the kernel takes at once.
        while let Some(end) = rest.get(..LONGEST_PATH).and_then(|part| part.iter().rposition(|byte| *byte == b'/')) {
            let (part, beyond) = rest.split_at_checked(end).ok_or(Errno::NAMETOOLONG)?;
            here = Some(open(here.as_ref().map_or(self.fd(), |fd| fd.as_fd()), part, through, Mounts::Stay)?);
            rest = beyond.get(1..).unwrap_or_default();
        }
        directory(here.as_ref().map_or(self.fd(), |fd| fd.as_fd()), rest, Mounts::Stay)
    }

    /// Whether this is on the very mount and file system of the root.
    pub(super) fn holds(&self, stat: &Stat) -> bool {
        stat.dev == self.stat.dev && stat.mount == self.stat.mount
    }

    /// The absolute path of what is below, true bytes.
    pub(super) fn absolute(&self, below: &[u8]) -> Vec<u8> {
        let mut path = self.path.clone();
        if !below.is_empty() {
            path.push(b'/');
            path.extend_from_slice(below);
        }
        path
    }

    /// The same as text.
    pub(super) fn shown(&self, below: &[u8]) -> String {
        match path_text(&self.absolute(below)) {
            path if path.is_empty() => "/".into(),
            path => path,
        }
    }
}

/// The true bytes of an absolute path, `/` as nothing. Only in the one form that [`path_text`] writes: another
/// spelling (`\x2e\x2e` for `..`) would pass a check of the text and lead elsewhere.
pub(super) fn absolute(text: &str) -> Option<Vec<u8>> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn both_ways_of_opening_agree() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/file"), "x").unwrap();
        symlink(outside.path(), dir.path().join("a/out")).unwrap();
        symlink("b", dir.path().join("a/in")).unwrap();
        symlink("b/file", dir.path().join("a/link")).unwrap();
        let top = rustix::fs::open(dir.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        for (path, flags, works) in [
            (&b""[..], OFlags::RDONLY, true),
            (b"a", OFlags::RDONLY, true),
            (b"a/b/file", OFlags::PATH, true),
            (b"a/out", OFlags::PATH, false),
            (b"a/out", OFlags::RDONLY, false),
            (b"a/in/file", OFlags::RDONLY, false),
            (b"a/link", OFlags::RDONLY, false),
            (b"a/link", OFlags::PATH, false),
            (b"a/none", OFlags::PATH, false),
            (b"..", OFlags::PATH, false),
        ] {
            for mounts in [Mounts::Stay, Mounts::Crossed] {
                let shown = String::from_utf8_lossy(path);
                assert_eq!(in_one_call(top.as_fd(), path, flags, mounts).is_ok(), works, "{shown}");
                assert_eq!(part_by_part(top.as_fd(), path, flags, mounts).is_ok(), works, "{shown} by parts");
            }
        }
    }

    #[test]
    fn both_ways_stop_at_a_mount() {
        let top = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        for way in [in_one_call, part_by_part] {
            assert!(way(top.as_fd(), b"proc", OFlags::RDONLY, Mounts::Crossed).is_ok());
            assert_eq!(way(top.as_fd(), b"proc", OFlags::RDONLY, Mounts::Stay).unwrap_err(), Errno::XDEV);
            assert_eq!(way(top.as_fd(), b"proc/1", OFlags::PATH, Mounts::Stay).unwrap_err(), Errno::XDEV);
        }
    }

    #[test]
    fn only_the_plain_form_of_a_path() {
        for text in ["/\\x2e\\x2e/etc", "/a/../b", "a", "", "/a/", "//", "/a\\x2fb", "/a\\x00", "/\\x41"] {
            assert_eq!(absolute(text), None, "{text}");
        }
        assert_eq!(absolute("/").unwrap(), b"");
        assert_eq!(absolute("/a\\xff/\\\\").unwrap(), b"/a\xff/\\");
    }
}
