//! Which files somebody has open, mapped or locked, from the host's `/proc`.
//!
//! It is a look at one moment, and it does not see all there is: descriptors on their way through a socket, for
//! instance. Applying a step therefore takes a lease on each file as well, where the file system has leases.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's /proc")]

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ansai_core::Refusal;

use super::identity::{Inode, Stat};
use ansai_kit::host::{Deadline, Host};

/// Of one file of `/proc`.
const MOST_BYTES: u64 = 64 << 20;

/// What is in use on one device.
#[derive(Debug, Default)]
pub(super) struct InUse {
    open: HashSet<Inode>,
    /// Inodes on devices whose number in these tables need not be that of `stat` (btrfs, overlay).
    open_loosely: HashSet<u64>,
    locked: HashSet<Inode>,
    locked_loosely: HashSet<u64>,
    /// Processes that could not be looked into, or were hidden.
    pub(super) unseen: u32,
}

impl InUse {
    /// Looks at all processes for files on this device. Half a look is none.
    pub(super) fn look(host: &Host, device: u64, is_over: &dyn Fn() -> bool) -> Result<InUse, Refusal> {
        let mut found = InUse::default();
        let mut first = false;
        for process in processes(host)? {
            if is_over() {
                return Err(Refusal::TimedOut("the open files of all processes were not seen in time".into()));
            }
            first |= process.ends_with("1");
            if found.take_open(&process, device).and_then(|()| found.take_mapped(&process, device)).is_err() {
                found.unseen += 1;
            }
        }
        // A /proc that hides the processes of others hides the first one too.
        if !first {
            found.unseen += 1;
        }
        found.take_locks(host, device);
        found.take_kernels(host, device);
        Ok(found)
    }

    /// The same, until a deadline.
    pub(super) fn until(host: &Host, device: u64, deadline: &Deadline) -> Result<InUse, Refusal> {
        InUse::look(host, device, &|| deadline.is_over())
    }

    pub(super) fn is_open(&self, inode: Inode) -> bool {
        self.open.contains(&inode) || self.open_loosely.contains(&inode.1)
    }

    pub(super) fn is_locked(&self, inode: Inode) -> bool {
        self.locked.contains(&inode) || self.locked_loosely.contains(&inode.1)
    }

    fn take_open(&mut self, process: &Path, device: u64) -> Result<(), Unseen> {
        let files = handles(process)?.into_iter().filter(|(_, stat)| stat.dev == device && stat.is_file());
        self.open.extend(files.map(|(_, stat)| stat.inode()));
        Ok(())
    }

    /// `7f2c000-7f2d000 r--p 00000000 fe:00 1234   /usr/lib/x.so`; a file stays mapped after it was closed.
    fn take_mapped(&mut self, process: &Path, device: u64) -> Result<(), Unseen> {
        let text = read(&process.join("maps"))?.unwrap_or_default();
        let mut seen = HashSet::new();
        for line in text.split(|byte| *byte == b'\n') {
            let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
            let (Some(range), Some(raw)) = (fields.next(), fields.nth(2)) else { continue };
            let Some(inode) = fields.next().and_then(number) else { continue };
            let unnumbered = rustix::fs::major(device) == 0;
            if inode == 0 || !seen.insert((raw, inode)) {
                continue;
            }
            match numbered(raw) {
                Some((0, _)) => {
                    let range = String::from_utf8_lossy(range).into_owned();
                    match Stat::following(&process.join("map_files").join(range)) {
                        Ok(stat) if stat.dev == device => drop(self.open.insert(stat.inode())),
                        Ok(_) => {}
                        Err(_) if unnumbered => drop(self.open_loosely.insert(inode)),
                        Err(_) => {}
                    }
                }
                Some((major, minor)) => drop(self.open.insert((rustix::fs::makedev(major, minor), inode))),
                None => return Err(Unseen),
            }
        }
        Ok(())
    }

    /// `1: FLOCK  ADVISORY  WRITE 708 fe:00:1234 0 EOF`
    fn take_locks(&mut self, host: &Host, device: u64) {
        let Ok(Some(text)) = read(&host.path("/proc/locks")) else {
            self.unseen += 1;
            return;
        };
        for line in text.split(|byte| *byte == b'\n') {
            for field in line.split(|byte| *byte == b' ') {
                let Some(colon) = field.iter().rposition(|byte| *byte == b':') else { continue };
                let Some((raw, inode)) = field.split_at_checked(colon) else { continue };
                let (Some(device_id), Some(inode)) = (numbered(raw), inode.get(1..).and_then(number)) else { continue };
                match device_id {
                    (0, _) if rustix::fs::major(device) == 0 => drop(self.locked_loosely.insert(inode)),
                    (0, _) => {}
                    (major, minor) => drop(self.locked.insert((rustix::fs::makedev(major, minor), inode))),
                }
            }
        }
    }

