//! The checks at a preview and right before a file is removed or replaced: is it the file of the preview, may it be
//! touched, and does nobody use it.

use std::cell::RefCell;

use ansai_core::{Refusal, Timestamp};
use rustix::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::busy_directories::BusyDirectories;
use super::clock;
use super::identity::{Identity, Stat, Time};
use super::lease::{self, Kind, Lease};
use super::mounted::Mounted;
use super::names::{is_plain, split};
use super::open_files::{InUse, OpenFiles, Use};
use super::processes::processes;
use super::protected::Protected;
use super::reason::{Blocked, Reason};
use super::root::Root;
use super::rules::Rules;
use super::safe_unlink;
use super::tmpfiles::Exclusions;
use ansai_kit::host::Host;

/// The checks on files below one root, with what is in use there at this moment.
pub(crate) struct Guard {
    pub(crate) root: Root,
    pub(crate) protected: Protected,
    open_files: OpenFiles,
    busy: BusyDirectories,
    mounted: Mounted,
    exclusions: Exclusions,
    /// Since when times can be right.
    since: Time,
    rules: Rules,
    now: Timestamp,
    last_directory: RefCell<Option<OfDirectory>>,
}

/// A directory below the root, and why no file in it may be touched.
type OfDirectory = (Vec<u8>, Result<(), Reason>);

/// Who else has a file open that may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holders {
    None,
    /// Only readers: its space is freed when they close it.
    Readers,
}

/// A file that passed the checks. Its lease ends when this is dropped.
pub(crate) struct Guarded {
    /// The directory that it is in.
    pub(crate) parent: OwnedFd,
    pub(crate) name: Vec<u8>,
    /// Open for reading; `None` if ansai may not read it.
    pub(crate) file: Option<OwnedFd>,
    lease: Option<Kind>,
    pub(crate) stat: Stat,
    pub(crate) holders: Holders,
}

