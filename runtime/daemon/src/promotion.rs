//! Writes another level of an action to the configuration file of an operator.
//!
//! The file is replaced whole or not at all, with its owner and mode, and only if it is still the one that was read. A
//! symbolic link stays: the file that it leads to is replaced. A running daemon reads the file again before its next step.

use std::path::{Path, PathBuf};

use ansai_config::{EditError, Edited, MOST_HOST_BYTES, set_level};
use ansai_core::{Code, InstanceName, Interface, InterfaceName, Mode, codes, exit};
use ansai_storage::{Directory, Durability, Existing, Links, Permissions, StorageError, TrustError, WriteOptions};
use sha2::{Digest as _, Sha256};

use crate::configuration::Configuration;
use crate::error::Error;
use crate::in_time::in_time;

/// Why a configuration was not changed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PromotionError {
    /// The text does not allow it.
    #[error("{}: {why}", path.display())]
    Edit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: EditError,
    },
    /// Another user can write the file, so nobody knows who else changes it.
    #[error("{problem}: refusing to write it")]
    Untrusted {
        /// Who can write what.
        problem: String,
        /// The command that fixes it.
        fix: Option<String>,
    },
    /// Somebody changed the file meanwhile.
    #[error("{} changed while it was read", .0.display())]
    Changed(PathBuf),
    /// The system refuses.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file system does not answer.
    #[error("{}: {error}", path.display())]
    Silent {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

impl PromotionError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            PromotionError::Edit { why: EditError::Invalid(_), .. } => codes::INVALID,
            PromotionError::Edit { why: EditError::NoInstance(_), .. } => codes::UNKNOWN_INSTANCE,
            PromotionError::Edit { why: EditError::NotGranted { .. }, .. } => codes::UNKNOWN_ACTION,
            PromotionError::Edit { why: EditError::Form(_), .. } | PromotionError::Changed(_) => codes::CANNOT_EDIT,
            PromotionError::Untrusted { .. } => codes::UNTRUSTED_CONFIGURATION,
            PromotionError::Storage(_) | PromotionError::Silent { .. } => codes::FILE_ACCESS,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> Option<String> {
        match self {
            PromotionError::Edit { why: EditError::Form(_), .. } => {
                Some("edit the file by hand: `mode` of the instance, and `approve = true` in its grants".to_owned())
            }
            PromotionError::Changed(_) => Some("look at the file, then run the command again".to_owned()),
            PromotionError::Untrusted { fix, .. } => fix.clone(),
            PromotionError::Storage(_) => Some("run this as the user who may write the file".to_owned()),
            PromotionError::Edit { .. } | PromotionError::Silent { .. } => None,
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            PromotionError::Edit { why: EditError::Form(_), .. }
            | PromotionError::Untrusted { .. }
            | PromotionError::Changed(_) => exit::REFUSED,
            PromotionError::Edit { .. } => exit::USAGE,
            PromotionError::Storage(_) | PromotionError::Silent { .. } => exit::OTHER,
        }
    }
}

/// The text of a configuration file, and what it becomes.
#[derive(Debug, Clone)]
pub struct Change {
    path: PathBuf,
    /// The text that was read.
    pub before: String,
    /// The text with another level.
    pub edited: Edited,
}

impl Change {
    /// Reads the file of a configuration and gives an action of an instance another level. Nothing is written.
    ///
    /// # Errors
    /// The file cannot be read or edited.
    pub fn of(
        configuration: &Configuration,
        (instance, action): (&InstanceName, &InterfaceName),
        to: Mode,
        interfaces: &[Interface],
    ) -> Result<Change, Error> {
        let path = configuration.path.clone();
        let before = answering(&path, read)?;
        let edited = set_level(&before, (instance, action), to, interfaces)
            .map_err(|why| PromotionError::Edit { path: path.clone(), why })?;
        Ok(Change { path, before, edited })
    }

