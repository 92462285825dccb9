//! The index of recordings, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ansai_storage::Directory;

use super::file_name::FileName;
use super::{Class, RecordingId};
use crate::storage::{self, StorageError};

/// File systems round file sizes up to this block size. Counting whole blocks keeps the quota correct for many small
/// files.
const BLOCK_BYTES: u64 = 4096;

/// Disk space of a file of `bytes` bytes.
pub(super) fn charged(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES)
}

#[derive(Clone, Debug)]
pub(super) struct Indexed {
    pub(super) name: FileName,
    pub(super) bytes: u64,
    pub(super) modified_millis: u64,
}

/// The recordings of a directory, ordered by age.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_order: BTreeMap<u64, Indexed>,
    by_id: HashMap<RecordingId, u64>,
    healthy: BTreeSet<u64>,
    healthy_by_instance: HashMap<String, BTreeSet<u64>>,
    charged_bytes: u64,
}

impl Index {
    /// Reads the file names of a directory; ignores other files.
    pub(super) fn scan(directory: &Directory) -> Result<Self, StorageError> {
        let mut index = Self::default();
        for text in directory.names()? {
            let Some(name) = FileName::parse(&text) else { continue };
            match directory.metadata(&text) {
                Ok(found) if found.is_file => {
                    let modified_millis = storage::millis(found.modified);
                    index.insert(Indexed { name, bytes: found.length, modified_millis });
                }
                Ok(_) => {}
                // Dropped by the writing process in the meantime.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(index)
    }

    pub(super) fn insert(&mut self, indexed: Indexed) {
        let name = &indexed.name;
        // Two files with the same order were created by hand; the last one read wins.
        self.remove(name.order);
        self.charged_bytes = self.charged_bytes.saturating_add(charged(indexed.bytes));
        self.by_id.insert(name.id.clone(), name.order);
        if name.class == Class::Healthy {
            self.healthy.insert(name.order);
            self.healthy_by_instance.entry(name.instance.clone()).or_default().insert(name.order);
        }
        self.by_order.insert(name.order, indexed);
    }

    pub(super) fn remove(&mut self, order: u64) {
        let Some(Indexed { name, bytes, .. }) = self.by_order.remove(&order) else { return };
        self.charged_bytes = self.charged_bytes.saturating_sub(charged(bytes));
        if self.by_id.get(&name.id) == Some(&order) {
            self.by_id.remove(&name.id);
        }
        self.healthy.remove(&order);
        if let Some(ring) = self.healthy_by_instance.get_mut(&name.instance) {
            ring.remove(&order);
            if ring.is_empty() {
                self.healthy_by_instance.remove(&name.instance);
            }
        }
    }

    pub(super) fn get(&self, id: &RecordingId) -> Option<&Indexed> {
        self.by_order.get(self.by_id.get(id)?)
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Indexed> {
        self.by_order.values().rev()
    }

    pub(super) fn next_order(&self) -> u64 {
        self.by_order.last_key_value().map_or(1, |(order, _)| order.saturating_add(1))
    }

    pub(super) fn charged_bytes(&self) -> u64 {
        self.charged_bytes
    }

    pub(super) fn oldest(&self) -> Option<&FileName> {
        self.by_order.first_key_value().map(|(_, indexed)| &indexed.name)
    }

    pub(super) fn oldest_healthy(&self) -> Option<&FileName> {
        self.healthy.first().and_then(|order| self.by_order.get(order)).map(|indexed| &indexed.name)
    }

    /// The oldest healthy recording of an instance that has at least `limit` of them.
    pub(super) fn oldest_of_full_ring(&self, instance: &str, limit: usize) -> Option<&FileName> {
        let ring = self.healthy_by_instance.get(instance).filter(|ring| ring.len() >= limit)?;
        ring.first().and_then(|order| self.by_order.get(order)).map(|indexed| &indexed.name)
    }
}
