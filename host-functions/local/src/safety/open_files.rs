//! Which files processes have open, mapped or locked, from the host's `/proc`: the only scan of its kind.
//!
//! It shows one moment, and not everything: a descriptor on its way through a socket, for instance, is missing. So the
//! [guard](super::guard) also takes a lease on each file, if the file system has leases.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ansai_core::Refusal;

use super::devices::Devices;
use super::identity::{Inode, Stat};
use super::processes::{Access, Unseen, behind_loop_devices, handles_up_to, processes, read, read_up_to};
use crate::detached::sweep;
use crate::disk::filesystems::Filesystems;
use ansai_kit::host::Host;

/// Whether a file is in use. Three answers: what could not be read may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InUse {
    No,
    Yes(Use),
    Unknown,
}

/// How a file is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Only by readers.
    Read,
    /// By readers, and perhaps by a writer among the processes that could not be read.
    MaybeWritten,
    /// By a process that can write to it, or by the kernel.
    Written,
    Locked,
}

/// How many descriptors and mappings are read of the processes of one unprivileged user. What is beyond is unseen: a user
/// could otherwise make every scan last too long. Leases still tell whether it is open.
const MOST_OF_A_USER: usize = 1 << 16;
/// What a process costs besides these.
const PROCESS: usize = 16;
/// The usual length of a line about a mapping, in bytes.
const LINE: usize = 100;

/// What is in use below one root.
#[derive(Debug, Default)]
pub(crate) struct OpenFiles {
    open: HashMap<Inode, Access>,
    /// By inode number alone, where the device number in these tables may differ from that of `stat` (btrfs, overlay).
    open_loosely: HashMap<u64, Access>,
    locked: HashSet<Inode>,
    locked_loosely: HashSet<u64>,
    /// Who has the locks, by inode number; `None` for a process that is gone or that cannot be seen.
    lockers: HashMap<u64, Vec<Option<u32>>>,
    /// Whether a process or a table could not be read, or is hidden.
    unseen: bool,
}

impl OpenFiles {
    /// Scans all processes for files with these device numbers.
    ///
    /// # Errors
    /// `timed-out` if `is_over` ends the scan: half a scan proves nothing. An I/O error if there is no `/proc`.
    pub(crate) fn look(host: &Host, devices: Devices, is_over: &dyn Fn() -> bool) -> Result<OpenFiles, Refusal> {
        let mut found = OpenFiles::default();
        let processes = processes(host)?;
        let sees_first = processes.iter().any(|process| process.ends_with("1"));
        let users = Mutex::new(HashMap::<u32, usize>::new());
        // Also if the reader of a user's process does not return, the rest of that user is read.
        let left_of = move |owner: u32, left: Option<usize>| {
            let mut users = users.lock().unwrap_or_else(PoisonError::into_inner);
            let known = users.entry(owner).or_insert(MOST_OF_A_USER);
            *known = left.unwrap_or(*known);
            *known
        };
        // Reading what a process has mapped waits for that process, which may wait for a server that does not answer.
        let step = move |process: &PathBuf| {
            let mut one = OpenFiles::default();
            let owner = Stat::following(process).map_or(0, |stat| stat.uid);
            let mut left = if owner == 0 { usize::MAX } else { left_of(owner, None) };
            one.take(process, devices, &mut left);
            if owner != 0 {
                left_of(owner, Some(left));
            }
            one
        };
        let name = |process: &PathBuf| process.display().to_string();
        let in_time = sweep(processes, name, step, is_over, |_, one| match one {
            Some(one) => found.add(one),
            None => found.count(Err(Unseen)),
        });
        if !in_time {
            return Err(Refusal::TimedOut("the open files of all processes were not read in time".into()));
        }
        // A /proc that hides other users' processes hides process 1 too.
        if !sees_first {
            found.count(Err(Unseen));
        }
        let locks = found.take_locks(host, devices);
        found.count(locks);
        let kernels = found.take_kernels(host, devices);
        found.count(kernels);
        Ok(found)
    }

    /// Whether this file is in use.
    pub(crate) fn ask(&self, file: Inode) -> InUse {
        match self.access(file) {
            _ if self.is_locked(file) => InUse::Yes(Use::Locked),
            Some(Access::Write) => InUse::Yes(Use::Written),
            Some(Access::Read) if self.unseen => InUse::Yes(Use::MaybeWritten),
            Some(Access::Read) => InUse::Yes(Use::Read),
            None if self.unseen => InUse::Unknown,
            None => InUse::No,
        }
    }

