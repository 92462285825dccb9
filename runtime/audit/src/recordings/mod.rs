//! The store of recordings: compressed files. The least useful ones are dropped when space is needed.

mod catalog;
mod content;
mod file_name;
mod id;
mod index;
mod pack;
mod samples;

use std::path::PathBuf;

use ansai_storage::{Durability, ToDirectory, WriteOptions};
pub use catalog::{Catalog, GetError, Listed};
pub use content::MAX_CONTENT_BYTES;
pub use id::{InvalidRecordingId, RecordingId};

use crate::storage::{self, Lock, StorageError};
use file_name::FileName;
use index::{Indexed, charged};
use pack::OpenPack;

/// Retention class of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// An evaluation that found nothing. The last few of each instance are kept; they are dropped first.
    Healthy,
    /// An evaluation that found or changed something.
    Notable,
    /// An evaluation that proposed an act, or looked at its result. These are dropped last.
    Evidence,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Number of healthy recordings kept for each instance; at least 1. Default 64.
    pub healthy_per_instance: usize,
    /// Maximum size of all files in bytes, each rounded up to whole blocks of 4 KiB. Default 256 MiB. Once it is used up,
    /// each instance with recordings has an equal share of it: an instance that has its share displaces only its own.
    pub quota_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { healthy_per_instance: 64, quota_bytes: 256 * 1024 * 1024 }
    }
}

/// Result of storing a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of the content. Write it to the audit log, which binds the recording to the log.
    pub sha256: [u8; 32],
    /// Size of its file in bytes.
    pub stored_bytes: u64,
    /// Recordings that were dropped to make room, in order.
    pub evicted: Vec<RecordingId>,
}

/// Why the store cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum RecordingsError {
    /// Another process has the store open.
    #[error("the recordings in {} are in use by another process", .0.display())]
    InUse(PathBuf),
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A recording that was not stored, and the recordings that were dropped nevertheless.
#[derive(Debug, thiserror::Error)]
#[error("{refusal}")]
pub struct PutError {
    /// Why it was not stored.
    #[source]
    pub refusal: PutRefusal,
    /// Recordings that were dropped to make room.
    pub evicted: Vec<RecordingId>,
}

/// Why a recording was not stored.
#[derive(Debug, thiserror::Error)]
pub enum PutRefusal {
    /// The instance's name is not safe in a file name.
    #[error("{0:?} cannot name an instance: 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")]
    Instance(String),
    /// A recording of that name exists. Recordings are never overwritten.
    #[error("recording {0} already exists")]
    Exists(RecordingId),
    /// The content exceeds the maximum size.
    #[error("a recording of {bytes} bytes is too large: at most {MAX_CONTENT_BYTES} are allowed")]
    TooLarge {
        /// Size of the content in bytes.
        bytes: usize,
    },
    /// The recording alone exceeds the quota.
    #[error("a recording of {bytes} bytes on disk is larger than the quota of {quota_bytes}")]
    LargerThanQuota {
        /// Size on disk in bytes.
        bytes: u64,
        /// The quota in bytes.
        quota_bytes: u64,
    },
    /// Notable recordings fill the quota, and a healthy one does not displace them.
    #[error("notable recordings fill the quota of {quota_bytes} bytes")]
    QuotaTaken {
        /// The quota in bytes.
        quota_bytes: u64,
    },
    /// The disk is full, and there is no healthy recording left to drop.
    #[error("no space for the recording: {0}")]
    NoSpace(StorageError),
    /// The content could not be compressed.
    #[error("cannot compress the recording: {0}")]
    Compress(String),
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The only writer of a directory of recordings.
///
/// Dropping a recording never changes the audit log, which holds only its hash, so the chain stays verifiable.
#[derive(Debug)]
pub struct Recordings {
    catalog: Catalog,
    retention: Retention,
    next_order: u64,
    /// The pack that this run appends to.
    pack: Option<OpenPack>,
    _lock: Lock,
}

impl Recordings {
    /// Opens the store in a directory, creates the directory if it is missing, and removes unfinished files.
    ///
    /// # Errors
    /// [`RecordingsError::InUse`] if another process has it open; [`RecordingsError::Storage`] if the system refuses.
    pub fn open(directory: impl ToDirectory, retention: Retention) -> Result<Self, RecordingsError> {
        let directory = directory.to_created_directory()?;
        let lock = storage::try_lock(&directory)?;
        let lock = lock.ok_or_else(|| RecordingsError::InUse(directory.path().to_owned()))?;
        directory.remove_left_over()?;
        let catalog = Catalog::open(directory)?;
        let next_order = catalog.index.next_order();
        Ok(Self { catalog, retention, next_order, pack: None, _lock: lock })
    }

    /// The recordings that exist now.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// All recordings, newest first.
    pub fn list(&self) -> Vec<Listed> {
        self.catalog.list()
    }

    /// Reads the content of a recording.
    ///
    /// # Errors
    /// See [`GetError`].
    pub fn get(&self, id: &RecordingId) -> Result<Vec<u8>, GetError> {
        self.catalog.get(id)
    }

    /// Stores a recording atomically, and durably unless it is healthy. Makes room by dropping healthy recordings, then
    /// notable ones, then evidence, each oldest first: of its own instance if that has its share of the quota, otherwise
    /// of the instance that has most.
    ///
    /// # Errors
    /// See [`PutRefusal`]; the caller continues without the recording.
    pub fn put(&mut self, id: &RecordingId, instance: &str, class: Class, content: &[u8]) -> Result<Stored, PutError> {
        let mut evicted = Vec::new();
        match self.put_evicting(id, instance, class, content, &mut evicted) {
            Ok(stored_bytes) => Ok(Stored { sha256: content::sha256(content), stored_bytes, evicted }),
            Err(refusal) => Err(PutError { refusal, evicted }),
        }
    }

