//! Who uses the store now. Locks end with their process.

use std::fs::File;

use ansai_storage::{Access, StorageError};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Store;
use crate::Result;

/// Held while the index is changed.
pub(crate) const INDEX: &str = "index.lock";
/// Held, together with others, while content has no name yet.
const BUSY: &str = "content.lock";

impl Store {
    /// Keeps content that has no name yet, until it is dropped.
    pub(crate) fn busy(&self) -> Result<File> {
        self.lock(BUSY, FlockOperation::LockShared)
    }

    /// Nobody else pulls until it is dropped; `None` if somebody does.
    pub(super) fn try_lock_busy(&self) -> Result<Option<File>> {
        let file = self.root.file(BUSY, Access::AppendOrCreate)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            locked => Ok(locked.map(|()| Some(file)).map_err(StorageError::at("lock", self.root.path_of(BUSY)))?),
        }
    }

    pub(crate) fn lock(&self, name: &str, how: FlockOperation) -> Result<File> {
        let file = self.root.file(name, Access::AppendOrCreate)?;
        flock(&file, how).map_err(StorageError::at("lock", self.root.path_of(name)))?;
        Ok(file)
    }
}