    /// How many files and locks it has.
    pub(crate) fn entries(&self) -> usize {
        self.open.len() + self.open_loosely.len() + self.locked.len() + self.locked_loosely.len() + self.lockers.len()
    }

    /// Whether a process was seen that has this file open or mapped.
    pub(crate) fn is_open(&self, file: Inode) -> bool {
        self.access(file).is_some()
    }

    /// Whether a lock on this file or directory was seen.
    pub(crate) fn is_locked(&self, file: Inode) -> bool {
        self.locked.contains(&file) || self.locked_loosely.contains(&file.1)
    }

    /// The users of the processes that were seen to have a lock on this file or directory.
    pub(crate) fn lockers(&self, file: Inode) -> &[Option<u32>] {
        self.lockers.get(&file.1).map(Vec::as_slice).unwrap_or_default()
    }

    fn access(&self, file: Inode) -> Option<Access> {
        self.open.get(&file).copied().max(self.open_loosely.get(&file.1).copied())
    }

    fn add(&mut self, one: OpenFiles) {
        one.open.into_iter().for_each(|(file, access)| self.open(file, access));
        one.open_loosely.into_iter().for_each(|(number, access)| self.open_loosely(number, access));
        self.unseen |= one.unseen;
    }

    fn count(&mut self, looked: Result<(), Unseen>) {
        self.unseen |= looked.is_err();
    }

    fn open(&mut self, file: Inode, access: Access) {
        let known = self.open.entry(file).or_insert(access);
        *known = access.max(*known);
    }

    fn open_loosely(&mut self, number: u64, access: Access) {
        let known = self.open_loosely.entry(number).or_insert(access);
        *known = access.max(*known);
    }

    /// Takes what a process has, as long as its user has something `left`.
    fn take(&mut self, process: &Path, devices: Devices, left: &mut usize) {
        let taken = match left.checked_sub(PROCESS) {
            Some(rest) => {
                *left = rest;
                let open = self.take_open(process, devices, left);
                let mapped = self.take_mapped(process, devices, left);
                open.and(mapped)
            }
            None => Err(Unseen),
        };
        self.count(taken);
    }

    fn take_open(&mut self, process: &Path, devices: Devices, left: &mut usize) -> Result<(), Unseen> {
        let handles = handles_up_to(process, *left).inspect_err(|_| *left = 0)?;
        *left -= handles.len();
        for handle in handles.iter().filter(|handle| devices.have(handle.stat.dev) && handle.stat.is_file()) {
            self.open(handle.stat.inode(), handle.access());
        }
        Ok(())
    }

    /// `7f2c000-7f2d000 r--s 00000000 fe:00 1234   /usr/lib/x.so`; a file stays mapped after it was closed.
    fn take_mapped(&mut self, process: &Path, devices: Devices, left: &mut usize) -> Result<(), Unseen> {
        let most = u64::try_from(left.saturating_mul(LINE)).unwrap_or(u64::MAX);
        let text = read_up_to(&process.join("maps"), most)?.unwrap_or_default();
        *left = left.saturating_sub(text.len() / LINE);
        let mut seen = HashSet::new();
        for line in text.split(|byte| *byte == b'\n') {
            let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
            let (Some(range), Some(permissions)) = (fields.next(), fields.next()) else { continue };
            let (Some(raw), Some(inode)) = (fields.nth(1), fields.next().and_then(number)) else { continue };
            // Only a shared mapping writes to its file.
            let access = match permissions {
                [_, b'w', _, b's', ..] => Access::Write,
                _ => Access::Read,
            };
            if inode == 0 || !seen.insert((raw, inode, access)) {
                continue;
            }
            match numbered(raw) {
                // In an overlay, the number may be that of the layer.
                Some((major, minor)) if major == 0 || devices.overlay => {
                    let range = String::from_utf8_lossy(range).into_owned();
                    match Stat::cached(&process.join("map_files").join(range)) {
                        Ok(stat) if devices.have(stat.dev) => self.open(stat.inode(), access),
                        // The file of a layer.
                        Ok(_) if devices.overlay => self.open_loosely(inode, access),
                        Ok(_) => {}
                        Err(_) if devices.may_differ() => self.open_loosely(inode, access),
                        Err(_) => self.open((rustix::fs::makedev(major, minor), inode), access),
                    }
                }
                Some((major, minor)) => self.open((rustix::fs::makedev(major, minor), inode), access),
                None => return Err(Unseen),
            }
        }
        Ok(())
    }

