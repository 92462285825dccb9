//! What may keep a call on a path waiting: decided by the mount table, which the kernel has in memory, before anything
//! is asked of the path.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use ansai_core::Refusal;
use ansai_core::text::path_text;
use ansai_kit::host::Host;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

use super::filesystems::Filesystems;
use super::mounts::{self, Mount};
use crate::detached;
use crate::safety::processes::read;

/// The most symbolic links of one path.
const MOST_LINKS: usize = 40;
/// The major number of loop devices.
const LOOP: &str = "7:";

impl Filesystems {
    /// The mounts on the way to a path that may keep a call waiting, outermost first. The path has no symbolic links.
    pub(crate) fn ways(&self, host: &Host, path: &Path) -> Vec<&Mount> {
        let mut found = Vec::new();
        self.add_ways(host, path, &mut found, &mut Vec::new());
        found
    }

    /// `seen` are the mounts whose parts were looked at: a table can show a circle.
    fn add_ways<'a>(&'a self, host: &Host, path: &Path, found: &mut Vec<&'a Mount>, seen: &mut Vec<u64>) {
        let mut passed: Vec<&Mount> = path.ancestors().filter_map(|above| self.visible().get(above)).collect();
        passed.reverse();
        let innermost = passed.last().map(|mount| mount.id);
        for mount in passed {
            if !seen.contains(&mount.id) {
                seen.push(mount.id);
                behind(host, mount).iter().for_each(|path| self.add_ways(host, path, found, seen));
            }
            // What is mounted below an automount is there already.
            let is_passed = mount.kind == "autofs" && innermost != Some(mount.id);
            let may_wait = may_wait(&mount.kind) || (mount.kind == "overlay" && !shows_layers(mount));
            if may_wait && !is_passed && !found.iter().any(|one| one.id == mount.id) {
                found.push(mount);
            }
        }
    }

    /// Asks the mounts on the way to a path whether they answer, on threads of their own.
    ///
    /// # Errors
    /// `timed-out`, or `unavailable` if an earlier call still waits, with the mount that does not answer.
    /// `unavailable` for an automount with nothing mounted: looking would mount it.
    pub(crate) fn answers(&self, host: &Host, path: &Path) -> Result<(), Refusal> {
        self.ways(host, path).into_iter().try_for_each(|mount| answers(host, mount))
    }

    /// The level of a file system at its mount point.
    ///
    /// # Errors
    /// Those of [`Filesystems::answers`]; `unavailable` if it cannot be read.
    pub(crate) fn level(&self, host: &Host, mount: &Mount) -> Result<mounts::Level, Refusal> {
        let ways = self.ways(host, &mount.point);
        let Some((last, above)) = ways.split_last() else { return mounts::level_at(host, mount) };
        above.iter().try_for_each(|mount| answers(host, mount))?;
        let (own, host, name) = (mount.clone(), host.clone(), name(last));
        detached::call(name, move || mounts::level_at(&host, &own)).map_err(|hung| hung.refusal(shown(last)))?
    }
}

/// Opens what a path leads to, once the mounts on the way have answered: on a thread of its own where one of them could
/// die meanwhile, so that this call alone waits in vain. The path has no symbolic links.
///
/// # Errors
/// Those of [`Filesystems::answers`].
pub(crate) fn opened<T: Send + 'static>(
    host: &Host,
    path: &Path,
    open: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let Some(found) = Filesystems::current(host) else { return Ok(open()) };
    found.answers(host, path)?;
    let last = found.ways(host, path).into_iter().rfind(|mount| mount.kind != "autofs");
    match last {
        Some(last) => detached::call(name(last), open).map_err(|hung| hung.refusal(shown(last))),
        None => Ok(open()),
    }
}

