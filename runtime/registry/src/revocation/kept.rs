//! The newest list of each address that this host has seen. The daemon reads them; `ansai pull` refreshes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::Timestamp;
use ansai_storage::{Access, Directory, StorageError, WriteOptions};
use rustix::fs::{FlockOperation, flock};

use super::list::MOST_BYTES;
use super::{RevocationError, RevocationList};
use crate::trust::{NamedKey, RevocationSource};
use crate::{Digest, Result, Store};

/// Their directory in the store.
const NAME: &str = "revocations";
const LOCK: &str = "revocations.lock";
/// As many as a configuration can name.
const MOST_LISTS: usize = 100;

/// A list that cannot say what is revoked now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListProblem {
    /// None is kept that its keys have signed.
    Missing {
        /// Of the list.
        address: String,
    },
    /// Its end has passed.
    Expired {
        /// Of the list.
        address: String,
        /// Of the kept one.
        serial: u64,
    },
}

impl std::fmt::Display for ListProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ListProblem::Missing { address } => write!(f, "no list of revocations of {address} is kept"),
            ListProblem::Expired { address, serial } => {
                write!(f, "the kept list of revocations of {address}, serial {serial}, has expired")
            }
        }
    }
}

/// What became of a list that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// It is kept now.
    New {
        /// Of the new list.
        serial: u64,
    },
    /// It is the one that is kept.
    Known {
        /// Of both.
        serial: u64,
    },
}

/// The kept lists. A host without a store has none.
#[derive(Default)]
pub struct Lists {
    /// The directory of the store.
    root: Option<Directory>,
    /// The bytes of the files that were asked for, and what they are for which keys.
    read: Mutex<BTreeMap<String, Read>>,
    /// How often [`Lists::refresh`] found a changed file.
    changes: AtomicU64,
}

#[derive(Clone)]
struct Read {
    digest: Option<Digest>,
    keys: Vec<NamedKey>,
    list: std::result::Result<Arc<RevocationList>, ListProblem>,
}

impl Lists {
    /// Those of a store.
    pub fn of(store: &Store) -> Lists {
        Lists { root: Some(store.root().clone()), ..Lists::default() }
    }

