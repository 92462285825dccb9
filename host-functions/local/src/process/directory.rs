//! A directory of `/proc` or of a control group, with files that are read through its handle: what a name leads to later
//! is another process or another run of a service.

use std::path::Path;

use ansai_kit::host::Deadline;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::safety::processes::Unseen;

/// The longest text of one file that counts, in bytes. `memory.stat` has about 2 KiB.
const MOST_BYTES: usize = 64 << 10;
/// The longest `status` of a process, in bytes: it lists all groups, of which the kernel permits 65,536.
const MOST_STATUS_BYTES: usize = 1 << 20;
/// The longest list of process numbers that counts, in bytes.
const MOST_LIST_BYTES: usize = 4 << 20;

pub(super) struct Directory(OwnedFd);

impl Directory {
    /// `None` if it does not exist.
    pub(super) fn open(path: &Path) -> Result<Option<Directory>, Unseen> {
        unless_gone(rustix::fs::open(path, FLAGS, Mode::empty())).map(|fd| fd.map(Directory))
    }

    /// Its handle.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub(super) fn below(&self, name: &str) -> Result<Option<Directory>, Unseen> {
        unless_gone(rustix::fs::openat(&self.0, name, FLAGS, Mode::empty())).map(|fd| fd.map(Directory))
    }

    /// A text; `None` if the file does not exist, or what it is about has ended.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, Unseen> {
        self.bytes(name, MOST_BYTES)?.map(|bytes| String::from_utf8(bytes).map_err(|_| Unseen)).transpose()
    }

    /// The same for a file that can have any bytes.
    pub(super) fn read_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Unseen> {
        self.bytes(name, MOST_BYTES)
    }

    /// The `status` of a process. Its name, which can have any bytes, is made readable.
    pub(super) fn status(&self) -> Result<Option<String>, Unseen> {
        let bytes = self.bytes("status", MOST_STATUS_BYTES)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A list of numbers, one a line.
    pub(super) fn pids(&self, name: &str) -> Result<Option<Vec<u32>>, Unseen> {
        let Some(bytes) = self.bytes(name, MOST_LIST_BYTES)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| Unseen)?;
        text.lines().map(|line| line.parse().map_err(|_| Unseen)).collect::<Result<_, _>>().map(Some)
    }

    fn bytes(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, Unseen> {
        // What turns out to be a pipe is not waited for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Some(file) = unless_gone(rustix::fs::openat(&self.0, name, flags, Mode::empty()))? else {
            return Ok(None);
        };
        let mut text = Vec::with_capacity(4096);
        loop {
            let spare = text.len();
            text.resize(spare.saturating_add(4096), 0);
            let Some(rest) = text.get_mut(spare..) else { return Err(Unseen) };
            let Some(length) = unless_gone(rustix::io::read(&file, rest))? else { return Ok(None) };
            text.truncate(spare.saturating_add(length));
            match length {
                0 => return Ok(Some(text)),
                _ if text.len() > most => return Err(Unseen),
                _ => {}
            }
        }
    }

    /// Whether it has an entry of this name.
    pub(super) fn exists(&self, name: &str) -> bool {
        rustix::fs::statat(&self.0, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Writes a short text into a file that exists.
    pub(super) fn write(&self, name: &str, text: &str) -> rustix::io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, name, flags, Mode::empty())?;
        rustix::io::write(&file, text.as_bytes()).map(drop)
    }

    /// The names of its directories, without those that are no text. What is not a directory is left out.
    pub(super) fn directories(&self) -> Result<Vec<String>, Unseen> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self.0.as_fd()).map_err(|_| Unseen)? {
            let Some(entry) = unless_gone(entry)? else { break };
            if let Ok(name) = entry.file_name().to_str()
                && entry.file_type() == FileType::Directory
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// How many entries it has; `None` if it cannot be read to its end, or not before the deadline.
    pub(super) fn count(&self, deadline: &Deadline) -> Option<usize> {
        let mut count = 0_usize;
        for entry in Dir::read_from(self.0.as_fd()).ok()? {
            if deadline.is_over() {
                return None;
            }
            let is_one = !matches!(entry.ok()?.file_name().to_bytes(), b"." | b"..");
            count = count.saturating_add(usize::from(is_one));
        }
        Some(count)
    }

    /// How many links it has: 2 and one for each directory in it, on file systems that count them.
    pub(super) fn links(&self) -> u64 {
        rustix::fs::fstat(&self.0).map_or(0, |stat| stat.st_nlink)
    }
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// `None` if it has ended, or the kernel does not offer this file here.
fn unless_gone<T>(looked: rustix::io::Result<T>) -> Result<Option<T>, Unseen> {
    match looked {
        Ok(found) => Ok(Some(found)),
        // A control group that was removed; a process that has ended; PSI that is switched off.
        Err(Errno::NOENT | Errno::NODEV | Errno::SRCH | Errno::OPNOTSUPP | Errno::NOTDIR) => Ok(None),
        Err(_) => Err(Unseen),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::time::Duration;

    use super::*;

    /// Would break: entries that are counted although nobody waits any more.
    #[test]
    fn a_count_ends_at_its_deadline() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("0"), "").unwrap();
        let directory = Directory::open(root.path()).unwrap().unwrap();
        assert_eq!(directory.count(&Deadline::after(Duration::from_secs(3_600))), Some(1));
        assert_eq!(directory.count(&Deadline::after(Duration::ZERO)), None);
    }
}
