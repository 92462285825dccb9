//! How sending to each target goes: for people, and for schedules that outlive a restart.

use std::collections::BTreeMap;

use ansai_core::Instant;
use ansai_storage::{Directory, Durability, StorageError, ToDirectory, WriteOptions};
use serde::{Deserialize, Serialize};

/// Of all targets.
const FILE: &str = "status.json";
/// A larger file is not read.
const MOST_BYTES: u64 = 64 << 20;

/// How sending to one target goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// `file /srv/heads`.
    pub target: String,
    /// When a message last arrived there.
    pub sent_at: Option<Instant>,
    /// The id of that message.
    pub sent_id: Option<String>,
    /// Attempts that failed since.
    pub failures: u32,
    /// Why the last one failed.
    pub error: Option<String>,
    /// When the next attempt is due.
    pub next_at: Instant,
    /// Messages that wait.
    #[serde(default)]
    pub waiting: usize,
    /// Messages that were dropped because too many waited.
    #[serde(default)]
    pub dropped: u64,
}

/// By the ids of targets.
pub(crate) type TargetStatuses = BTreeMap<String, TargetStatus>;

/// Every target of an outbox, for whoever does not send; empty where nothing was ever to be sent.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn statuses(outbox: impl ToDirectory) -> Result<Vec<TargetStatus>, StorageError> {
    match outbox.to_directory() {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        outbox => Ok(read(&outbox?)?.unwrap_or_default().into_values().collect()),
    }
}

/// `None` where nothing was ever to be sent.
pub(crate) fn read(outbox: &Directory) -> Result<Option<TargetStatuses>, StorageError> {
    let Some(content) = outbox.read(FILE, MOST_BYTES)? else { return Ok(None) };
    let statuses = serde_json::from_slice(&content.bytes);
    Ok(Some(statuses.map_err(StorageError::at("read", outbox.path_of(FILE)))?))
}

/// Not durable: after a loss of power a message may be sent more often than the schedule says.
pub(crate) fn write(outbox: &Directory, statuses: &TargetStatuses) -> Result<(), StorageError> {
    let bytes = serde_json::to_vec(statuses).map_err(StorageError::at("write", outbox.path_of(FILE)))?;
    outbox.replace(FILE, &bytes, WriteOptions { durability: Durability::Atomic, ..WriteOptions::default() })
}
