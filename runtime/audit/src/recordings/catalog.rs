//! Reads recordings, also while another process writes them.

use ansai_storage::{Directory, ToDirectory};

use super::content;
use super::file_name::FileName;
use super::index::{Index, Indexed};
use super::pack::{self, Place};
use super::{Class, RecordingId};
use crate::storage::{ReadFile, StorageError};

/// One recording in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub id: RecordingId,
    /// The recorded policy instance.
    pub instance: String,
    /// Retention class.
    pub class: Class,
    /// Size of its compressed file in bytes.
    pub bytes: u64,
    /// When it was stored, in milliseconds since 1970.
    pub modified_millis: u64,
}

/// Why the content of a recording is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// It was never stored, or has been dropped.
    #[error("no recording {0}")]
    Unknown(RecordingId),
    /// Its file cannot be decompressed.
    #[error("recording {id} is damaged: {why}")]
    Damaged {
        /// The recording.
        id: RecordingId,
        /// The problem.
        why: String,
    },
    /// Its content does not match the hash in the audit log.
    #[error("recording {id} is not the one that was recorded: its hash is {}", hex::encode(found))]
    Tampered {
        /// The recording.
        id: RecordingId,
        /// SHA-256 of the actual content.
        found: [u8; 32],
    },
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The recordings in a directory, as they were when it was opened.
#[derive(Debug)]
pub struct Catalog {
    pub(super) directory: Directory,
    pub(super) index: Index,
}

impl Catalog {
    /// Lists a directory of recordings, without a lock and without changes.
    ///
    /// # Errors
    /// If the directory cannot be opened or listed.
    pub fn open(directory: impl ToDirectory) -> Result<Self, StorageError> {
        let directory = directory.to_directory()?;
        Ok(Self { index: Index::scan(&directory)?, directory })
    }

    /// All recordings, newest first.
    pub fn list(&self) -> Vec<Listed> {
        self.index.newest_first().map(listed).collect()
    }

    /// The content of a recording. Anyone who can write the directory may have changed it: see
    /// [`Catalog::get_verified`].
    ///
    /// # Errors
    /// See [`GetError`].
    pub fn get(&self, id: &RecordingId) -> Result<Vec<u8>, GetError> {
        let indexed = self.index.get(id).ok_or_else(|| GetError::Unknown(id.clone()))?;
        let stored = match indexed.place {
            None => self.read(&indexed.name)?,
            Some(place) => self.read_sample(indexed, place)?,
        };
        content::decompress(&stored).map_err(|why| GetError::Damaged { id: id.clone(), why })
    }

    /// The content of a recording, if it matches the hash `sha256` from the audit log.
    ///
    /// # Errors
    /// See [`GetError`].
    pub fn get_verified(&self, id: &RecordingId, sha256: &[u8; 32]) -> Result<Vec<u8>, GetError> {
        let content = self.get(id)?;
        let found = content::sha256(&content);
        if found == *sha256 { Ok(content) } else { Err(GetError::Tampered { id: id.clone(), found }) }
    }

    fn read(&self, name: &FileName) -> Result<Vec<u8>, GetError> {
        let file = ReadFile::open(&self.directory, &name.to_string());
        let read = file.and_then(|mut file| file.read(content::MAX_STORED_BYTES + 1));
        match read {
            Ok(stored) if stored.len() as u64 <= content::MAX_STORED_BYTES => Ok(stored),
            Ok(_) => Err(GetError::Damaged { id: name.id.clone(), why: "its file is too large".to_owned() }),
            Err(error) if error.is_not_found() => Err(GetError::Unknown(name.id.clone())),
            Err(error) => Err(error.into()),
        }
    }

    fn read_sample(&self, indexed: &Indexed, place: Place) -> Result<Vec<u8>, GetError> {
        let file = ReadFile::open(&self.directory, &pack::name(place.pack));
        // What is missing at the end is found when it is decompressed. The size is one that was in the file.
        let read = file.and_then(|file| file.read_at(place.offset, usize::try_from(indexed.bytes).unwrap_or(0)));
        match read {
            Err(error) if error.is_not_found() => Err(GetError::Unknown(indexed.name.id.clone())),
            read => Ok(read?),
        }
    }

    /// Removes a pack; answers which recordings went with it. A missing file is not an error.
    pub(super) fn remove_pack(&mut self, order: u64) -> Result<Vec<RecordingId>, StorageError> {
        self.directory.remove(pack::name(order))?;
        Ok(self.index.remove_pack(order))
    }

    /// Removes a recording's file. A missing file is not an error.
    pub(super) fn remove(&mut self, name: &FileName) -> Result<(), StorageError> {
        self.directory.remove(name.to_string())?;
        self.index.remove(name.order);
        Ok(())
    }
}

fn listed(indexed: &Indexed) -> Listed {
    let FileName { class, instance, id, .. } = indexed.name.clone();
    Listed { id, instance, class, bytes: indexed.bytes, modified_millis: indexed.modified_millis }
}
