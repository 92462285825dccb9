//! Opening what is below a directory, by handles: never through a symbolic link, out of the directory or onto another
//! mount.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::identity::Stat;
use super::names::is_name;
use ansai_kit::host::Host;

/// Whether a path may lead onto another mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mounts {
    /// It may: on the way from `/` to a root.
    Crossed,
    /// It fails with `EXDEV`.
    Stay,
}

/// Opens a path below a directory; an empty path is the directory itself. Close-on-exec is added to the flags.
pub(crate) fn open(at: BorrowedFd<'_>, path: &[u8], flags: OFlags, mounts: Mounts) -> rustix::io::Result<OwnedFd> {
    // Linux before 5.6 and some sandboxes lack openat2(2).
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

/// The same without openat2(2): one part of the path at a time, each from the handle of the one before.
fn part_by_part(at: BorrowedFd<'_>, path: &[u8], flags: OFlags, mounts: Mounts) -> rustix::io::Result<OwnedFd> {
    let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here = rustix::fs::openat(at, ".", through, Mode::empty())?;
    let begin = Stat::of(&here)?;
    let stays = |fd: &OwnedFd| -> rustix::io::Result<()> {
        let stat = Stat::of(fd)?;
        if stat.has_mount_of(&begin) || mounts == Mounts::Crossed { Ok(()) } else { Err(Errno::XDEV) }
    };
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
    let Some((last, parents)) = parts.split_last() else {
        return rustix::fs::openat(&here, ".", flags | OFlags::CLOEXEC, Mode::empty());
    };
    for part in parents {
        if !is_name(part) {
            return Err(Errno::XDEV);
        }
        here = rustix::fs::openat(&here, *part, through, Mode::empty())?;
        stays(&here)?;
    }
    if !is_name(last) {
        return Err(Errno::XDEV);
    }
    let end = rustix::fs::openat(&here, *last, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    // O_PATH with O_NOFOLLOW opens a link itself.
    if Stat::of(&end)?.kind == rustix::fs::FileType::Symlink {
        return Err(Errno::LOOP);
    }
    stays(&end)?;
    Ok(end)
}

/// Opens a directory for reading; without changing its atime, if ansai may do that.
pub(crate) fn directory(at: BorrowedFd<'_>, path: &[u8], mounts: Mounts) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match open(at, path, flags | OFlags::NOATIME, mounts) {
        Err(Errno::PERM) => open(at, path, flags, mounts),
        done => done,
    }
}

/// Opens an absolute path of the host that the operator or the distribution wrote: symbolic links on the way are
/// followed, within the root of the host.
pub(crate) fn open_following(host: &Host, path: impl rustix::path::Arg, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    if host.is_this_machine() {
        return rustix::fs::open(path, flags, Mode::empty());
    }
    let root = rustix::fs::open(host.root(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::fs::openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use rustix::fd::AsFd as _;
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
}
