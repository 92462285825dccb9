//! Incidents, as `ansai incidents` shows them.

use serde::{Deserialize, Serialize};

use super::{IncidentStatus, NextStep};
use crate::approval::{ApprovalState, Decided};
use crate::{InstanceName, Measure, Millis, Outcome, Severity, Status, Subject, Timestamp};

/// Maximum number of incidents of each kind that one answer lists.
pub const MOST_LISTED: u32 = 1_000;

/// Which incidents are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentFilter {
    /// Only those of this instance.
    pub instance: Option<InstanceName>,
    /// Only those with this key.
    pub key: Option<String>,
    /// Only those that opened since then, and closed ones that closed since then.
    pub since: Option<Timestamp>,
    /// Whether closed incidents are listed too.
    pub closed: bool,
    /// How many of each kind are listed, at most [`MOST_LISTED`].
    pub most: u32,
}

/// A list of incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentList {
    /// When it was made.
    pub at: Timestamp,
    /// Whether a daemon made it.
    pub is_running: bool,
    /// Open incidents: what is not silenced first, then the worst, then the oldest.
    pub open: Vec<IncidentStatus>,
    /// How many more are open.
    pub more_open: usize,
    /// Closed incidents, the newest first.
    pub closed: Vec<ClosedIncident>,
    /// How many more are closed.
    pub more_closed: usize,
    /// What closed before this time may be missing.
    pub known_since: Timestamp,
}

/// An incident that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosedIncident {
    /// Its id.
    pub incident: String,
    /// The instance.
    pub instance: InstanceName,
    /// Its key.
    pub key: String,
    /// What it was about.
    pub about: Subject,
    /// The worst severity that it had.
    pub worst: Severity,
    /// What the policy said last.
    pub summary: String,
    /// The last evaluation before it opened, if there was one.
    pub healthy_before: Option<Timestamp>,
    /// When it opened.
    pub opened: Timestamp,
    /// When it closed.
    pub closed: Timestamp,
    /// Attempts that were begun.
    pub attempts: u32,
    /// How it ended.
    pub end: IncidentEnd,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentEnd {
    /// ansai healed it, and verified that.
    Healed,
    /// The same, after a person approved a plan.
    HealedWithApproval,
    /// It was healthy again, and not because of a plan that was verified.
    Recovered,
    /// The observed thing no longer exists.
    Gone,
    /// A more severe incident took its place.
    Displaced,
}

/// One incident from its observation to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentDetails {
    /// When it was made.
    pub at: Timestamp,
    /// Whether a daemon made it.
    pub is_running: bool,
    /// Its id.
    pub incident: String,
    /// The instance.
    pub instance: InstanceName,
    /// Its key.
    pub key: String,
    /// What it is about.
    pub about: Subject,
    /// Its severity; of a closed one, the worst that it had.
    pub severity: Option<Severity>,
    /// What the policy said last.
    pub summary: String,
    /// What the policy measured last. Empty for a closed one.
    pub evidence: Vec<Measure>,
    /// What happened, oldest first.
    pub timeline: Vec<Moment>,
    /// What comes next; absent if it is over.
    pub next: Option<NextStep>,
}

/// Something that happened to an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: MomentKind,
}

/// What happened to an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum MomentKind {
    /// The policy found it. `within` is the time since the evaluation before that.
    Opened {
        /// So it began at most this long before.
        within: Option<Millis>,
    },
    /// It was told, and what was told was the same so many times since.
    Told {
        /// The plan that was told.
        plan: Option<String>,
        /// Not counting the first time.
        times: u32,
    },
    /// A person was asked about a plan.
    Asked {
        /// The plan.
        plan: String,
        /// What became of it.
        state: ApprovalState,
        /// When it expires.
        until: Timestamp,
        /// Who decided, when and why.
        decided: Option<Decided>,
    },
    /// A plan was applied.
    Attempt {
        /// The plan.
        plan: String,
        /// The number of the attempt.
        number: u32,
        /// When its last step ended.
        ended: Option<Timestamp>,
        /// What the policy found afterwards.
        verified: Status,
        /// The steps.
        steps: Vec<AttemptStep>,
    },
    /// Since then its state is unknown, or was last seen to be.
    Unknown {
        /// Why.
        why: String,
    },
    /// It was last found unhealthy.
    Confirmed,
    /// It is over.
    Closed {
        /// How it ended.
        end: IncidentEnd,
    },
}

/// A step of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptStep {
    /// Counts from 0.
    pub step: u32,
    /// The action.
    pub action: String,
    /// What it was about.
    pub about: Subject,
    /// How it ended.
    pub outcome: Outcome,
    /// What it did, or why not.
    pub detail: String,
    /// What it measured.
    pub measures: Vec<Measure>,
}