    /// `1: FLOCK  ADVISORY  WRITE 708 fe:00:1234 0 EOF`
    fn take_locks(&mut self, host: &Host, devices: Devices) -> Result<(), Unseen> {
        let text = read(&host.path("/proc/locks"))?.ok_or(Unseen)?;
        let mut before: &[u8] = b"";
        for field in text.split(|byte| matches!(byte, b'\n' | b' ')).filter(|field| !field.is_empty()) {
            let process = std::mem::replace(&mut before, field);
            let Some(colon) = field.iter().rposition(|byte| *byte == b':') else { continue };
            let Some((raw, inode)) = field.split_at_checked(colon) else { continue };
            let (Some(device_id), Some(inode)) = (numbered(raw), inode.get(1..).and_then(number)) else { continue };
            let process = std::str::from_utf8(process).ok().filter(|id| id.parse::<u32>().is_ok_and(|id| id > 0));
            let user = process.and_then(|id| Stat::following(&host.path(format!("/proc/{id}"))).ok());
            self.lockers.entry(inode).or_default().push(user.map(|stat| stat.uid));
            match device_id {
                _ if devices.overlay => drop(self.locked_loosely.insert(inode)),
                (0, _) if devices.may_differ() => drop(self.locked_loosely.insert(inode)),
                (major, minor) => drop(self.locked.insert((rustix::fs::makedev(major, minor), inode))),
            }
        }
        Ok(())
    }

    /// Files that the kernel itself writes to: swap files, and what is behind loop devices.
    fn take_kernels(&mut self, host: &Host, devices: Devices) -> Result<(), Unseen> {
        let swaps = read(&host.path("/proc/swaps"))?.unwrap_or_default();
        let lines = swaps.split(|byte| *byte == b'\n').skip(1);
        let mut paths: Vec<PathBuf> =
            lines.filter_map(|line| line.split(|byte| *byte == b' ').next()).map(path_of).collect();
        paths.extend(behind_loop_devices(host)?.iter().map(|path| path_of(path)));
        let table = Filesystems::current(host);
        for path in paths.iter().filter(|path| path.is_absolute()) {
            // What is on a mount that does not answer is not below this root, which has answered.
            if table.as_ref().is_some_and(|table| table.answers(host, path).is_err()) {
                continue;
            }
            // A path of another mount namespace may not exist here: the lease knows of such a file.
            if let Ok(stat) = Stat::following(&host.path(path))
                && devices.have(stat.dev)
            {
                self.open(stat.inode(), Access::Write);
            }
        }
        Ok(())
    }
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
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use super::*;

    fn inode(file: &std::fs::File) -> Inode {
        Stat::of(file).unwrap().inode()
    }

    #[test]
    fn open_and_locked_files_of_this_process_are_seen() {
        let (open, locked) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        rustix::fs::flock(&locked, rustix::fs::FlockOperation::LockExclusive).unwrap();
        let found = OpenFiles::look(&Host::at("/"), Devices::one(inode(&open).0), &|| false).unwrap();
        assert!(found.is_open(inode(&open)) && found.is_open(inode(&locked)));
        assert_eq!(found.ask(inode(&open)), InUse::Yes(Use::Written));
        assert_eq!(found.ask(inode(&locked)), InUse::Yes(Use::Locked));
        let closed = inode(&open);
        drop(open);
        assert!(!OpenFiles::look(&Host::at("/"), Devices::one(closed.0), &|| false).unwrap().is_open(closed));
    }

    #[test]
    fn mapped_files_are_in_use() {
        let program = Stat::following(Path::new("/proc/self/exe")).unwrap();
        assert!(
            OpenFiles::look(&Host::at("/"), Devices::one(program.dev), &|| false).unwrap().is_open(program.inode())
        );
    }