impl Guard {
    /// Refuses a protected root and scans the open files.
    ///
    /// # Errors
    /// `denied` for a root at or below a protected directory, `unavailable` if that cannot be told, `timed-out` if
    /// `is_over` ends the scan.
    pub(crate) fn enter(
        host: &Host,
        root: Root,
        rules: Rules,
        now: Timestamp,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Guard, Refusal> {
        let protected = Protected::of(host)?;
        protected.refuse(&root)?;
        let exclusions = match rules.min_age_hours {
            Some(_) => Exclusions::read(host, &root.path)?,
            None => Exclusions::default(),
        };
        let open_files = OpenFiles::look(host, root.devices, is_over)?;
        let mounted = Mounted::look(&root, &processes(host)?);
        let since = clock::since(&root);
        let (busy, last_directory) = (BusyDirectories::default(), RefCell::default());
        Ok(Guard { root, protected, open_files, busy, mounted, exclusions, since, rules, now, last_directory })
    }

    /// What the checks will most likely say of a file: for a preview, which takes no leases. An unknown use does not
    /// count if the lease will tell.
    pub(crate) fn foresee(&self, path: &[u8], stat: &Stat) -> Result<Holders, Reason> {
        self.of_stat(stat)?;
        if self.protected.covers(&self.root.absolute(path)) || self.protected.has(stat.inode()) {
            return Err(Reason::Protected);
        }
        self.of_directory(split(path).0)?;
        self.of_path(path)?;
        match self.judge(self.open_files.ask(stat.inode())) {
            Err(Reason::MaybeOpen) if may_lease(stat) && !self.root.devices.overlay => {
                match self.open_files.is_open(stat.inode()) {
                    true => Ok(Holders::Readers),
                    false => Ok(Holders::None),
                }
            }
            judged => judged,
        }
    }

    /// Why no file in a directory below the root may be touched. Remembers the last answer, because many files have the
    /// same directory.
    fn of_directory(&self, directory: &[u8]) -> Result<(), Reason> {
        let mut last = self.last_directory.borrow_mut();
        match &*last {
            Some((path, answer)) if path == directory => *answer,
            _ => {
                let opened = self.root.directory(directory).map_err(|_| match self.protected.is_near(&self.root) {
                    true => Reason::Protected,
                    false => Reason::Changed("its directory cannot be opened"),
                });
                let answer =
                    opened.and_then(|open| self.of_open_directory(open.as_fd()).unwrap_or(Err(Reason::Protected)));
                *last = Some((directory.to_vec(), answer));
                answer
            }
        }
    }

    /// The same for an open directory.
    fn of_open_directory(&self, directory: BorrowedFd<'_>) -> rustix::io::Result<Result<(), Reason>> {
        if self.protected.holds(directory, &self.root)? {
            return Ok(Err(Reason::Protected));
        }
        let is_busy = self.busy.has(directory, self.root.stat.inode(), &self.open_files)?;
        Ok(if is_busy { Err(Reason::Locked) } else { Ok(()) })
    }

    /// Why a file with these properties may not be touched.
    fn of_stat(&self, stat: &Stat) -> Result<(), Reason> {
        match self.rules.bar(&self.root, stat, self.now) {
            Some(reason) => Err(reason),
            None if self.rules.min_age_hours.is_some() && clock::is_before(stat, self.since) => Err(Reason::UnknownAge),
            None => Ok(()),
        }
    }

    /// Why a file at this path below the root may not be touched.
    fn of_path(&self, path: &[u8]) -> Result<(), Reason> {
        if self.mounted.has(path) {
            Err(Reason::Mounted)
        } else if self.exclusions.cover(&self.root.absolute(path)) {
            Err(Reason::Excluded)
        } else {
            Ok(())
        }
    }

    /// Opens the directory of a file below the root; with the name of the file.
    pub(crate) fn place(&self, path: &[u8]) -> Result<(OwnedFd, Vec<u8>), Blocked> {
        if !is_plain(path) {
            return Err(Blocked::Failed("this is no path below a root".into()));
        }
        if self.protected.covers(&self.root.absolute(path)) {
            return Err(Reason::Protected.into());
        }
        let (parent, name) = split(path);
        let parent = self.root.directory(parent).map_err(|error| match error {
            Errno::NOENT => Blocked::changed("its directory is gone"),
            Errno::LOOP | Errno::NOTDIR | Errno::XDEV => Blocked::changed("its directory is another one"),
            error => Blocked::failed("opening its directory", error),
        })?;
        match self.of_open_directory(parent.as_fd()) {
            Ok(Ok(())) => Ok((parent, name.to_vec())),
            Ok(Err(reason)) => Err(reason.into()),
            Err(error) => Err(Blocked::failed("looking at the directories above it", error)),
        }
    }

    /// All checks on one file.
    pub(crate) fn check(&self, path: &[u8], target: Identity) -> Result<Guarded, Blocked> {
        let (parent, name) = self.place(path)?;
        // Only a handle at first: opening a device for reading may do something.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&parent, &*name, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => Blocked::changed(GONE),
            error => Blocked::failed("opening it", error),
        })?;
        let look = || Stat::of(&handle).map_err(|error| Blocked::failed("looking at it", error));
        let stat = look()?;
        same(target, &stat)?;
        if self.protected.has(stat.inode()) {
            return Err(Reason::Protected.into());
        }
        self.of_stat(&stat)?;
        self.of_path(path)?;
        let file = reopen(&handle)?;
        let (used, lease) = match &file {
            Some(file) => {
                unlocked(file)?;
                self.lease(file, &stat)
            }
            None => (self.open_files.ask(stat.inode()), None),
        };
        let holders = self.judge(used)?;
        if lease.is_some() {
            // It may have been written to before the lease. From here on it cannot be.
            same(target, &look()?)?;
        }
        Ok(Guarded { parent, name, file, lease, stat, holders })
    }

    /// Asks the kernel for a lease, which knows more than the scan: write lease first, because it proves that nobody
    /// has the file open. In an overlay it proves less, because a mapping belongs to the file of the layer: there the
    /// scan decides if nobody has the file open.
    fn lease(&self, file: &OwnedFd, stat: &Stat) -> (InUse, Option<Kind>) {
        let scanned = self.open_files.ask(stat.inode());
        let (proved, kind) = match lease::take(file.as_fd(), Kind::Write) {
            Lease::Held => (InUse::No, Kind::Write),
            Lease::Unsupported => return (scanned, None),
            Lease::InUse if !self.rules.readers => return (InUse::Yes(Use::Read), None),
            Lease::InUse => match lease::take(file.as_fd(), Kind::Read) {
                Lease::Held => (InUse::Yes(Use::Read), Kind::Read),
                Lease::InUse => return (InUse::Yes(Use::Written), None),
                Lease::Unsupported => return (scanned, None),
            },
        };
        let scan_decides = self.root.devices.overlay && scanned != InUse::No;
        (if scan_decides { scanned } else { proved }, Some(kind))
    }

    fn judge(&self, used: InUse) -> Result<Holders, Reason> {
        match used {
            InUse::No => Ok(Holders::None),
            InUse::Yes(Use::Read) if self.rules.readers => Ok(Holders::Readers),
            InUse::Yes(Use::MaybeWritten) if self.rules.readers => Err(Reason::MaybeOpen),
            InUse::Yes(Use::Locked) => Err(Reason::Locked),
            InUse::Yes(_) => Err(Reason::Open),
            InUse::Unknown => Err(Reason::MaybeOpen),
        }
    }
}

