//! The newest signed head, next to the log. It distinguishes a damaged end of the log from an interrupted write.

use std::path::{Path, PathBuf};

use ansai_storage::{Location, WriteOptions};

use crate::signed_head::{ParseSignedHeadError, SignedHead};
use crate::storage::StorageError;

/// Maximum size in bytes, which exceeds that of any signed head.
const MOST_BYTES: u64 = 1024;

/// A file with one signed head, replaced atomically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadFile(Location);

/// Why the head in a file cannot be used. A crash leaves the old head or the new one, so it does not explain these
/// errors.
#[derive(Debug, thiserror::Error)]
pub enum HeadFileError {
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The content is not a signed head.
    #[error("{} is not a signed head: {cause}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: ParseSignedHeadError,
    },
    /// The signature does not match.
    #[error("the head in {} has an invalid signature", .0.display())]
    Signature(PathBuf),
}

impl HeadFileError {
    /// How to fix it, for a person.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Storage(_) => None,
            Self::Form { .. } | Self::Signature(_) => {
                Some("verify the log with a head kept elsewhere, then move this file away: ansai makes a new one")
            }
        }
    }
}

impl HeadFile {
    /// A head in a file; does not access the file yet.
    pub fn new(file: impl Into<Location>) -> Self {
        Self(file.into())
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Reads the head and checks its signature; `None` if the file does not exist.
    ///
    /// # Errors
    /// If the content is not a signed head, or its signature does not match.
    pub fn read(&self) -> Result<Option<SignedHead>, HeadFileError> {
        let Some(found) = self.0.read(MOST_BYTES)? else { return Ok(None) };
        let form = |cause| HeadFileError::Form { path: self.path().to_owned(), cause };
        let text = std::str::from_utf8(&found.bytes).ok().and_then(|text| text.strip_suffix('\n'));
        let head: SignedHead = text.ok_or(form(ParseSignedHeadError::Part("end")))?.parse().map_err(form)?;
        if !head.is_signed() {
            return Err(HeadFileError::Signature(self.path().to_owned()));
        }
        Ok(Some(head))
    }

    /// Replaces the head durably. After a crash the file holds the old head or the new one.
    ///
    /// # Errors
    /// If the system refuses; the old head is still there.
    pub fn write(&self, head: &SignedHead) -> Result<(), StorageError> {
        self.0.replace(format!("{head}\n").as_bytes(), WriteOptions::default())
    }
}
