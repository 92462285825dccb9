//! Where a database is, and as whom it may be opened.

use ansai_core::Refusal;
use ansai_core::text::{inert, path_text};
use ansai_kit::host::Host;
use ansai_kit::program::User;
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::{Errno, pread};

use super::error::SqliteError;
use super::header::{Header, JOURNAL_MAGIC, LENGTH};
use super::wire::Journal;
use crate::disk::filesystems::Filesystems;
use crate::disk::mounts;
use crate::safety::beneath::{Mounts, open};
use crate::safety::identity::{Inode, Stat};
use crate::safety::names::split;
use crate::safety::protected::Protected;
use crate::safety::root::{Root, above, absolute};

/// A database file and what lies beside it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) name: Vec<u8>,
    /// The path as it was asked for.
    pub(super) text: String,
    pub(super) stat: Stat,
    pub(super) header: Header,
    pub(super) wal: Option<Stat>,
    pub(super) shm: Option<Stat>,
    /// Whether a rollback journal counts.
    pub(super) hot_journal: bool,
}

impl Place {
    /// Finds a database and reads its header.
    ///
    /// # Errors
    /// `invalid` for what is no path, no regular file, or no database. `denied` for a file of ansai itself.
    pub(super) fn of(host: &Host, text: &str) -> Result<Place, Refusal> {
        let shown = || inert(text, 200);
        let path = absolute(text).filter(|path| !path.is_empty());
        let path =
            path.ok_or_else(|| Refusal::Invalid(format!("`{}` is not an absolute path in plain form", shown())))?;
        let (directory, name) = split(&path);
        let directory = if directory.is_empty() { "/".to_owned() } else { path_text(directory) };
        let root = Root::open(host, &directory)?;
        Protected::of(host)?.refuse(&root)?;
        let failed = |error: Errno| Refusal::io(shown(), &error.into());
        let look = |name: &[u8]| Stat::at(root.fd(), name);
        // Before it is opened: to open a device can act.
        regular(&root, &look(name).map_err(failed)?, text)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = open(root.fd(), name, flags, Mounts::Stay).map_err(failed)?;
        let stat = Stat::of(&file).map_err(failed)?;
        regular(&root, &stat, text)?;
        let header = Header::parse(&begin(&file, LENGTH).map_err(failed)?, stat.size)
            .map_err(|why| SqliteError::Header { path: text.to_owned(), why })?;
        let beside = |suffix: &[u8]| look(&[name, suffix].concat()).ok().filter(Stat::is_file);
        let (wal, shm) = (beside(b"-wal"), beside(b"-shm"));
        let hot_journal = beside(b"-journal").is_some_and(|stat| stat.size > 0) && {
            let journal = open(root.fd(), &[name, b"-journal"].concat(), flags, Mounts::Stay);
            journal.and_then(|journal| begin(&journal, JOURNAL_MAGIC.len())).is_ok_and(|begin| begin == JOURNAL_MAGIC)
        };
        Ok(Place { name: name.to_vec(), text: text.to_owned(), stat, header, wal, shm, hot_journal, root })
    }

    pub(super) fn inode(&self) -> Inode {
        self.stat.inode()
    }

    pub(super) fn wal_bytes(&self) -> u64 {
        self.wal.map_or(0, |wal| wal.size)
    }

    /// The database with its `-wal` file, in bytes.
    pub(super) fn all_bytes(&self) -> u64 {
        self.stat.size.saturating_add(self.wal_bytes())
    }

    /// Bytes that are available on its file system.
    pub(super) fn available_bytes(&self) -> Result<u64, Refusal> {
        available(&self.root)
    }

    /// The mount point of its file system, if it is known.
    pub(super) fn mount(&self, host: &Host) -> Option<String> {
        mount(host, &self.root)
    }

    /// Its path as this machine has it, for the process that opens it.
    pub(super) fn real_path(&self, host: &Host) -> String {
        real_path(host, &self.root, &self.name)
    }

    /// As whom it is opened: its owner, if nobody else than root and the owner can put another file in its place.
    pub(super) fn owner(&self, host: &Host) -> Result<User, Refusal> {
        let refused = |why: &str| SqliteError::Owner { path: self.text.clone(), why: why.to_owned() };
        let uid = self.stat.uid;
        if uid == 0 {
            return Err(refused("it belongs to root, and root opens no database of others' making").into());
        }
        if self.stat.links > 1 {
            return Err(refused("it has several names, and SQLite finds its journal by one of them").into());
        }
        if self.header.journal == Journal::Other {
            return Err(refused("a later version of SQLite has written it").into());
        }
        private(host, &self.root, &self.text, uid)?;
        if uid == rustix::process::geteuid().as_raw() {
            return Ok(User { uid, gid: rustix::process::getegid().as_raw() });
        }
        Ok(User::numbered(host, uid))
    }
}

/// Whether a file is where databases are: on the mount of its directory, and regular.
fn regular(root: &Root, stat: &Stat, text: &str) -> Result<(), Refusal> {
    match stat.is_file() && stat.has_mount_of(&root.stat) {
        true => Ok(()),
        false => Err(Refusal::Invalid(format!("{} is not a regular file of its directory", inert(text, 200)))),
    }
}

/// Refuses a directory in which, or above which, others than root and the owner can exchange files.
pub(super) fn private(host: &Host, root: &Root, text: &str, uid: u32) -> Result<(), Refusal> {
    let chain = above(host, root).map_err(|error| Refusal::io(&root.text, &error.into()))?;
    let mut path = root.path.as_slice();
    for (number, stat) in chain.iter().enumerate() {
        let is_writable = stat.mode & 0o022 != 0;
        // On the way, the sticky bit keeps others from renaming what is not theirs.
        let is_sticky = number > 0 && stat.mode & 0o1000 != 0;
        if (stat.uid != 0 && stat.uid != uid) || (is_writable && !is_sticky) {
            let directory = if path.is_empty() { "/".to_owned() } else { path_text(path) };
            return Err(SqliteError::Directory { path: text.to_owned(), directory, uid }.into());
        }
        path = split(path).0;
    }
    Ok(())
}

pub(super) fn available(root: &Root) -> Result<u64, Refusal> {
    let level = mounts::level_of(root.fd()).map_err(|error| Refusal::io(&root.text, &error.into()))?;
    Ok(level.available_bytes)
}

pub(super) fn mount(host: &Host, root: &Root) -> Option<String> {
    Filesystems::read(host).ok()?.name(root.text.as_ref(), &root.stat)
}

pub(super) fn real_path(host: &Host, root: &Root, name: &[u8]) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let path = host.path(std::ffi::OsStr::from_bytes(&root.absolute(name)));
    path_text(path.as_os_str().as_bytes())
}

/// The first bytes of a file.
fn begin(file: &OwnedFd, length: usize) -> rustix::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match pread(file.as_fd(), rest, read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}