    #[test]
    fn half_a_look_is_none() {
        assert!(matches!(OpenFiles::look(&Host::at("/"), Devices::one(0), &|| true), Err(Refusal::TimedOut(_))));
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(
            OpenFiles::look(&Host::at(empty.path()), Devices::one(0), &|| false),
            Err(Refusal::NotFound(_))
        ));
    }

    /// Readers are told from writers, and the closed file from both.
    #[test]
    fn own_handles_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let stat = |name: &str| Stat::following(&path(name)).unwrap();
        for name in ["read", "both", "appended", "closed"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let _read = std::fs::File::open(path("read")).unwrap();
        let _both = std::fs::File::open(path("both")).unwrap();
        let _also = std::fs::File::options().append(true).open(path("both")).unwrap();
        let _appended = std::fs::File::options().append(true).open(path("appended")).unwrap();
        let mut found = OpenFiles::look(&Host::at("/"), Devices::one(stat("read").dev), &|| false).unwrap();
        found.unseen = false;
        assert_eq!(found.ask(stat("read").inode()), InUse::Yes(Use::Read));
        assert_eq!(found.ask(stat("both").inode()), InUse::Yes(Use::Written));
        assert_eq!(found.ask(stat("appended").inode()), InUse::Yes(Use::Written));
        assert_eq!(found.ask(stat("closed").inode()), InUse::No);
    }

    /// A host whose process 1 holds nothing.
    fn fixture() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/1/fd")).unwrap();
        std::fs::write(root.path().join("proc/1/maps"), "").unwrap();
        std::fs::write(root.path().join("proc/locks"), "").unwrap();
        root
    }

    fn ask(root: &tempfile::TempDir, file: Inode) -> InUse {
        OpenFiles::look(&Host::at(root.path()), Devices::one(file.0), &|| false).unwrap().ask(file)
    }

    #[test]
    fn what_cannot_be_read_may_hold_every_file() {
        type Hide = fn(&Path);
        let hides: [(&str, Hide); 6] = [
            ("no process 1", |root| std::fs::rename(root.join("proc/1"), root.join("proc/2")).unwrap()),
            ("its descriptors", |root| {
                std::fs::create_dir(root.join("proc/7")).unwrap();
                std::fs::write(root.join("proc/7/fd"), "").unwrap();
            }),
            ("its mappings", |root| std::fs::create_dir_all(root.join("proc/7/maps")).unwrap()),
            ("a mapping of a form that nobody knows", |root| {
                std::fs::write(root.join("proc/1/maps"), "1-2 r--p 0 fe-00 12 /x\n").unwrap();
            }),
            ("no locks", |root| std::fs::remove_file(root.join("proc/locks")).unwrap()),
            ("the swap files", |root| std::fs::create_dir(root.join("proc/swaps")).unwrap()),
        ];
        for (what, hide) in hides {
            let root = fixture();
            let file = Stat::following(root.path()).unwrap().inode();
            assert_eq!(ask(&root, file), InUse::No, "{what}");
            hide(root.path());
            assert_eq!(ask(&root, file), InUse::Unknown, "{what}");
        }
    }

    #[test]
    fn an_unreadable_process_may_write_to_what_others_read() {
        let root = fixture();
        let file = root.path().join("f");
        std::fs::write(&file, "x").unwrap();
        let stat = Stat::following(&file).unwrap();
        let line = |permissions: &str| {
            let (major, minor) = (rustix::fs::major(stat.dev), rustix::fs::minor(stat.dev));
            let text = format!("1-2 {permissions} 0 {major:02x}:{minor:02x} {} /f\n", stat.ino);
            std::fs::write(root.path().join("proc/1/maps"), text).unwrap();
        };
        if rustix::fs::major(stat.dev) == 0 {
            return;
        }
        for (permissions, seen, in_doubt) in [
            ("rw-s", InUse::Yes(Use::Written), InUse::Yes(Use::Written)),
            ("-w-s", InUse::Yes(Use::Written), InUse::Yes(Use::Written)),
            ("rw-p", InUse::Yes(Use::Read), InUse::Yes(Use::MaybeWritten)),
            ("r--s", InUse::Yes(Use::Read), InUse::Yes(Use::MaybeWritten)),
        ] {
            line(permissions);
            assert_eq!(ask(&root, stat.inode()), seen, "{permissions}");
            std::fs::create_dir_all(root.path().join("proc/7/maps")).unwrap();
            assert_eq!(ask(&root, stat.inode()), in_doubt, "{permissions}");
            std::fs::remove_dir_all(root.path().join("proc/7")).unwrap();
        }
    }
}
