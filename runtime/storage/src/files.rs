//! What can be done with the files of a directory.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, Mode, fchmod, fstat, statat};

use crate::examine::fault;
use crate::{Access, Content, Directory, Metadata, Result, StorageError};

impl Directory {
    /// Opens a file in it.
    ///
    /// # Errors
    /// The system refuses. A symbolic link is refused, and for reading also what is not a regular file. In a directory
    /// that was opened as trusted, so is what another user can change, and what has a second name.
    pub fn file(&self, name: impl AsRef<OsStr>, access: Access) -> Result<File> {
        let name = self.name(access.action(), name.as_ref())?;
        let failed = |error: io::Error| StorageError::at(access.action(), self.path_of(name))(error);
        let file = self.dir().open_with(name, &access.options()).map_err(failed)?.into_std();
        if access == Access::Read && !file.metadata().map_err(failed)?.is_file() {
            return Err(StorageError::at("read", self.path_of(name))(io::Error::other("not a regular file")));
        }
        if self.is_trusted()
            && let Some(fault) = fault(&fstat(&file).map_err(|error| failed(error.into()))?, file.as_fd())
        {
            return Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, fault.to_string())));
        }
        Ok(file)
    }

    /// Takes the permissions of all other users from a file of this user; `false` where there is none.
    ///
    /// # Errors
    /// As [`Directory::file`].
    pub fn make_private(&self, name: impl AsRef<OsStr>) -> Result<bool> {
        let name = name.as_ref();
        let file = match self.file(name, Access::Append) {
            Err(error) if error.is_not_found() => return Ok(false),
            opened => opened?,
        };
        let stat = fstat(&file).map_err(StorageError::at("examine", self.path_of(name)))?;
        let mode = stat.st_mode & 0o7777;
        if mode & 0o077 != 0 {
            fchmod(&file, Mode::from_raw_mode(mode & 0o700))
                .map_err(StorageError::at("make private", self.path_of(name)))?;
        }
        Ok(true)
    }

    /// Reads a file, up to one byte more than `most_bytes`, so that a longer one shows; `None` where there is none.
    ///
    /// # Errors
    /// As [`Directory::file`].
    pub fn read(&self, name: impl AsRef<OsStr>, most_bytes: u64) -> Result<Option<Content>> {
        let name = name.as_ref();
        let file = match self.file(name, Access::Read) {
            Err(error) if error.is_not_found() => return Ok(None),
            opened => opened?,
        };
        let stat = fstat(&file).map_err(StorageError::at("examine", self.path_of(name)))?;
        let mut bytes = Vec::new();
        file.take(most_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(StorageError::at("read", self.path_of(name)))?;
        Ok(Some(Content { bytes, owned: (&stat).into() }))
    }

    /// Size, time, kind and owner of what has this name. A symbolic link is not followed.
    ///
    /// # Errors
    /// There is none, or the system refuses.
    pub fn metadata(&self, name: impl AsRef<OsStr>) -> Result<Metadata> {
        let name = self.name("examine", name.as_ref())?;
        let stat = statat(self.dir(), name, AtFlags::SYMLINK_NOFOLLOW);
        Ok((&stat.map_err(StorageError::at("examine", self.path_of(name)))?).into())
    }

    /// The names in it that are UTF-8, in no order. ansai gives no other names.
    ///
    /// # Errors
    /// The system refuses.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.dir().entries().map_err(StorageError::at("list", self.path()))? {
            let entry = entry.map_err(StorageError::at("list", self.path()))?;
            names.extend(entry.file_name().into_string());
        }
        Ok(names)
    }

    /// Removes a file, or a link; `false` when there is none.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> Result<bool> {
        let name = self.name("remove", name.as_ref())?;
        match self.dir().remove_file(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true).map_err(StorageError::at("remove", self.path_of(name))),
        }
    }

    /// Removes a directory with all that is in it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove_subdirectory(&self, name: impl AsRef<OsStr>) -> Result<()> {
        let name = self.name("remove", name.as_ref())?;
        self.dir().remove_dir_all(name).map_err(StorageError::at("remove", self.path_of(name)))
    }

    /// Renames a file within the directory. A file that has the new name is replaced. [`Directory::sync`] makes it
    /// durable.
    ///
    /// # Errors
    /// The system refuses.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> Result<()> {
        let from = self.name("rename", from.as_ref())?;
        let to = self.name("rename", to.as_ref())?;
        self.dir().rename(from, self.dir(), to).map_err(StorageError::at("rename", self.path_of(from)))
    }
}