    /// Removes a recording. One that does not exist is no error, and one of [`Recordings::put_sample`] stays until its file
    /// goes.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(&mut self, id: &RecordingId) -> Result<(), StorageError> {
        match self.catalog.index.get(id).filter(|indexed| indexed.place.is_none()).map(|indexed| indexed.name.clone()) {
            Some(name) => self.catalog.remove(&name),
            None => Ok(()),
        }
    }

    fn put_evicting(
        &mut self,
        id: &RecordingId,
        instance: &str,
        class: Class,
        content: &[u8],
        evicted: &mut Vec<RecordingId>,
    ) -> Result<u64, PutRefusal> {
        let stored = self.compressed(id, instance, content)?;
        let name = FileName { order: self.next_order, class, instance: instance.to_owned(), id: id.clone() };
        self.put_file(name, &stored, evicted)
    }

    /// The compressed content of a recording that may be stored under this name.
    fn compressed(&self, id: &RecordingId, instance: &str, content: &[u8]) -> Result<Vec<u8>, PutRefusal> {
        if !id::is_plain(instance, id::MAX_INSTANCE_BYTES) {
            return Err(PutRefusal::Instance(instance.chars().take(id::MAX_INSTANCE_BYTES + 1).collect()));
        }
        if self.catalog.index.get(id).is_some() {
            return Err(PutRefusal::Exists(id.clone()));
        }
        if content.len() > MAX_CONTENT_BYTES {
            return Err(PutRefusal::TooLarge { bytes: content.len() });
        }
        content::compress(content).map_err(PutRefusal::Compress)
    }

    /// Stores a recording as a file, with the next order.
    fn put_file(&mut self, name: FileName, stored: &[u8], evicted: &mut Vec<RecordingId>) -> Result<u64, PutRefusal> {
        let bytes = stored.len() as u64;
        self.make_room(&name, bytes, evicted)?;
        self.write_evicting(&name, stored, evicted)?;
        let found = self.catalog.directory.metadata(name.to_string());
        let modified_millis = found.map_or(0, |found| storage::millis(found.modified));
        self.next_order = self.next_order.saturating_add(1);
        self.catalog.index.insert(Indexed { name, bytes, modified_millis, place: None });
        Ok(bytes)
    }

    /// Drops recordings until the new one fits the quota and the limit of its instance.
    fn make_room(&mut self, new: &FileName, bytes: u64, evicted: &mut Vec<RecordingId>) -> Result<(), PutRefusal> {
        let Retention { healthy_per_instance, quota_bytes } = self.retention;
        if charged(bytes) > quota_bytes {
            return Err(PutRefusal::LargerThanQuota { bytes: charged(bytes), quota_bytes });
        }
        if new.class == Class::Healthy {
            let limit = healthy_per_instance.max(1);
            while let Some(victim) = self.catalog.index.oldest_of_full_ring(&new.instance, limit).cloned() {
                self.evict(&victim, evicted)?;
            }
        }
        while self.catalog.index.used_bytes().saturating_add(charged(bytes)) > quota_bytes {
            // Packs have a part of their own, so that a noisy instance displaces none.
            let quota_of_files = quota_bytes.saturating_sub(self.catalog.index.packed_bytes());
            match self.catalog.index.victim(new, bytes, quota_of_files).cloned() {
                Some(victim) => self.evict(&victim, evicted)?,
                None if new.class != Class::Healthy && self.drop_oldest_pack(evicted)? => {}
                None => return Err(PutRefusal::QuotaTaken { quota_bytes }),
            }
        }
        Ok(())
    }

    /// Writes a recording. While the disk is full, drops healthy ones and retries.
    fn write_evicting(
        &mut self,
        name: &FileName,
        stored: &[u8],
        evicted: &mut Vec<RecordingId>,
    ) -> Result<(), PutRefusal> {
        loop {
            let full = match self.write(name, stored) {
                Err(error) if error.is_out_of_space() => error,
                written => return Ok(written?),
            };
            // Between two attempts, drops as much as the recording needs.
            let wanted = self.catalog.index.charged_bytes().saturating_sub(charged(stored.len() as u64));
            let mut dropped = false;
            while let Some(victim) = self.catalog.index.healthy_victim(&name.instance).cloned() {
                self.evict(&victim, evicted)?;
                dropped = true;
                if self.catalog.index.charged_bytes() <= wanted {
                    break;
                }
            }
            if !dropped && !self.drop_oldest_pack(evicted)? {
                return Err(PutRefusal::NoSpace(full));
            }
        }
    }

    fn evict(&mut self, name: &FileName, evicted: &mut Vec<RecordingId>) -> Result<(), StorageError> {
        self.catalog.remove(name)?;
        evicted.push(name.id.clone());
        Ok(())
    }

    /// Writes the file, or nothing.
    fn write(&self, name: &FileName, stored: &[u8]) -> Result<(), StorageError> {
        let durability = match name.class {
            Class::Notable | Class::Evidence => Durability::Durable,
            Class::Healthy => Durability::Atomic,
        };
        let (directory, name) = (&self.catalog.directory, name.to_string());
        let written = directory.replace(&name, stored, WriteOptions { durability, ..WriteOptions::default() });
        if written.is_err()
            && let Err(error) = directory.remove(&name)
        {
            tracing::warn!(%error, "an unfinished recording is left behind");
        }
        written
    }
}
