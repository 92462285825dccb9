//! Stores samples of healthy evaluations in packs: see [`super::pack`].

use super::file_name::FileName;
use super::index::{Indexed, charged};
use super::pack::{Frame, OpenPack, Place};
use super::{Class, PutError, PutRefusal, RecordingId, Recordings, Stored, content};
use crate::storage::{self, StorageError};

/// Packs take at most this part of the quota.
const PART_OF_QUOTA: u64 = 4;

impl Recordings {
    /// Stores a healthy recording in one file with others, as [`Recordings::put`] but for this: it survives the end of the
    /// process, as every healthy one, but it is dropped with all others of its file, the oldest file first. Such files take at
    /// most a quarter of the quota. For samples of which nobody needs each, when there are thousands of instances.
    ///
    /// # Errors
    /// As [`Recordings::put`].
    pub fn put_sample(&mut self, id: &RecordingId, instance: &str, content: &[u8]) -> Result<Stored, PutError> {
        let mut evicted = Vec::new();
        match self.put_sample_evicting(id, instance, content, &mut evicted) {
            Ok(stored_bytes) => Ok(Stored { sha256: content::sha256(content), stored_bytes, evicted }),
            Err(refusal) => Err(PutError { refusal, evicted }),
        }
    }

    fn put_sample_evicting(
        &mut self,
        id: &RecordingId,
        instance: &str,
        content: &[u8],
        evicted: &mut Vec<RecordingId>,
    ) -> Result<u64, PutRefusal> {
        let stored = self.compressed(id, instance, content)?;
        let name =
            FileName { order: self.next_order, class: Class::Healthy, instance: instance.to_owned(), id: id.clone() };
        let modified_millis = storage::millis(std::time::SystemTime::now());
        let Some(frame) = Frame::new(&name, modified_millis, &stored) else {
            return self.put_file(name, &stored, evicted);
        };
        self.make_room_for_sample(&name, frame.len(), evicted)?;
        let place = self.append_evicting(&name, &frame, evicted)?;
        self.next_order = self.next_order.saturating_add(1);
        let bytes = stored.len() as u64;
        self.catalog.index.insert_sample(Indexed { name, bytes, modified_millis, place: Some(place) });
        self.catalog.index.grow_pack(place.pack, frame.len());
        Ok(bytes)
    }

    /// Drops packs, then healthy recordings, until the new one fits.
    fn make_room_for_sample(
        &mut self,
        new: &FileName,
        bytes: u64,
        evicted: &mut Vec<RecordingId>,
    ) -> Result<(), PutRefusal> {
        let quota_bytes = self.retention.quota_bytes;
        // The first one of a pack takes a block, the last one may begin another one.
        while self.catalog.index.packed_bytes().saturating_add(charged(bytes)) > quota_bytes / PART_OF_QUOTA {
            if !self.drop_oldest_pack(evicted)? {
                return Err(PutRefusal::QuotaTaken { quota_bytes });
            }
        }
        while self.catalog.index.used_bytes().saturating_add(charged(bytes)) > quota_bytes {
            match self.catalog.index.victim(new, bytes, quota_bytes).cloned() {
                Some(victim) => self.evict(&victim, evicted)?,
                None if self.drop_oldest_pack(evicted)? => {}
                None => return Err(PutRefusal::QuotaTaken { quota_bytes }),
            }
        }
        Ok(())
    }

    /// Appends a sample. While the disk is full, drops packs, then healthy recordings, and retries.
    fn append_evicting(
        &mut self,
        name: &FileName,
        frame: &Frame,
        evicted: &mut Vec<RecordingId>,
    ) -> Result<Place, PutRefusal> {
        loop {
            let full = match self.append(name.order, frame) {
                Err(error) if error.is_out_of_space() => error,
                appended => return Ok(appended?),
            };
            if self.drop_oldest_pack(evicted)? {
                continue;
            }
            match self.catalog.index.healthy_victim(&name.instance).cloned() {
                Some(victim) => self.evict(&victim, evicted)?,
                None => return Err(PutRefusal::NoSpace(full)),
            }
        }
    }

    /// Appends to the open pack, or to a new one. No pack is empty, so whoever drops one for its space has it.
    fn append(&mut self, order: u64, frame: &Frame) -> Result<Place, StorageError> {
        if let Some(pack) = self.pack.as_mut().filter(|pack| pack.has_room(frame.len())) {
            return pack.append(frame);
        }
        let mut pack = OpenPack::create(&self.catalog.directory, order)?;
        let place = pack.append(frame);
        if place.is_ok() {
            self.pack = Some(pack);
        } else if let Err(error) = self.catalog.remove_pack(order) {
            tracing::warn!(%error, "an empty file of recordings is left behind");
        }
        place
    }

    /// Drops the oldest pack with its recordings; false if there is none.
    pub(super) fn drop_oldest_pack(&mut self, evicted: &mut Vec<RecordingId>) -> Result<bool, StorageError> {
        let Some(order) = self.catalog.index.oldest_pack() else { return Ok(false) };
        if self.pack.as_ref().is_some_and(|pack| pack.order == order) {
            self.pack = None;
        }
        evicted.extend(self.catalog.remove_pack(order)?);
        Ok(true)
    }
}