/// Whether this process may take a lease on a file: its owner and root may.
fn may_lease(stat: &Stat) -> bool {
    let user = rustix::process::geteuid();
    user.is_root() || user.as_raw() == stat.uid
}

impl Guarded {
    /// Whether the directory entry still names the previewed file, unchanged. Ask right before acting.
    pub(crate) fn still(&self, target: Identity) -> Result<(), Blocked> {
        let stat = Stat::at(self.parent.as_fd(), &self.name).map_err(|error| match error {
            Errno::NOENT => Blocked::changed(GONE),
            error => Blocked::failed("looking at it", error),
        })?;
        same(target, &stat)?;
        self.same_links(&stat)
    }

    /// The last check: whether what was renamed to a name of ansai's own is the previewed file, unchanged, and nobody
    /// waits for it. From here on, nobody finds the file by its old name.
    pub(crate) fn moved(&self, target: Identity, stat: &Stat) -> Result<(), Blocked> {
        safe_unlink::only(target.inode(), stat)?;
        let attributes = |stat: &Stat| (stat.mode, stat.uid, stat.gid, stat.fixed);
        if !target.is_moved(stat) || attributes(stat) != attributes(&self.stat) {
            return Err(Blocked::changed("it was written to or given other attributes just now"));
        }
        self.same_links(stat)?;
        match (&self.file, self.lease) {
            (Some(file), Some(kind)) if lease::take(file.as_fd(), kind) != Lease::Held => Err(Reason::Open.into()),
            _ => Ok(()),
        }
    }

    /// A name that was added since the check is one that nobody judged.
    fn same_links(&self, stat: &Stat) -> Result<(), Blocked> {
        if stat.links == self.stat.links { Ok(()) } else { Err(Reason::SeveralLinks.into()) }
    }

    /// Removes the file permanently. Until then it has the name `aside`.
    pub(crate) fn remove(&self, target: Identity, aside: &[u8]) -> Result<(), Blocked> {
        self.still(target)?;
        safe_unlink::remove(self.parent.as_fd(), &self.name, aside, |stat| self.moved(target, stat))
    }
}

/// How a file that does not exist any more has changed.
pub(crate) const GONE: &str = "gone";

fn same(target: Identity, stat: &Stat) -> Result<(), Blocked> {
    if target.is(stat) {
        Ok(())
    } else if target.inode() != stat.inode() {
        Err(Blocked::changed("another file has its name"))
    } else {
        Err(Blocked::changed("it was written to, renamed or given other attributes"))
    }
}

/// Opens the file of a handle for reading, without changing its atime; `None` if ansai may not read it.
pub(crate) fn reopen(handle: &OwnedFd) -> Result<Option<OwnedFd>, Blocked> {
    let opened = match reopen_unmarked(handle) {
        Err(Errno::PERM) => rustix::fs::open(by_handle(handle), READING, Mode::empty()),
        opened => opened,
    };
    match opened {
        Ok(file) => Ok(Some(file)),
        // Another process has a lease on it.
        Err(Errno::AGAIN) => Err(Reason::Open.into()),
        Err(_) => Ok(None),
    }
}

