//! How each target stands, in a file beside the log: for schedules that outlive a restart, and for people.
#![expect(clippy::disallowed_methods, reason = "an adapter to the state directory")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ansai_core::Instant;
use serde::{Deserialize, Serialize};

const MOST_BYTES: u64 = 64 << 10;

/// How the sending of heads to one target stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// `file /srv/heads`.
    pub target: String,
    /// When a head last arrived there.
    pub sent_at: Option<Instant>,
    /// The record that it was of.
    pub sent_sequence: Option<u64>,
    /// Attempts that failed since.
    pub failures: u32,
    /// Why the last one failed.
    pub error: Option<String>,
    /// When the next one is due.
    pub next_at: Instant,
}

pub(super) type TargetStatuses = BTreeMap<String, TargetStatus>;

/// Every target of a state directory; empty where no head was ever to be sent.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn statuses(state_dir: &Path) -> std::io::Result<Vec<TargetStatus>> {
    match read(&file(state_dir)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        found => Ok(found?.into_values().collect()),
    }
}

pub(super) fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("audit.exports")
}

pub(super) fn read(path: &Path) -> std::io::Result<TargetStatuses> {
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(MOST_BYTES).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Not durable: after a loss of power heads may be sent once more than the schedule says.
pub(super) fn write(path: &Path, statuses: &TargetStatuses) -> std::io::Result<()> {
    let temporary = path.with_extension("exports.new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec(statuses)?)?;
    std::fs::rename(&temporary, path)
}
