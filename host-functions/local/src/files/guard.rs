//! The checks right before a file is touched: is it the very file that was previewed, may it still be touched,
//! and does nobody use it.

use ansai_core::scope::is_within;
use ansai_core::{Instant, Refusal};
use rustix::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::beneath::Root;
use super::fields::{MIN_AGE_HOURS, ROOTS};
use super::identity::{File, Stat, split};
use super::in_use::InUse;
use super::lease::{self, Lease};
use super::protected::Protected;
use super::targets::Targets;
use super::{eligibility, safe_unlink};
use ansai_kit::action::{Fate, StepContext};

/// Where a step acts.
pub(super) struct Site {
    pub(super) root: Root,
    in_use: InUse,
    protected: Protected,
    min_age_hours: u64,
    now: Instant,
}

/// Refuses a directory that is not within the granted roots as they are now.
pub(super) fn granted(doing: &StepContext<'_>, directory: &str) -> Result<(), Refusal> {
    if doing.scope.roots(&ROOTS).iter().any(|root| is_within(directory, root)) {
        return Ok(());
    }
    Err(Refusal::Denied(format!("{directory} is not within the granted roots any more")))
}

/// A file that passed the checks. The lease ends when it is dropped.
pub(super) struct Guarded {
    /// The directory that it is in, open.
    pub(super) parent: OwnedFd,
    pub(super) name: Vec<u8>,
    /// `None` where it may not be read.
    pub(super) file: Option<OwnedFd>,
    leased: bool,
    pub(super) stat: Stat,
}

impl Site {
    /// With the scope and the root as they are now.
    pub(super) fn enter(doing: &StepContext<'_>, targets: &Targets) -> Result<Site, Refusal> {
        granted(doing, &targets.root)?;
        let granted = doing.scope.hours(&MIN_AGE_HOURS);
        let root = Root::open(doing.host, &targets.root)?;
        if root.stat.inode() != targets.root_inode {
            return Err(Refusal::Changed(format!("{} is another directory than previewed", targets.root)));
        }
        let protected = Protected::of(doing.host);
        protected.refuse(&root)?;
        Ok(Site {
            in_use: InUse::look(doing.host, root.stat.dev, &|| doing.is_stopping())?,
            min_age_hours: targets.min_age_hours.max(granted),
            now: doing.now,
            protected,
            root,
        })
    }

    /// The directory and the name of a target.
    pub(super) fn place(&self, file: &File) -> Result<(OwnedFd, Vec<u8>), Fate> {
        let path = file.path().ok_or_else(|| Fate::Failed("this is no path below a root".into()))?;
        if self.protected.covers(&self.root.absolute(&path)) {
            return Err(Fate::Skipped("protected".into()));
        }
        let (parent, name) = split(&path);
        let parent = self.root.directory(parent).map_err(|error| match error {
            Errno::NOENT => changed("its directory is gone"),
            Errno::LOOP | Errno::NOTDIR | Errno::XDEV => changed("its directory is another one"),
            error => failed("opening its directory", error),
        })?;
        Ok((parent, name.to_vec()))
    }

    /// All checks on one target.
    pub(super) fn guard(&self, target: &File) -> Result<Guarded, Fate> {
        let (parent, name) = self.place(target)?;
        // Not opened for real before it is known to be a regular file: opening a device may do something.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&parent, &*name, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => changed("gone"),
            error => failed("opening it", error),
        })?;
        let stat = Stat::of(&handle).map_err(|error| failed("looking at it", error))?;
        same(target, &stat)?;
        if let Some(reason) = eligibility::untouchable(&self.root, &stat) {
            return Err(Fate::Skipped(reason.into()));
        }
        if eligibility::is_young(&stat, self.min_age_hours, self.now) {
            return Err(Fate::Skipped("young".into()));
        }
        let file = reopen(&handle)?;
        let leased = match &file {
            Some(file) => {
                unlocked(file)?;
                lease::take(file.as_fd())
            }
            None => Lease::Unsupported,
        };
        let reason = match leased {
            Lease::Held => None,
            Lease::InUse => Some("open"),
            Lease::Unsupported => eligibility::in_use(&stat, &self.in_use),
        };
        if leased == Lease::Held {
            // Written to before the lease; from here on, nobody can.
            same(target, &Stat::of(&handle).map_err(|error| failed("looking at it", error))?)?;
        }
        match reason {
            Some(reason) => Err(Fate::Skipped(reason.into())),
            None => Ok(Guarded { parent, name, file, leased: leased == Lease::Held, stat }),
        }
    }
}

impl Guarded {
    /// Whether the directory entry still names the previewed file, unchanged: to be asked right before acting.
    pub(super) fn still(&self, target: &File) -> Result<(), Fate> {
        let stat = Stat::at(self.parent.as_fd(), &self.name).map_err(|error| match error {
            Errno::NOENT => changed("gone"),
            error => failed("looking at it", error),
        })?;
        same(target, &stat)?;
        if stat.links == 1 { Ok(()) } else { Err(Fate::Skipped("several-links".into())) }
    }

