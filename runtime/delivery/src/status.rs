//! The status of each target: for people, and for schedules that survive a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_core::Instant;
use serde::{Deserialize, Serialize};

use crate::storage;

/// Status of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Name of the target: `file /srv/heads`.
    pub target: String,
    /// When the last message was delivered.
    pub sent_at: Option<Instant>,
    /// The id of that message.
    pub sent_id: Option<String>,
    /// Number of failed attempts since then.
    pub failures: u32,
    /// Error of the last attempt, if it failed.
    pub error: Option<String>,
    /// When the next attempt is due.
    pub next_at: Instant,
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
pub fn statuses(outbox: &Path) -> std::io::Result<Vec<TargetStatus>> {
    match read(outbox) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        found => Ok(found?.into_values().collect()),
    }
}

pub(crate) fn read(outbox: &Path) -> std::io::Result<TargetStatuses> {
    Ok(serde_json::from_slice(&storage::read(&file(outbox))?)?)
}

/// Not durable: after a power failure, a message may be sent earlier than scheduled.
pub(crate) fn write(outbox: &Path, statuses: &TargetStatuses) -> std::io::Result<()> {
    storage::replace(&file(outbox), &serde_json::to_vec(statuses)?)
}

fn file(outbox: &Path) -> PathBuf {
    outbox.join("status.json")
}
