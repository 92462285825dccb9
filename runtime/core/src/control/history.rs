//! What happened on a host, as `ansai history` shows it.

use serde::{Deserialize, Serialize};

use crate::event::Record;
use crate::{InstanceName, Timestamp};

/// Maximum number of records in one answer.
pub const MOST_RECORDS: u32 = 2_000;

/// Which records are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryFilter {
    /// Only those since then.
    pub since: Timestamp,
    /// Only those of this instance.
    pub instance: Option<InstanceName>,
    /// Only what steps and people changed on the host.
    pub changes: bool,
    /// How many are listed, at most [`MOST_RECORDS`]: the newest.
    pub most: u32,
}

/// What happened, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// When it was made.
    pub at: Timestamp,
    /// Whether a daemon made it.
    pub is_running: bool,
    /// Since when it was asked for.
    pub since: Timestamp,
    /// The records, the newest first.
    pub records: Vec<NumberedRecord>,
    /// Older records match, or may match, and are not listed.
    pub has_more: bool,
    /// The audit log begins at this time, which is after `since`: earlier records were dropped, or never written.
    pub begins: Option<Timestamp>,
}

/// A record of the audit log with its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberedRecord {
    /// For `ansai audit show --from`.
    pub sequence: u64,
    /// It.
    pub record: Record,
}
