//! How sending to each target goes: for people, and for schedules that outlive a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_core::Instant;
use serde::{Deserialize, Serialize};

use crate::storage;

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
pub fn statuses(outbox: &Path) -> std::io::Result<Vec<TargetStatus>> {
    match read(outbox) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        found => Ok(found?.into_values().collect()),
    }
}

pub(crate) fn read(outbox: &Path) -> std::io::Result<TargetStatuses> {
    Ok(serde_json::from_slice(&storage::read(&file(outbox))?)?)
}

/// Not durable: after a loss of power a message may be sent more often than the schedule says.
pub(crate) fn write(outbox: &Path, statuses: &TargetStatuses) -> std::io::Result<()> {
    storage::replace(&file(outbox), &serde_json::to_vec(statuses)?)
}

fn file(outbox: &Path) -> PathBuf {
    outbox.join("status.json")
}