/// The same only if it can be read without a change of its atime.
pub(crate) fn reopen_unmarked(handle: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(by_handle(handle), READING | OFlags::NOATIME, Mode::empty())
}

const READING: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

fn by_handle(handle: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", handle.as_raw_fd())
}

fn unlocked(file: &OwnedFd) -> Result<(), Reason> {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    let flocked = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::AGAIN);
    let locked = matches!(fcntl_getlk(file, &Flock::from(FlockType::WriteLock)), Ok(Some(_)));
    if flocked || locked { Err(Reason::Locked) } else { Ok(()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use rustix::fs::{AtFlags, CWD};
    use std::path::{Path, PathBuf};

    /// A file that passed the checks, in a root of its own.
    struct Passed {
        dir: tempfile::TempDir,
        target: Identity,
        guarded: Guarded,
    }

    impl Passed {
        fn new() -> Passed {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("a"), "content").unwrap();
            let root = Root::open(&Host::at(dir.path()), "/").unwrap();
            let target = Identity::of(&Stat::at(root.fd(), b"a").unwrap());
            let (open_files, protected) = (OpenFiles::default(), Protected::of(&Host::at(dir.path())).unwrap());
            let guard = Guard {
                root,
                protected,
                open_files,
                busy: BusyDirectories::default(),
                mounted: Mounted::default(),
                exclusions: Exclusions::default(),
                since: Time(0, 0),
                rules: Rules::default(),
                now: Timestamp::EPOCH,
                last_directory: RefCell::default(),
            };
            let guarded = guard.check(b"a", target).unwrap();
            Passed { dir, target, guarded }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }
    }

    #[test]
    fn the_last_look_sees_every_change() {
        type Change = fn(&Path);
        let changes: [(&str, Change); 5] = [
            ("times", |path| {
                let time = rustix::fs::Timespec { tv_sec: 1, tv_nsec: 0 };
                let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
                rustix::fs::utimensat(CWD, path, &times, AtFlags::empty()).unwrap();
            }),
            ("mode", |path| rustix::fs::chmod(path, Mode::RUSR).unwrap()),
            ("links", |path| std::fs::hard_link(path, path.with_file_name("link")).unwrap()),
            ("kind", |path| {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
            }),
            ("inode", |path| {
                let twin = path.with_file_name("twin");
                std::fs::write(&twin, "content").unwrap();
                std::fs::rename(twin, path).unwrap();
            }),
        ];
        for (what, change) in changes {
            let passed = Passed::new();
            std::fs::rename(passed.path("a"), passed.path("aside")).unwrap();
            let look =
                || passed.guarded.moved(passed.target, &Stat::at(passed.guarded.parent.as_fd(), b"aside").unwrap());
            assert_eq!(look(), Ok(()));
            change(&passed.path("aside"));
            assert!(matches!(look(), Err(Blocked::Because(_))), "{what}");
        }
    }

    #[test]
    fn who_waits_to_write_gets_the_file() {
        let passed = Passed::new();
        let Some(file) = passed.guarded.file.as_ref().filter(|_| passed.guarded.lease.is_some()) else { return };
        let path = passed.path("a");
        let writer = std::thread::spawn(move || std::fs::OpenOptions::new().append(true).open(path).unwrap());
        while !lease::is_wanted(file.as_fd()) {
            std::thread::yield_now();
        }
        assert_eq!(passed.guarded.remove(passed.target, b"aside"), Err(Reason::Open.into()));
        let path = passed.path("a");
        let Passed { guarded, dir: _dir, .. } = passed;
        drop(guarded);
        std::io::Write::write_all(&mut writer.join().unwrap(), b" and more").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "content and more");
    }

    #[test]
    fn a_link_made_after_the_checks_counts() {
        let passed = Passed::new();
        assert_eq!(passed.guarded.still(passed.target), Ok(()));
        std::fs::hard_link(passed.path("a"), passed.path("b")).unwrap();
        let stat = Stat::at(passed.guarded.parent.as_fd(), b"a").unwrap();
        let target = Identity { ctime: stat.ctime, ..passed.target };
        assert_eq!(passed.guarded.still(target), Err(Reason::SeveralLinks.into()));
    }
}
