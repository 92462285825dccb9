//! Requests of people and other programs to wake an instance: files of its name in a directory of the state directory,
//! which only root or the user of ansai can write. `ansai wake` makes them, and sees by their end that they were heard.

use std::sync::Arc;

use ansai_storage::{Directory, StorageError};

use super::Mailboxes;

/// The directory of requests.
pub const DIRECTORY: &str = "wake";
/// What is added to the name of a request for an instance that does not exist. No instance has a dot in its name.
pub const UNKNOWN: &str = ".unknown";

/// The requests that wait.
pub(crate) struct Requests {
    directory: Directory,
    mailboxes: Arc<Mailboxes>,
}

impl Requests {
    /// Those in a state directory.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub(crate) fn open(state_dir: &Directory, mailboxes: Arc<Mailboxes>) -> Result<Requests, StorageError> {
        Ok(Requests { directory: state_dir.create_subdirectory(DIRECTORY)?, mailboxes })
    }

    /// Does what was asked for since the last time.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn run(&self) -> Result<(), StorageError> {
        for name in self.directory.names()? {
            if name.ends_with(UNKNOWN) {
                continue;
            }
            // A request that cannot be removed would wake the instance again and again.
            if !self.mailboxes.has(&name) {
                self.directory.rename(&name, format!("{name}{UNKNOWN}"))?;
            } else if self.directory.remove(&name)? {
                self.mailboxes.ping(&name);
            }
        }
        Ok(())
    }
}
