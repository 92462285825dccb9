//! The index of recordings, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ansai_storage::Directory;

use super::file_name::FileName;
use super::pack::{self, Place};
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
    /// Where it is, if it is in a pack.
    pub(super) place: Option<Place>,
}

/// A pack, and the orders of its recordings.
#[derive(Debug, Default)]
struct Pack {
    bytes: u64,
    recordings: Vec<u64>,
}

/// The recordings of a directory, ordered by age.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_order: BTreeMap<u64, Indexed>,
    by_id: HashMap<RecordingId, u64>,
    /// Those that are files.
    by_instance: HashMap<String, OfInstance>,
    charged_bytes: u64,
    packs: BTreeMap<u64, Pack>,
    packed_bytes: u64,
}

/// The recordings of one instance.
#[derive(Debug, Default)]
struct OfInstance {
    charged_bytes: u64,
    /// By class, and in it by age: the first one is dropped first.
    by_use: BTreeSet<(Class, u64)>,
}

impl Index {
    /// Reads the file names of a directory; ignores other files.
    pub(super) fn scan(directory: &Directory) -> Result<Self, StorageError> {
        let mut index = Self::default();
        for text in directory.names()? {
            let (pack, name) = (pack::order_of(&text), FileName::parse(&text));
            if pack.is_none() && name.is_none() {
                continue;
            }
            match directory.metadata(&text) {
                Ok(found) if found.is_file => {
                    if let Some(order) = pack {
                        index.scan_pack(directory, order, found.length);
                    }
                    let modified_millis = storage::millis(found.modified);
                    if let Some(name) = name {
                        index.insert(Indexed { name, bytes: found.length, modified_millis, place: None });
                    }
                }
                Ok(_) => {}
                // Dropped by the writing process in the meantime.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(index)
    }

    /// Adds a pack. One that cannot be read hides no other one, and is dropped in its turn.
    fn scan_pack(&mut self, directory: &Directory, order: u64, bytes: u64) {
        self.grow_pack(order, bytes);
        let entries = match pack::scan(directory, order) {
            Ok(entries) => entries,
            // Dropped by the writing process in the meantime.
            Err(error) if error.is_not_found() => return,
            Err(error) => return tracing::warn!("some samples of healthy evaluations are unknown: {error}"),
        };
        for pack::Entry { name, offset, bytes, modified_millis } in entries {
            let place = Some(Place { pack: order, offset });
            self.insert_sample(Indexed { name, bytes, modified_millis, place });
        }
    }

    /// Adds a recording of a pack. One that has the order or the id of another one was put there by hand, and does not count.
    pub(super) fn insert_sample(&mut self, indexed: Indexed) {
        let Some(Place { pack, .. }) = indexed.place else { return };
        let (order, id) = (indexed.name.order, &indexed.name.id);
        if self.by_order.contains_key(&order) || self.by_id.contains_key(id) {
            return;
        }
        self.by_id.insert(id.clone(), order);
        self.packs.entry(pack).or_default().recordings.push(order);
        self.by_order.insert(order, indexed);
    }

    /// A pack is longer by this many bytes; or new.
    pub(super) fn grow_pack(&mut self, order: u64, bytes: u64) {
        let pack = self.packs.entry(order).or_default();
        let before = charged(pack.bytes);
        pack.bytes = pack.bytes.saturating_add(bytes);
        self.packed_bytes = self.packed_bytes.saturating_sub(before).saturating_add(charged(pack.bytes));
    }

    /// Forgets a pack; answers which recordings went with it.
    pub(super) fn remove_pack(&mut self, order: u64) -> Vec<RecordingId> {
        let Some(pack) = self.packs.remove(&order) else { return Vec::new() };
        self.packed_bytes = self.packed_bytes.saturating_sub(charged(pack.bytes));
        let is_in_it = |indexed: &Indexed| indexed.place.is_some_and(|place| place.pack == order);
        let mut ids = Vec::new();
        for recording in pack.recordings {
            if self.by_order.get(&recording).is_some_and(is_in_it)
                && let Some(Indexed { name, .. }) = self.by_order.remove(&recording)
            {
                self.forget_id(&name.id, recording);
                ids.push(name.id);
            }
        }
        ids
    }

    fn forget_id(&mut self, id: &RecordingId, order: u64) {
        if self.by_id.get(id) == Some(&order) {
            self.by_id.remove(id);
        }
    }

    pub(super) fn oldest_pack(&self) -> Option<u64> {
        self.packs.first_key_value().map(|(order, _)| *order)
    }

    /// Disk space of all packs.
    pub(super) fn packed_bytes(&self) -> u64 {
        self.packed_bytes
    }

    /// Disk space of everything.
    pub(super) fn used_bytes(&self) -> u64 {
        self.charged_bytes.saturating_add(self.packed_bytes)
    }

    pub(super) fn insert(&mut self, indexed: Indexed) {
        let name = &indexed.name;
        // Two files with the same order were created by hand; the last one read wins.
        self.remove(name.order);
        self.charged_bytes = self.charged_bytes.saturating_add(charged(indexed.bytes));
        self.by_id.insert(name.id.clone(), name.order);
        let of_instance = self.by_instance.entry(name.instance.clone()).or_default();
        of_instance.charged_bytes = of_instance.charged_bytes.saturating_add(charged(indexed.bytes));
        of_instance.by_use.insert((name.class, name.order));
        self.by_order.insert(name.order, indexed);
    }

    pub(super) fn remove(&mut self, order: u64) {
        let Some(Indexed { name, bytes, place, .. }) = self.by_order.remove(&order) else { return };
        self.forget_id(&name.id, order);
        if place.is_some() {
            return;
        }
        self.charged_bytes = self.charged_bytes.saturating_sub(charged(bytes));
        if let Some(of_instance) = self.by_instance.get_mut(&name.instance) {
            of_instance.charged_bytes = of_instance.charged_bytes.saturating_sub(charged(bytes));
            of_instance.by_use.remove(&(name.class, order));
            if of_instance.by_use.is_empty() {
                self.by_instance.remove(&name.instance);
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
        let last = self.by_order.keys().next_back().max(self.packs.keys().next_back());
        last.map_or(1, |order| order.saturating_add(1))
    }

    pub(super) fn charged_bytes(&self) -> u64 {
        self.charged_bytes
    }

    /// What a new recording of this class displaces: one of its own instance if that has its share of the quota, otherwise
    /// one of the instance that has most. There, the least useful class goes first, and in it the oldest. A healthy
    /// recording displaces only healthy ones.
    pub(super) fn victim(&self, new: &FileName, bytes: u64, quota_bytes: u64) -> Option<&FileName> {
        let used = |instance: &str| self.by_instance.get(instance).map_or(0, |one| one.charged_bytes);
        let is_new = !self.by_instance.contains_key(&new.instance);
        let instances = (self.by_instance.len() as u64).saturating_add(u64::from(is_new)).max(1);
        let share = quota_bytes / instances;
        let own = used(&new.instance);
        if own > 0 && own.saturating_add(charged(bytes)) > share {
            return self.least_useful(&new.instance, new.class);
        }
        let mut others: Vec<(&String, &OfInstance)> = self.by_instance.iter().collect();
        others.sort_unstable_by_key(|(name, one)| (std::cmp::Reverse(one.charged_bytes), name.as_str()));
        others.into_iter().find_map(|(name, _)| self.least_useful(name, new.class))
    }

    fn least_useful(&self, instance: &str, for_class: Class) -> Option<&FileName> {
        let (class, order) = self.by_instance.get(instance)?.by_use.first()?;
        let may_go = for_class != Class::Healthy || *class == Class::Healthy;
        self.by_order.get(order).filter(|_| may_go).map(|indexed| &indexed.name)
    }

    /// The oldest healthy recording: of the instance itself if it has one, otherwise of the instance that has most.
    pub(super) fn healthy_victim(&self, instance: &str) -> Option<&FileName> {
        let others = || {
            let mut others: Vec<(&String, &OfInstance)> = self.by_instance.iter().collect();
            others.sort_unstable_by_key(|(name, one)| (std::cmp::Reverse(one.charged_bytes), name.as_str()));
            others.into_iter().find_map(|(name, _)| self.least_useful(name, Class::Healthy))
        };
        self.least_useful(instance, Class::Healthy).or_else(others)
    }

    /// The oldest healthy recording of an instance that has at least `limit` of them.
    pub(super) fn oldest_of_full_ring(&self, instance: &str, limit: usize) -> Option<&FileName> {
        let healthy = (Class::Healthy, 0)..(Class::Notable, 0);
        let of_instance = self.by_instance.get(instance)?;
        if of_instance.by_use.range(healthy.clone()).count() < limit {
            return None;
        }
        let (_, order) = of_instance.by_use.range(healthy).next()?;
        self.by_order.get(order).map(|indexed| &indexed.name)
    }
}
