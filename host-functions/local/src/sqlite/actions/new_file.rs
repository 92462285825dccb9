//! The new file of a copy: empty under a name of the step, then filled by another process, then under its final name. So
//! what has the final name is complete.

use ansai_core::Refusal;
use ansai_core::text::{path_bytes, path_text};
use ansai_kit::host::Host;
use ansai_kit::program::User;
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::fs::{Gid, Uid, fchown};
use rustix::io::Errno;

use crate::safety::entry;
use crate::safety::identity::{Identity, Inode, Stat};
use crate::safety::names::is_name;
use crate::safety::protected::Protected;
use crate::safety::reason::Blocked;
use crate::safety::root::Root;
use crate::safety::safe_unlink;
use crate::safety::step_name::step_name;
use crate::sqlite::job::NewFile;
use crate::sqlite::place::{private, real_path};

/// A directory for copies.
pub(super) struct Directory(Root);

/// A file that is not complete. It is removed when this is dropped.
pub(super) struct Draft<'a> {
    directory: &'a Directory,
    name: Vec<u8>,
    aside: Vec<u8>,
    inode: Inode,
    file: OwnedFd,
    is_complete: bool,
}

impl Directory {
    /// Opens a directory that only root and this user can write.
    pub(super) fn open(host: &Host, into: &str, uid: u32) -> Result<Directory, Refusal> {
        let root = Root::open(host, into)?;
        Protected::of(host)?.refuse(&root)?;
        private(host, &root, into, uid)?;
        Ok(Directory(root))
    }

    pub(super) fn root(&self) -> &Root {
        &self.0
    }

    pub(super) fn has(&self, name: &[u8]) -> Result<bool, Refusal> {
        match Stat::at(self.0.fd(), name) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    pub(super) fn look(&self, name: &[u8]) -> rustix::io::Result<Stat> {
        Stat::at(self.0.fd(), name)
    }

    /// Creates the file that a step fills.
    pub(super) fn create(&self, step_id: &str, owner: User) -> Result<Draft<'_>, Refusal> {
        let (name, aside) = names(step_id)?;
        let file = entry::create(self.0.fd(), &name).map_err(|error| self.failed(error))?;
        let made = Stat::of(&file).map_err(|error| self.failed(error))?;
        let inode = made.inode();
        let draft = Draft { directory: self, name, aside, inode, file, is_complete: false };
        if (made.uid, made.gid) != (owner.uid, owner.gid) {
            let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
            fchown(&draft.file, Some(uid), Some(gid)).map_err(|error| self.failed(error))?;
        }
        Ok(draft)
    }

    /// Removes what an earlier run of ansai left of a step.
    pub(super) fn discard(&self, step_id: &str) -> Result<bool, Refusal> {
        let (name, aside) = names(step_id)?;
        let Ok(stat) = self.look(&name) else { return Ok(false) };
        safe_unlink::discard(self.0.fd(), &name, &aside, stat.inode());
        Ok(true)
    }

    /// Removes a complete copy if nobody has changed it.
    pub(super) fn remove(&self, step_id: &str, name: &[u8], identity: Identity) -> Result<(), Blocked> {
        let (_, aside) = names(step_id).map_err(|why| Blocked::Failed(why.to_string()))?;
        let is_it = |stat: &Stat| match identity.is_still(stat) {
            true => Ok(()),
            false => Err(Blocked::changed("somebody has changed the copy")),
        };
        // Before it is set aside, so that a program that has it open keeps its name.
        is_it(&self.look(name).map_err(|error| Blocked::failed("looking at it", error))?)?;
        safe_unlink::remove(self.0.fd(), name, &aside, is_it)?;
        entry::sync(self.0.fd());
        Ok(())
    }

    fn failed(&self, error: Errno) -> Refusal {
        Refusal::io(&self.0.text, &error.into())
    }
}

impl Draft<'_> {
    /// For the process that fills it.
    pub(super) fn new_file(&self, host: &Host) -> NewFile {
        NewFile { path: real_path(host, &self.directory.0, &self.name), inode: self.inode }
    }

    /// Makes it durable, and gives it its name. Returns what it is recognized by, and its size in bytes.
    pub(super) fn complete(mut self, name: &[u8]) -> Result<Identity, Refusal> {
        let at = self.directory.0.fd();
        let failed = |error: Errno| self.directory.failed(error);
        rustix::fs::fsync(&self.file).map_err(failed)?;
        // The process that has filled it belongs to the owner of the directory, who may have exchanged it.
        let is_it = Stat::at(at, &self.name).is_ok_and(|stat| stat.inode() == self.inode);
        if !is_it {
            return Err(Refusal::Changed(format!("{} is another file now", path_text(&self.name))));
        }
        entry::rename_new(at, &self.name, at, name).map_err(|error| match error {
            Errno::EXIST => Refusal::Changed(format!("{} exists by now", self.directory.0.shown(name))),
            error => self.directory.failed(error),
        })?;
        entry::sync(at);
        self.is_complete = true;
        Stat::of(self.file.as_fd()).map(|stat| Identity::of(&stat)).map_err(|error| self.directory.failed(error))
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_complete {
            safe_unlink::discard(self.directory.0.fd(), &self.name, &self.aside, self.inode);
        }
    }
}

/// The name of the draft, and that of a file that is about to be removed.
fn names(step_id: &str) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let step = step_name(step_id)?;
    Ok(([b".ansai-", step, b"-copy"].concat(), safe_unlink::name(step, 0)))
}

/// The bytes of a name, if it is one.
pub(super) fn plain(name: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = path_bytes(name).filter(|bytes| is_name(bytes));
    bytes.ok_or_else(|| Refusal::Invalid("the copy has no name".to_owned()))
}
