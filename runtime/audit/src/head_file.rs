//! The newest signed head, beside the log: what tells a damaged end of the log from one that a crash tore.

use std::path::{Path, PathBuf};

use ansai_storage::{Location, WriteOptions};

use crate::signed_head::{ParseSignedHeadError, SignedHead};
use crate::storage::StorageError;

/// Longer than any signed head.
const MOST_BYTES: u64 = 1024;

/// A file with one signed head, replaced as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadFile(Location);

/// Why the head in a file cannot be relied on. A crash leaves the old one or the new one, so neither is its doing.
#[derive(Debug, thiserror::Error)]
pub enum HeadFileError {
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It holds something else.
    #[error("{} is not a signed head: {cause}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: ParseSignedHeadError,
    },
    /// It is not as it was signed.
    #[error("the head in {} has an invalid signature", .0.display())]
    Signature(PathBuf),
}

impl HeadFileError {
    /// The way out, for a person.
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
    /// A head in a file; touches nothing yet.
    pub fn new(file: impl Into<Location>) -> Self {
        Self(file.into())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The head, its signature checked; `None` where there is no file.
    ///
    /// # Errors
    /// When the file holds something else, or what is not as it was signed.
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

    /// Replaces the head, durably; after a crash the file holds the old one or the new one.
    ///
    /// # Errors
    /// When the system refuses; the old one is still there.
    pub fn write(&self, head: &SignedHead) -> Result<(), StorageError> {
        self.0.replace(format!("{head}\n").as_bytes(), WriteOptions::default())
    }
}
