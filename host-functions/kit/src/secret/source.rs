//! Where a secret is, and the one function that reads it.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use ansai_storage::{Access, Directory, Exposure, GroupWrite, Links, Metadata, Owned, StorageError, TrustError};
use rustix::fs::fstat;

use super::{Secret, SecretError, Wiped};

/// The largest secret, in bytes.
pub const MOST_BYTES: usize = 64 << 10;

/// Read bits of the group and of others; the write bits are [`Owned::exposure`]'s.
const OTHERS_READ: u32 = 0o044;
const GROUP_READS: u32 = 0o040;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file, by its absolute path.
    File(PathBuf),
    /// In a credential that systemd passes to the service.
    Credential {
        /// The directory of the credentials; `None` if ansai was started without.
        directory: Option<PathBuf>,
        /// The name of the file in it.
        name: String,
    },
    /// Passed by another process with a request, by its number; see [`passed::secret`](crate::passed::secret).
    Passed(u64),
}

impl SecretSource {
    /// Reads the secret of now, without one newline at its end.
    ///
    /// The file must be a regular file of at most 64 KiB, not a link, owned by root or the user who runs ansai, and
    /// nobody else may read or write it, or write a directory above it. The directory is opened once, so that whoever
    /// exchanges it does not redirect the read. It never waits: a pipe is refused.
    ///
    /// # Errors
    /// The file is not as described, is empty, or the system refuses.
    pub fn read(&self) -> Result<Secret, SecretError> {
        if let SecretSource::Passed(number) = self {
            let passed = crate::passed::secret_of(*number).ok_or(SecretError::NotPassed)?;
            return Ok(Secret::of(passed.expose()));
        }
        let (directory, name) = self.open()?;
        self.read_in(&directory, &name)
    }

    /// Checks the same as [`SecretSource::read`], without opening the file.
    ///
    /// # Errors
    /// As [`SecretSource::read`].
    pub fn check(&self) -> Result<(), SecretError> {
        let (directory, name) = self.open()?;
        self.accept(&directory.path_of(&name), &directory.metadata(&name)?)
    }

    fn path(&self) -> Result<PathBuf, SecretError> {
        match self {
            SecretSource::File(path) => Ok(path.clone()),
            SecretSource::Credential { directory: Some(directory), name } => Ok(directory.join(name)),
            SecretSource::Credential { directory: None, name } => Err(SecretError::NoCredentials(name.clone())),
            SecretSource::Passed(_) => Err(SecretError::NotPassed),
        }
    }

    /// The directory that holds it, which no other user can change, and the name in it.
    fn open(&self) -> Result<(Directory, OsString), SecretError> {
        let path = self.path()?;
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            let no_name = std::io::Error::new(std::io::ErrorKind::InvalidInput, "not the path of a file");
            return Err(StorageError::at("open", &path)(no_name).into());
        };
        let directory = Directory::open_trusted(parent, Links::Checked).map_err(|error| match error {
            TrustError::Untrusted((problem, fix)) => SecretError::Exposed { problem, fix },
            TrustError::Access(error) => error.into(),
        })?;
        Ok((directory, name.to_owned()))
    }

    fn read_in(&self, directory: &Directory, name: &OsString) -> Result<Secret, SecretError> {
        let path = directory.path_of(name);
        // Before it is opened, because opening a device can have an effect; and again by the handle, because the file
        // may have been exchanged.
        self.accept(&path, &directory.metadata(name)?)?;
        let file = directory.file(name, Access::Read)?;
        let found = fstat(&file).map_err(StorageError::at("examine", &path))?;
        self.accept(&path, &Metadata::from(&found))?;
        contents(file, &path)
    }

    fn accept(&self, path: &Path, found: &Metadata) -> Result<(), SecretError> {
        if !found.is_file {
            return Err(SecretError::NotAFile { path: path.to_owned(), is_link: found.is_link });
        }
        if let Some((problem, fix)) = self.exposure(path, found.owned) {
            return Err(SecretError::Exposed { problem, fix });
        }
        match found.length {
            0 => Err(SecretError::Empty(path.to_owned())),
            // One more for the newline.
            length if length > MOST_BYTES as u64 + 1 => Err(SecretError::TooLarge(path.to_owned())),
            _ => Ok(()),
        }
    }

    /// What is wrong with owner and mode, and how to fix it.
    fn exposure(&self, path: &Path, owned: Owned) -> Option<(String, String)> {
        let shown = path.display();
        match owned.exposure(GroupWrite::Refused) {
            Some(exposure @ Exposure::Foreign { .. }) => {
                let user = rustix::process::geteuid().as_raw();
                return Some((format!("{shown} {exposure}"), format!("chown {user} {shown}")));
            }
            None if owned.mode & self.refused_bits(owned) == 0 => return None,
            _ => {}
        }
        let mode = owned.mode & 0o7777;
        let problem = format!("{shown} can be read or written by other users (mode {mode:04o})");
        Some((problem, format!("chmod 600 {shown}")))
    }

    /// For a service of another user, systemd leaves a credential to root and adds an access list with that user. Then
    /// the read bit of the group is the mask of the list.
    fn refused_bits(&self, owned: Owned) -> u32 {
        match self {
            SecretSource::Credential { .. } if (owned.uid, owned.gid) == (0, 0) => OTHERS_READ & !GROUP_READS,
            _ => OTHERS_READ,
        }
    }
}

/// All of a file, in a buffer that is wiped.
fn contents(mut file: impl Read, path: &Path) -> Result<Secret, SecretError> {
    let failed = StorageError::at("read", path);
    // Room for the newline, and for one byte that shows that the file is too large.
    let mut buffer = Wiped::new(MOST_BYTES + 2);
    let mut length = 0;
    let read = loop {
        match file.read(buffer.0.get_mut(length..).unwrap_or_default()) {
            Ok(0) => break Ok(()),
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    read.map_err(failed)?;
    let bytes = buffer.0.get(..length).unwrap_or_default();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    match bytes.len() {
        0 => Err(SecretError::Empty(path.to_owned())),
        length if length > MOST_BYTES => Err(SecretError::TooLarge(path.to_owned())),
        length => {
            let mut kept = Wiped::new(length);
            kept.0.copy_from_slice(bytes);
            Ok(Secret(kept))
        }
    }
}

#[cfg(test)]
mod tests;
