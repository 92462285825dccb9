//! Directories that somebody has locked: whoever works below one for long does that, so that nobody cleans there
//! (systemd-tmpfiles(8)).

use std::cell::RefCell;
use std::collections::HashMap;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::identity::{Inode, Stat};
use super::open_files::OpenFiles;

/// The most directories that are remembered.
const MOST: usize = 1 << 16;

/// What is known of the directories below one root, for as long as a guard exists.
#[derive(Debug, Default)]
pub(crate) struct BusyDirectories {
    known: RefCell<HashMap<Inode, bool>>,
}

impl BusyDirectories {
    /// Whether a directory, or one above it up to `root`, is locked.
    pub(crate) fn has(
        &self,
        directory: BorrowedFd<'_>,
        root: Inode,
        open_files: &OpenFiles,
    ) -> rustix::io::Result<bool> {
        let mut known = self.known.borrow_mut();
        if known.len() > MOST {
            known.clear();
        }
        let (mut here, mut passed) = (None::<OwnedFd>, Vec::new());
        let is_locked = loop {
            let at = here.as_ref().map_or(directory, AsFd::as_fd);
            let stat = Stat::of(at)?;
            let inode = stat.inode();
            if let Some(answer) = known.get(&inode) {
                break *answer;
            }
            if passed.last() == Some(&inode) {
                break false;
            }
            passed.push(inode);
            if (open_files.is_locked(inode) || is_locked(at)) && counts(open_files.lockers(inode), &stat) {
                break true;
            }
            if inode == root {
                break false;
            }
            let up = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            here = Some(rustix::fs::openat(at, "..", up, Mode::empty())?);
        };
        known.extend(passed.into_iter().map(|inode| (inode, is_locked)));
        Ok(is_locked)
    }
}

/// Whether the lock is one of root, of the owner of the directory or of ansai's user. Anybody who can read a directory can
/// lock it, and would bar its cleaning for ever. A lock of an unknown process counts.
fn counts(lockers: &[Option<u32>], directory: &Stat) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let may = |user: &Option<u32>| user.is_none_or(|user| [0, own, directory.uid].contains(&user));
    lockers.is_empty() || lockers.iter().any(may)
}

/// Asks the kernel, which knows of locks from other namespaces too. A directory that cannot be read is not locked by
/// those who may not read it either.
fn is_locked(directory: BorrowedFd<'_>) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(directory, ".", flags, Mode::empty());
    opened.is_ok_and(|open| rustix::fs::flock(open, FlockOperation::NonBlockingLockExclusive) == Err(Errno::AGAIN))
}