    /// Whether what was moved to a name of ours is the previewed file, unchanged, and nobody waits for it: the last
    /// look. From here on, nobody finds the file by its old name.
    pub(super) fn moved(&self, target: &File, stat: &Stat) -> Result<(), Fate> {
        safe_unlink::only(target.inode(), stat)?;
        let attributes = |stat: &Stat| (stat.mode, stat.uid, stat.gid, stat.fixed);
        if !target.is_moved(stat) || attributes(stat) != attributes(&self.stat) {
            return Err(changed("it was written to or given other attributes just now"));
        }
        if stat.links != 1 {
            return Err(Fate::Skipped("several-links".into()));
        }
        match &self.file {
            Some(file) if self.leased && lease::take(file.as_fd()) != Lease::Held => Err(Fate::Skipped("open".into())),
            _ => Ok(()),
        }
    }

    /// Removes it for good.
    pub(super) fn remove(&self, target: &File, aside: &[u8]) -> Result<(), Fate> {
        self.still(target)?;
        safe_unlink::remove(self.parent.as_fd(), &self.name, aside, |stat| self.moved(target, stat))
    }
}

fn same(target: &File, stat: &Stat) -> Result<(), Fate> {
    if target.is(stat) {
        Ok(())
    } else if target.inode() != stat.inode() {
        Err(changed("another file has its name"))
    } else {
        Err(changed("it was written to, renamed or given other attributes"))
    }
}

/// For reading, without marking it as read; through the handle, so that it is the very same file.
pub(super) fn reopen(handle: &OwnedFd) -> Result<Option<OwnedFd>, Fate> {
    let opened = match reopen_unmarked(handle) {
        Err(Errno::PERM) => rustix::fs::open(by_handle(handle), READING, Mode::empty()),
        opened => opened,
    };
    match opened {
        Ok(file) => Ok(Some(file)),
        // Somebody else has a lease on it.
        Err(Errno::AGAIN) => Err(Fate::Skipped("open".into())),
        Err(_) => Ok(None),
    }
}

/// The same only where it can be read without marking it as read, which would be a change.
pub(super) fn reopen_unmarked(handle: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(by_handle(handle), READING | OFlags::NOATIME, Mode::empty())
}

const READING: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

fn by_handle(handle: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", handle.as_raw_fd())
}

fn unlocked(file: &OwnedFd) -> Result<(), Fate> {
    use rustix::process::{Flock, FlockType, fcntl_getlk};
    let flocked = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::AGAIN);
    let locked = matches!(fcntl_getlk(file, &Flock::from(FlockType::WriteLock)), Ok(Some(_)));
    if flocked || locked { Err(Fate::Skipped("locked".into())) } else { Ok(()) }
}

/// Left alone because it is not what it was.
pub(super) fn changed(how: &str) -> Fate {
    Fate::Skipped(format!("changed: {how}"))
}

/// The system said no.
pub(super) fn failed(doing: &str, error: impl std::fmt::Display) -> Fate {
    Fate::Failed(format!("{doing}: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;
    use ansai_kit::host::Host;
    use rustix::fs::{AtFlags, CWD};
    use std::path::{Path, PathBuf};

    /// A file that passed the checks, in a root of its own.
    struct Passed {
        dir: tempfile::TempDir,
        target: File,
        guarded: Guarded,
    }

    impl Passed {
        fn new() -> Passed {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("a"), "content").unwrap();
            let root = Root::open(&Host::at(dir.path()), "/").unwrap();
            let target = File::new(b"a", &Stat::at(root.fd(), b"a").unwrap());
            let (in_use, protected) = (InUse::default(), Protected::of(&Host::at(dir.path())));
            let site = Site { root, in_use, protected, min_age_hours: 0, now: u64::MAX / 2 };
            let guarded = site.guard(&target).unwrap();
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
                || passed.guarded.moved(&passed.target, &Stat::at(passed.guarded.parent.as_fd(), b"aside").unwrap());
            assert_eq!(look(), Ok(()));
            change(&passed.path("aside"));
            assert!(matches!(look(), Err(Fate::Skipped(_))), "{what}");
        }
    }

    #[test]
    fn who_waits_to_write_gets_the_file() {
        let passed = Passed::new();
        let Some(file) = passed.guarded.file.as_ref().filter(|_| passed.guarded.leased) else { return };
        let path = passed.path("a");
        let writer = std::thread::spawn(move || std::fs::OpenOptions::new().append(true).open(path).unwrap());
        while !lease::is_wanted(file.as_fd()) {
            std::thread::yield_now();
        }
        assert_eq!(passed.guarded.remove(&passed.target, b"aside"), Err(Fate::Skipped("open".into())));
        let path = passed.path("a");
        let Passed { guarded, dir: _dir, .. } = passed;
        drop(guarded);
        std::io::Write::write_all(&mut writer.join().unwrap(), b" and more").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "content and more");
    }

    #[test]
    fn a_link_made_after_the_checks_counts() {
        let passed = Passed::new();
        assert_eq!(passed.guarded.still(&passed.target), Ok(()));
        std::fs::hard_link(passed.path("a"), passed.path("b")).unwrap();
        let stat = Stat::at(passed.guarded.parent.as_fd(), b"a").unwrap();
        let target = File { ctime: stat.ctime, ..passed.target.clone() };
        assert_eq!(passed.guarded.still(&target), Err(Fate::Skipped("several-links".into())));
    }
}