    /// The kept list of an address.
    ///
    /// # Errors
    /// None is kept, or its keys have not signed it.
    pub fn get(&self, source: &RevocationSource) -> std::result::Result<Arc<RevocationList>, ListProblem> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(&source.address)
            && known.keys == source.keys
        {
            return known.list.clone();
        }
        let found = self.read_now(source);
        read.insert(source.address.clone(), found.clone());
        found.list
    }

    /// Reads the files again that were asked for. Answers whether one has changed.
    pub fn refresh(&self) -> bool {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut has_changed = false;
        for (address, known) in read.iter_mut() {
            let source = RevocationSource { address: address.clone(), keys: known.keys.clone() };
            if self.bytes(address).map(|bytes| Digest::of(&bytes)) != known.digest {
                *known = self.read_now(&source);
                has_changed = true;
            }
        }
        if has_changed {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        has_changed
    }

    /// How often a list has changed since the start. Of several that refresh the same lists, only one is told by
    /// [`Lists::refresh`]; each can compare this number with the one that it knows.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Accepts a list that was fetched, if it is signed, not over, and not older or smaller than the kept one.
    ///
    /// # Errors
    /// It is refused, and the kept one stays; or the store cannot be written.
    pub fn update(
        &self,
        source: &RevocationSource,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<std::result::Result<Update, RevocationError>> {
        let address = || source.address.clone();
        // Of two commands at the same time, the one with the older list must not be the last one to write.
        let _alone = self.root.as_ref().map(lock).transpose()?;
        self.refresh();
        let kept = self.get(source).ok();
        // A key that the kept list revokes signs no further one.
        let is_valid = |named: &&NamedKey| {
            let hint = named.key.as_ref().map(crate::PublicKey::hint);
            !hint.is_ok_and(|hint| kept.as_ref().is_some_and(|kept| kept.revokes_key(&hint).is_some()))
        };
        let known_bytes = self.bytes(&source.address);
        let new = if known_bytes.as_deref() == Some(bytes) && kept.is_some() {
            RevocationList::read(bytes, source)
        } else {
            let keys = source.keys.iter().filter(is_valid).cloned().collect();
            RevocationList::read(bytes, &RevocationSource { address: address(), keys })
        };
        let new = match new {
            Ok(new) => new,
            Err(error) => return Ok(Err(error)),
        };
        if new.expires <= now {
            return Ok(Err(RevocationError::Expired { address: address() }));
        }
        let serial = new.serial;
        if let Some(kept) = &kept {
            if new.name != kept.name {
                let why = format!("it is the list `{}`, and `{}` is known", new.name, kept.name);
                let why = ansai_core::text::inert(&why, 200);
                return Ok(Err(RevocationError::Invalid { address: address(), why }));
            }
            if **kept == new {
                return Ok(Ok(Update::Known { serial }));
            }
            // Another list with the serial of the kept one is no newer one.
            if serial <= kept.serial {
                return Ok(Err(RevocationError::Older { address: address(), serial, known: kept.serial }));
            }
            if let Some(what) = new.lacks(kept) {
                return Ok(Err(RevocationError::Shrunken { address: address(), what }));
            }
        }
        if let Some(root) = &self.root {
            root.create_subdirectory(NAME)?.replace(file_name(&source.address), bytes, WriteOptions::PRIVATE)?;
        }
        self.read.lock().unwrap_or_else(PoisonError::into_inner).remove(&source.address);
        Ok(Ok(Update::New { serial }))
    }

    fn read_now(&self, source: &RevocationSource) -> Read {
        let missing = || ListProblem::Missing { address: source.address.clone() };
        let bytes = self.bytes(&source.address);
        let list = bytes.as_deref().and_then(|bytes| RevocationList::read(bytes, source).ok());
        Read {
            digest: bytes.as_deref().map(Digest::of),
            keys: source.keys.clone(),
            list: list.map(Arc::new).ok_or_else(missing),
        }
    }

    /// The file of the kept list of an address, not verified.
    pub fn bytes(&self, address: &str) -> Option<Vec<u8>> {
        let directory = self.root.as_ref()?.subdirectory(NAME).ok()?;
        directory.read(file_name(address), MOST_BYTES).ok()?.map(|content| content.bytes)
    }

    /// When the kept list of an address was stored; `None` if none is, or if the time is unknown.
    pub fn kept_since(&self, address: &str) -> Option<Timestamp> {
        let directory = self.root.as_ref()?.subdirectory(NAME).ok()?;
        let modified = directory.metadata(file_name(address)).ok()?.modified;
        let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
        u64::try_from(since.as_millis()).ok().map(Timestamp::from_millis)
    }

    /// Copies all files into another store, to take them to another host. Nothing in them is believed there.
    ///
    /// # Errors
    /// The system refuses.
    pub fn copy(&self, to: &Store) -> Result<()> {
        let Some(from) = self.root.as_ref().and_then(|root| root.subdirectory(NAME).ok()) else { return Ok(()) };
        let to = to.root().create_subdirectory(NAME)?;
        for name in from.names()?.into_iter().take(MOST_LISTS) {
            if let Some(content) = from.read(&name, MOST_BYTES)? {
                to.replace(&name, &content.bytes, WriteOptions::PRIVATE)?;
            }
        }
        Ok(())
    }
}

fn lock(root: &Directory) -> Result<File> {
    let file = root.file(LOCK, Access::AppendOrCreate)?;
    flock(&file, FlockOperation::LockExclusive).map_err(StorageError::at("lock", root.path_of(LOCK)))?;
    Ok(file)
}

fn file_name(address: &str) -> String {
    format!("{}.json", Digest::of(address.as_bytes()).hex())
}