/// The same for a path with symbolic links, each of which is read once what it is on has answered.
///
/// # Errors
/// Those of [`Filesystems::answers`]. A path that does not exist is none.
pub(crate) fn answering_through_links(host: &Host, path: &Path) -> Result<(), Refusal> {
    let Some(found) = Filesystems::current(host) else { return Ok(()) };
    if !found.visible().values().any(|mount| may_wait(&mount.kind) || !behind(host, mount).is_empty()) {
        return Ok(());
    }
    let (mut rest, mut here, mut links) = (parts(path), PathBuf::from("/"), 0);
    loop {
        if found.visible().contains_key(&here) {
            // Whether something is mounted on an automount depends on the rest of the path.
            let ways = found.ways(host, &here).into_iter().filter(|mount| mount.kind != "autofs");
            for mount in ways {
                answers(host, mount)?;
            }
        }
        let Some(part) = rest.pop() else { break };
        if part == b".." {
            here.pop();
            continue;
        }
        here.push(OsStr::from_bytes(&part));
        match rustix::fs::readlinkat(CWD, host.path(&here), Vec::new()) {
            Ok(target) if links < MOST_LINKS => {
                links += 1;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                here = if target.is_absolute() { PathBuf::from("/") } else { here.parent().unwrap_or(&here).into() };
                rest.extend(parts(&target));
            }
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            _ => {}
        }
    }
    found.answers(host, &here)
}

/// The parts of a path, last one first.
fn parts(path: &Path) -> Vec<Vec<u8>> {
    let part = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.as_encoded_bytes().to_vec()),
        Component::ParentDir => Some(b"..".to_vec()),
        _ => None,
    };
    path.components().rev().filter_map(part).collect()
}

/// Whether all layers of an overlay have absolute paths. If not, the overlay itself is asked.
fn shows_layers(mount: &Mount) -> bool {
    !mount.layers.is_empty() && mount.layers.iter().all(|layer| layer.is_absolute())
}

/// What a mount is made of: the layers of an overlay, the file behind a loop device.
fn behind(host: &Host, mount: &Mount) -> Vec<PathBuf> {
    if mount.kind == "overlay" {
        return mount.layers.iter().filter(|layer| layer.is_absolute()).cloned().collect();
    }
    if !mount.device_id.starts_with(LOOP) {
        return Vec::new();
    }
    let file = host.path(format!("/sys/dev/block/{}/loop/backing_file", mount.device_id));
    let path = read(&file).ok().flatten().unwrap_or_default();
    let path = OsStr::from_bytes(path.trim_ascii_end());
    Some(PathBuf::from(path)).filter(|path| path.is_absolute()).into_iter().collect()
}

fn answers(host: &Host, mount: &Mount) -> Result<(), Refusal> {
    if mount.kind == "autofs" {
        let point = mount.shown();
        return Err(Refusal::Unavailable(format!("{point} is an automount point, and nothing is mounted there")));
    }
    let (point, reads) = (host.path(&mount.point), mount.kind == "overlay");
    detached::call(name(mount), move || ask(&point, reads)).map_err(|hung| hung.refusal(shown(mount)))
}

/// Has the file system answer. An error is an answer.
fn ask(point: &Path, reads: bool) {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(root) = rustix::fs::open(point, flags, Mode::empty()) else { return };
    let sync = AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC;
    let _ = rustix::fs::statx(&root, "", sync, StatxFlags::BASIC_STATS);
    if reads {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let listed = rustix::fs::openat(&root, ".", flags, Mode::empty()).and_then(rustix::fs::Dir::new);
        let _ = listed.map(|mut list| list.next().is_some());
    }
}

/// The name of the calls that a mount may keep waiting: all mounts of one file system wait for the same.
pub(crate) fn name(mount: &Mount) -> String {
    format!("mount {} {}", mount.device_id, mount.kind)
}

/// For a person.
pub(crate) fn shown(mount: &Mount) -> String {
    format!("{} at {}", path_text(mount.kind.as_bytes()), mount.shown())
}

/// Whether calls on this type of file system may wait for more than a disk of this machine: for a server, for a
/// process. An unknown type may.
pub(super) fn may_wait(kind: &str) -> bool {
    const DISKS: &[&str] = &[
        "btrfs", "zfs", "bcachefs", "f2fs", "nilfs2", "jfs", "reiserfs", "ntfs3", "ntfs", "exfat", "msdos", "hfs",
        "hfsplus", "udf", "iso9660", "squashfs", "erofs", "cramfs", "romfs", "ubifs", "jffs2", "minix", "overlay",
    ];
    !super::probe::never_waits(kind) && !DISKS.contains(&kind)
}