    /// SHA-256 of the text after the change, hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.edited.text))
    }

    /// Refuses a file that another user can change.
    ///
    /// # Errors
    /// Another user can write it, a directory above it, or a link on the way.
    pub fn check_trust(&self, configuration: &Configuration) -> Result<(), Error> {
        let Some(problem) = configuration.trust.problem() else { return Ok(()) };
        let (problem, fix) = match problem.split_once("; hint: ") {
            Some((problem, fix)) => (problem.to_owned(), Some(fix.to_owned())),
            None => (problem, None),
        };
        Err(PromotionError::Untrusted { problem, fix }.into())
    }

    /// Replaces the file, durably.
    ///
    /// # Errors
    /// It is no longer the one that was read, another user can change it, or the system refuses. It is as it was.
    pub fn write(&self) -> Result<(), Error> {
        let (before, after) = (self.before.clone(), self.edited.text.clone());
        answering(&self.path, move |path| replace(path, &before, &after))
    }
}

/// Work on the file, unless its file system does not answer.
fn answering<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> Result<T, PromotionError> + Send + 'static,
) -> Result<T, Error> {
    let own = path.to_owned();
    let done = in_time(move || work(&own)).map_err(|error| PromotionError::Silent { path: path.to_owned(), error })?;
    Ok(done?)
}

/// The directory of the file without links, which no other user can change, and the name in it.
fn place(path: &Path) -> Result<(Directory, std::ffi::OsString), PromotionError> {
    #[expect(clippy::disallowed_methods, reason = "the place of the file itself, not of a link to it")]
    let real = std::fs::canonicalize(path).map_err(StorageError::at("open", path))?;
    let no_name = || StorageError::at("open", path)(std::io::Error::from(std::io::ErrorKind::InvalidInput));
    let (parent, name) = real.parent().zip(real.file_name()).ok_or_else(no_name)?;
    let directory = Directory::open_trusted(parent, Links::Refused).map_err(|error| match error {
        TrustError::Untrusted((problem, fix)) => PromotionError::Untrusted { problem, fix: Some(fix) },
        TrustError::Access(error) => PromotionError::Storage(error),
    })?;
    Ok((directory, name.to_owned()))
}

fn read(path: &Path) -> Result<String, PromotionError> {
    // Whoever may write it is asked before it is written.
    let bytes = ansai_storage::Location::followed(path).read(MOST_HOST_BYTES as u64)?.map(|content| content.bytes);
    String::from_utf8(bytes.unwrap_or_default()).map_err(|_| PromotionError::Changed(path.to_owned()))
}

fn replace(path: &Path, before: &str, after: &str) -> Result<(), PromotionError> {
    let (directory, name) = place(path)?;
    // What a kill in the middle of an earlier change left.
    directory.remove_left_over()?;
    let found = directory.read(&name, MOST_HOST_BYTES as u64)?;
    let owned = match found {
        Some(found) if found.bytes == before.as_bytes() => found.owned,
        _ => return Err(PromotionError::Changed(path.to_owned())),
    };
    let options =
        WriteOptions { permissions: Permissions::Kept, durability: Durability::Durable, existing: Existing::Replaced };
    let write = |file: &mut std::fs::File| {
        keep_owner(file, owned)?;
        std::io::Write::write_all(file, after.as_bytes())
    };
    directory.replace_with(&name, options, write).map(drop)?;
    Ok(())
}

/// Gives the new file the owner of the old one.
fn keep_owner(file: &std::fs::File, owned: ansai_storage::Owned) -> std::io::Result<()> {
    let now = rustix::fs::fstat(file)?;
    if (now.st_uid, now.st_gid) == (owned.uid, owned.gid) {
        return Ok(());
    }
    let (uid, gid) = (rustix::fs::Uid::from_raw(owned.uid), rustix::fs::Gid::from_raw(owned.gid));
    Ok(rustix::fs::fchown(file, Some(uid), Some(gid))?)
}

#[cfg(test)]
mod tests;
