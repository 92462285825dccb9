//! What ansai did over days, as `ansai report` shows it.

use serde::{Deserialize, Serialize};

use crate::{InstanceName, Millis, Timestamp};

/// For which time and instance a report is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFilter {
    /// It begins then.
    pub since: Timestamp,
    /// Only about this instance.
    pub instance: Option<InstanceName>,
}

/// Incidents and actions over a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostReport {
    /// Version of ansai that made it.
    pub ansai: String,
    /// When it was made: it ends then.
    pub at: Timestamp,
    /// Whether a daemon made it.
    pub is_running: bool,
    /// It begins then.
    pub since: Timestamp,
    /// What happened before this time may be missing, if this is after `since`.
    pub known_since: Option<Timestamp>,
    /// Only about this instance.
    pub instance: Option<InstanceName>,
    /// Incidents that opened, and that closed, in this time.
    pub incidents: IncidentCounts,
    /// Mean time from the last evaluation before an incident to its opening: it began in between.
    pub detect: Option<Mean>,
    /// Mean time from the opening of an incident to its end, of those that ansai healed.
    pub heal: Option<Mean>,
    /// Bytes that steps freed.
    pub freed_bytes: u64,
    /// How long steps interrupted their subjects, as their plans expected.
    pub interrupted: Millis,
    /// Steps that interrupted their subjects for an unknown time.
    pub unknown_interruptions: u64,
    /// Steps that were undone.
    pub undone: u64,
    /// Incidents that a person marked as false alarms.
    pub false_alarms: u64,
    /// What opened most often: the first ones.
    pub noisy: Vec<Noisy>,
    /// The actions of attempts, most used first.
    pub actions: Vec<ActionCounts>,
}

/// How many incidents opened and closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentCounts {
    /// Opened in this time.
    pub opened: u64,
    /// Of all, still open.
    pub open: u64,
    /// Closed in this time: the sum of the following ones.
    pub closed: u64,
    /// ansai healed them, without a person.
    pub healed: u64,
    /// ansai healed them after a person approved a plan.
    pub healed_with_approval: u64,
    /// They were healthy again, and not because of a plan that was verified.
    pub recovered: u64,
    /// What they were about no longer exists.
    pub gone: u64,
    /// More severe ones took their places.
    pub displaced: u64,
}

/// A mean over some incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mean {
    /// The mean.
    pub time: Millis,
    /// Of so many.
    pub of: u64,
}

/// What opened incidents often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noisy {
    /// The instance.
    pub instance: InstanceName,
    /// The key.
    pub key: String,
    /// How many incidents opened.
    pub incidents: u64,
}

/// What became of the steps of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionCounts {
    /// The action.
    pub action: String,
    /// Steps that began.
    pub begun: u64,
    /// Of these, did what they should.
    pub done: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Of those that are done, how many were followed by a healthy verification.
    pub healed: u64,
}
