//! The status of each target: for people, and for schedules that survive a restart.

use std::collections::BTreeMap;

use ansai_core::Timestamp;
use ansai_storage::{Directory, Durability, StorageError, ToDirectory, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::queue::MOST_BYTES;

/// Of all targets.
const FILE: &str = "status.json";

/// Status of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Name of the target: `file /srv/heads`.
    pub target: String,
    /// When the last message was delivered.
    pub sent_at: Option<Timestamp>,
    /// The id of that message.
    pub sent_id: Option<String>,
    /// Number of failed attempts since then.
    pub failures: u32,
    /// Error of the last attempt, if it failed.
    pub error: Option<String>,
    /// When the next attempt is due.
    pub next_at: Timestamp,
    /// Number of waiting messages.
    #[serde(default)]
    pub waiting: usize,
    /// Number of messages dropped because the queue was full.
    #[serde(default)]
    pub dropped: u64,
}

/// Statuses by target id.
pub(crate) type TargetStatuses = BTreeMap<String, TargetStatus>;

/// Reads the status of every target, for callers that do not send; empty if the outbox does not exist.
///
/// # Errors
/// If the file exists and cannot be read.
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

/// Not durable: after a power failure, a message may be sent earlier than scheduled.
pub(crate) fn write(outbox: &Directory, statuses: &TargetStatuses) -> Result<(), StorageError> {
    let bytes = serde_json::to_vec(statuses).map_err(StorageError::at("write", outbox.path_of(FILE)))?;
    outbox.replace(FILE, &bytes, WriteOptions { durability: Durability::Atomic, ..WriteOptions::default() })
}
