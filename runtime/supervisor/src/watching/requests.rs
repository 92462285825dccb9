//! Requests of people and other programs to wake an instance: files of its name in a directory of the state directory,
//! which only root or the user of ansai can write. `ansai wake` makes them, and sees by their end that they were heard.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_storage::{Directory, StorageError};

use super::Mailboxes;

/// The directory of requests.
pub const DIRECTORY: &str = "wake";
/// What is added to the name of a request for an instance that does not exist. No instance has a dot in its name.
pub const UNKNOWN: &str = ".unknown";
/// The most names that are remembered because ansai told about them.
const MOST_TOLD: usize = 100;

/// The requests that wait.
pub(crate) struct Requests {
    directory: Directory,
    mailboxes: Arc<Mailboxes>,
    /// The names of those that were told and are still there.
    told: Mutex<BTreeSet<String>>,
}

impl Requests {
    /// Those in a state directory.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub(crate) fn open(state_dir: &Directory, mailboxes: Arc<Mailboxes>) -> Result<Requests, StorageError> {
        Ok(Requests { directory: state_dir.create_subdirectory(DIRECTORY)?, mailboxes, told: Mutex::default() })
    }

    /// Does what was asked for since the last time. One request that is not as it should be, such as a directory, keeps no
    /// other one waiting: ansai tells about it once. Names that are not UTF-8 are left alone.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn run(&self) -> Result<(), StorageError> {
        let mut bad = BTreeSet::new();
        for name in self.directory.names()? {
            if !name.ends_with(UNKNOWN)
                && let Err(error) = self.hear(&name)
            {
                let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                // Of a flood, the first are told about.
                if told.len() < MOST_TOLD && !told.contains(&name) {
                    tracing::warn!("a request to wake an instance has no effect, remove it: {error}");
                }
                if bad.len() < MOST_TOLD {
                    bad.insert(name);
                }
            }
        }
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = bad;
        Ok(())
    }

    fn hear(&self, name: &str) -> Result<(), StorageError> {
        // A request that cannot be removed would wake the instance again and again.
        if !self.mailboxes.has(name) {
            return self.directory.rename(name, format!("{name}{UNKNOWN}"));
        }
        if self.directory.remove(name)? {
            self.mailboxes.ping(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use ansai_core::InstanceName;

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");
    const TWO: InstanceName = InstanceName::from_static("two");

    /// The system lists names in any order, so bad ones are made before and after the good one.
    #[test]
    fn a_bad_request_keeps_no_other_one_waiting() {
        let state_dir = tempfile::tempdir().unwrap();
        let mailboxes = Arc::new(Mailboxes::new([&ONE, &TWO], &[]));
        let requests = Requests::open(&Directory::open(state_dir.path()).unwrap(), mailboxes.clone()).unwrap();
        let at = state_dir.path().join(DIRECTORY);
        let bad = |number: u8| {
            // Too long for the name of its answer, not UTF-8, and an answer that cannot be given.
            std::fs::write(at.join(format!("{number}{}", "x".repeat(250))), "").unwrap();
            std::fs::write(at.join(OsStr::from_bytes(&[0xff, number])), "").unwrap();
            std::fs::write(at.join(format!("9-{number}.a")), "").unwrap();
            std::fs::create_dir_all(at.join(format!("9-{number}.a{UNKNOWN}"))).unwrap();
        };
        std::fs::create_dir_all(at.join("one/more")).unwrap();
        (1..5).for_each(bad);
        std::fs::write(at.join("two"), "").unwrap();
        (5..9).for_each(bad);
        for _ in 0..2 {
            requests.run().unwrap();
        }
        let is_woken = |name: &InstanceName| mailboxes.of(name).since().is_some();
        assert_eq!((is_woken(&ONE), is_woken(&TWO)), (false, true));
        assert!(!at.join("two").exists() && at.join("one/more").exists());
        assert_eq!(requests.told.lock().unwrap().len(), 17, "each is told once, until it is gone");
    }
}