    /// Files that the kernel itself holds: swap, and what is behind loop devices.
    fn take_kernels(&mut self, host: &Host, device: u64) {
        let mut paths: Vec<PathBuf> = Vec::new();
        let swaps = read(&host.path("/proc/swaps")).ok().flatten().unwrap_or_default();
        let lines = swaps.split(|byte| *byte == b'\n').skip(1);
        paths.extend(lines.filter_map(|line| line.split(|byte| *byte == b' ').next()).map(path_of));
        for block in std::fs::read_dir(host.path("/sys/block")).into_iter().flatten().flatten() {
            if let Ok(Some(backing)) = read(&block.path().join("loop/backing_file")) {
                paths.push(path_of(backing.trim_ascii_end()));
            }
        }
        for path in paths.iter().filter(|path| path.is_absolute()) {
            if let Ok(stat) = Stat::following(&host.path(path))
                && stat.dev == device
            {
                self.open.insert(stat.inode());
            }
        }
    }
}

/// A process that could not be looked into.
#[derive(Debug)]
pub(super) struct Unseen;

/// A process that has ended is nothing; one that may not be looked at is [`Unseen`].
fn unless_gone<T>(looked: std::io::Result<T>) -> Result<Option<T>, Unseen> {
    use rustix::io::Errno;
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::SRCH)) => Ok(None),
        Err(_) => Err(Unseen),
    }
}

/// The directories of all processes.
pub(super) fn processes(host: &Host) -> Result<Vec<PathBuf>, Refusal> {
    let list = std::fs::read_dir(host.path("/proc")).map_err(|error| Refusal::io("/proc", &error))?;
    let process = |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    Ok(list.flatten().filter(|entry| process(&entry.file_name())).map(|entry| entry.path()).collect())
}

/// The open handles of a process that are still there: where the link is, and what it leads to. The list can be
/// readable where what it lists is not.
pub(super) fn handles(process: &Path) -> Result<Vec<(PathBuf, Stat)>, Unseen> {
    let mut open = Vec::new();
    for entry in unless_gone(std::fs::read_dir(process.join("fd")))?.into_iter().flatten() {
        let Some(entry) = unless_gone(entry)? else { continue };
        let path = entry.path();
        if let Some(stat) = unless_gone(Stat::following(&path).map_err(Into::into))? {
            open.push((path, stat));
        }
    }
    Ok(open)
}

/// The text of a link of `/proc`.
pub(super) fn link_text(path: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt as _;
    std::fs::read_link(path).ok().map(|text| text.into_os_string().into_vec())
}

/// A file of `/proc`; `None` where it is gone.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Unseen> {
    let mut text = Vec::new();
    let done = std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text));
    Ok(unless_gone(done)?.map(|_| text))
}

/// `fe:00`, hexadecimal.
fn numbered(device: &[u8]) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(device).ok()?;
    let (major, minor) = text.split_once(':')?;
    Some((u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?))
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn path_of(text: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn inode(file: &std::fs::File) -> Inode {
        Stat::of(file).unwrap().inode()
    }

    #[test]
    fn open_and_locked_files_of_this_process_are_seen() {
        let (open, locked) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        rustix::fs::flock(&locked, rustix::fs::FlockOperation::LockExclusive).unwrap();
        let found = InUse::look(&Host::at("/"), inode(&open).0, &|| false).unwrap();
        assert!(found.is_open(inode(&open)) && found.is_open(inode(&locked)));
        assert!(found.is_locked(inode(&locked)) && !found.is_locked(inode(&open)));
        let closed = inode(&open);
        drop(open);
        assert!(!InUse::look(&Host::at("/"), closed.0, &|| false).unwrap().is_open(closed));
    }

    #[test]
    fn mapped_files_are_in_use() {
        let program = Stat::following(Path::new("/proc/self/exe")).unwrap();
        assert!(InUse::look(&Host::at("/"), program.dev, &|| false).unwrap().is_open(program.inode()));
    }

    #[test]
    fn half_a_look_is_none() {
        assert!(matches!(InUse::look(&Host::at("/"), 0, &|| true), Err(Refusal::TimedOut(_))));
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(InUse::look(&Host::at(empty.path()), 0, &|| false), Err(Refusal::NotFound(_))));
    }
}
