//! The lock file and the store, opened once: a host may run hundreds of policies from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_registry::{Digest, Lists, Lock, RegistryError, ShadowRecord, Store, Trial};
use ansai_storage::{Directory, Links, TrustError};

use super::shadow::known_shadows;
use super::{known_trials, lock_of};
use crate::error::Error;
use crate::state::StateDirError;

/// What is open, shared by all clones.
#[derive(Clone, Default)]
pub(super) struct Opened(Arc<Mutex<Option<Arc<Open>>>>);

pub(super) struct Open {
    of: (PathBuf, PathBuf),
    pub(super) lock: Lock,
    pub(super) store: Store,
    pub(super) lists: Arc<Lists>,
    /// How versions did on this host.
    pub(super) trials: BTreeMap<Digest, Trial>,
    /// What was seen of versions beside pinned ones, by source.
    pub(super) shadows: BTreeMap<String, ShadowRecord>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl Opened {
    /// The lock file next to a configuration, and the store of a state directory. What cannot be opened is tried again.
    pub(super) fn of(&self, configuration: &Path, state_dir: &Path, source: &str) -> Result<Arc<Open>, Error> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened.as_ref().filter(|known| known.of.0 == configuration && known.of.1 == state_dir) {
            return Ok(known.clone());
        }
        let lock = lock_of(configuration)?;
        // An unpinned source is told before a missing store.
        lock.get(source)?;
        let missing = || RegistryError::NotStored(source.to_owned());
        // What is in the state directory besides is not looked at.
        let directory = match Directory::open_trusted(state_dir, Links::Refused) {
            Ok(directory) => directory,
            Err(TrustError::Access(error)) if error.is_not_found() => return Err(missing().into()),
            Err(TrustError::Access(error)) => return Err(RegistryError::from(error).into()),
            Err(TrustError::Untrusted(problem)) => return Err(StateDirError::Untrusted(problem).into()),
        };
        let store = Store::open(&directory)?.ok_or_else(missing)?;
        let (lists, trials) = (Arc::new(Lists::of(&store)), known_trials(&store));
        let shadows = known_shadows(&store);
        let of = (configuration.to_owned(), state_dir.to_owned());
        Ok(opened.insert(Arc::new(Open { of, lock, store, lists, trials, shadows })).clone())
    }
}
