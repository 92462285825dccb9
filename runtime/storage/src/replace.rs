//! Writing a file whole or not at all.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};

use rustix::fs::{Mode, RenameFlags, fchmod, renameat_with};
use rustix::io::Errno;

use crate::{Directory, Location, Result, StorageError, temporary};

/// Who may read and write the new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permissions {
    /// This mode without the bits of the umask, as for every new file.
    Mode(u32),
    /// Those of the file that is replaced, or [`Permissions::PRIVATE`].
    Kept,
}

impl Permissions {
    /// Only this user.
    pub const PRIVATE: Permissions = Permissions::Mode(0o600);
}

/// When the write returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the new content survives a loss of power.
    Durable,
    /// When other processes see the new content. After a loss of power the file may be damaged: only for what can be
    /// made again or is checked when it is read.
    Atomic,
}

/// What happens to a file of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replaced,
    /// It stays, and the write fails with [`StorageError::is_already_there`].
    Refused,
}

/// How a file is written. By default it is private, durable and replaces another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// Who may read and write it.
    pub permissions: Permissions,
    /// When the write returns.
    pub durability: Durability,
    /// What happens to a file of the same name.
    pub existing: Existing,
}

impl WriteOptions {
    /// Private, durable and replacing another.
    pub const PRIVATE: WriteOptions = WriteOptions {
        permissions: Permissions::PRIVATE,
        durability: Durability::Durable,
        existing: Existing::Replaced,
    };
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self::PRIVATE
    }
}

impl Directory {
    /// Writes a file whole or not at all: until it has its name, the file that has it now stays as it is.
    ///
    /// # Errors
    /// The system refuses. Then the old file is in place, unless only [making the name durable](Directory::sync) has
    /// failed, and no temporary file is left.
    pub fn replace(&self, name: impl AsRef<OsStr>, bytes: &[u8], options: WriteOptions) -> Result<()> {
        self.replace_with(name, options, |file| file.write_all(bytes)).map(drop)
    }

    /// The same with content that is written in parts. Answers the file.
    ///
    /// # Errors
    /// As [`Directory::replace`], or what `write` answers.
    pub fn replace_with(
        &self,
        name: impl AsRef<OsStr>,
        options: WriteOptions,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<File> {
        let name = self.name("write", name.as_ref())?;
        let (mode, kept) = match options.permissions {
            Permissions::Mode(mode) => (mode, None),
            Permissions::Kept => (0o600, self.metadata(name).ok().map(|found| found.owned.mode & 0o7777)),
        };
        let (temporary, mut file) = temporary::create(self, mode)?;
        let failed = |action| move |error: io::Error| StorageError::at(action, self.path_of(name))(error);
        let written = write(&mut file)
            .and_then(|()| kept.map_or(Ok(()), |kept| Ok(fchmod(&file, Mode::from_raw_mode(kept))?)))
            .map_err(failed("write"))
            .and_then(|()| match options.durability {
                Durability::Durable => file.sync_all().map_err(failed("sync")),
                Durability::Atomic => Ok(()),
            })
            .and_then(|()| self.put(&temporary, name, options.existing));
        if let Err(error) = written {
            // It takes room, and is not needed. If it cannot be removed now, it is left over.
            let _ = self.remove(&temporary);
            return Err(error);
        }
        if options.durability == Durability::Durable {
            self.sync()?;
        }
        Ok(file)
    }

    /// Gives a temporary file its name.
    fn put(&self, temporary: &str, name: &OsStr, existing: Existing) -> Result<()> {
        if existing == Existing::Replaced {
            return self
                .dir()
                .rename(temporary, self.dir(), name)
                .map_err(StorageError::at("rename", self.path_of(name)));
        }
        let failed = |error: io::Error| StorageError::at("create", self.path_of(name))(error);
        match renameat_with(self, temporary, self, name, RenameFlags::NOREPLACE) {
            // Not every file system can. A second name is refused where the name is taken, and the first one goes.
            Err(Errno::INVAL | Errno::NOSYS) => {
                self.dir().hard_link(temporary, self.dir(), name).map_err(failed)?;
                self.remove(temporary).map(drop)
            }
            put => put.map_err(|error| failed(error.into())),
        }
    }
}

impl Location {
    /// As [`Directory::replace`].
    ///
    /// # Errors
    /// As [`Directory::replace`], or as [`Location::resolve`].
    pub fn replace(&self, bytes: &[u8], options: WriteOptions) -> Result<()> {
        let (directory, name) = self.resolve()?;
        directory.replace(name, bytes, options)
    }

    /// The same, in a directory that is not listed otherwise: first removes what a crash left there. What cannot be
    /// removed is in the way of nothing.
    ///
    /// # Errors
    /// As [`Location::replace`].
    pub fn sweep_and_replace(&self, bytes: &[u8], options: WriteOptions) -> Result<()> {
        let (directory, name) = self.resolve()?;
        let _ = directory.remove_left_over();
        directory.replace(name, bytes, options)
    }
}
