//! What the audit log holds: one event a record, as JSON.

use serde::{Deserialize, Serialize};

use crate::incident::{Change, Permission};
use crate::{Decision, ErrorKind, Instant, Measure, Mode, Outcome, Preview, Severity, Status, Subject, Usage};

/// A recording kept beside the log and bound into it by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRef {
    /// Its name in the store of recordings.
    pub id: String,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// An event with its time: the payload of one audit record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened.
    pub at: Instant,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. `plan` is the plan's id, `step` counts from 0 within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are those of the values they hold")]
pub enum Event {
    /// The daemon, or a run with `--once`, began.
    Started { version: String, mode: Mode, instances: Vec<InstanceRef> },
    /// It ended in an orderly way. `unrecorded` evaluations that found nothing new had no record of their own.
    Stopped {
        why: String,
        #[serde(default, skip_serializing_if = "is_zero")]
        unrecorded: u64,
    },
    /// A policy was not loaded: what stands beside the reason is its kind, a word that stays.
    NotLoaded { name: String, kind: String, error: String },
    /// A policy was evaluated, `late_ms` after it was due; `unrecorded` ones of the same instance before it found
    /// everything healthy as before and have no record of their own.
    Evaluated {
        instance: String,
        component: String,
        phase: Phase,
        trigger: String,
        result: EvaluationResult,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<ErrorKind>,
        recording: Option<RecordingRef>,
        usage: Usage,
        #[serde(default, skip_serializing_if = "is_zero")]
        late_ms: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        unrecorded: u64,
    },
    /// An incident opened, changed or closed.
    Incident {
        incident: String,
        instance: String,
        key: String,
        change: Change,
        severity: Option<Severity>,
        summary: String,
    },
    /// A policy proposed.
    Planned { plan: String, incident: String, instance: String, decision: Decision, steps: Vec<PlannedStep> },
    /// The host decided on a plan.
    Decided { plan: String, verdict: Verdict },
    /// A step is about to act. Durable before anything changes.
    Intent {
        plan: String,
        step: u32,
        action: String,
        about: Subject,
        arguments: serde_json::Value,
        targets: u64,
        targets_sha256: String,
    },
    /// A long step runs under a handle.
    Running { plan: String, step: u32, handle: serde_json::Value, until: Instant },
    /// What became of a step.
    Outcome {
        plan: String,
        step: u32,
        outcome: Outcome,
        detail: String,
        measures: Vec<Measure>,
        items_sha256: Option<String>,
    },
    /// The finding was looked at again after the plan.
    Verified { plan: String, incident: String, status: Status },
    /// A step was undone, by the host or by a person.
    Undone { plan: String, step: u32, outcome: Outcome, detail: String, by: String },
    /// Recordings given up to stay within the quota.
    RecordingsDropped { ids: Vec<String> },
    /// A tail that was torn by a crash was set aside.
    Recovered { torn_bytes: u64, detail: String },
    /// The key that signs heads of this log from here on. `endorsement` is the signature of the one it replaces.
    AuditKey { public_key: String, replaces: Option<String>, endorsement: Option<String> },
    /// A head could not be sent to a target, or can again: then there is no error.
    HeadExport { target: String, error: Option<String>, failures: u32 },
    /// Room was made for the log and the state, or made again.
    Ballast { detail: String },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// An instance as it was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct InstanceRef {
    pub instance: String,
    pub component: String,
    pub version: String,
    pub mode: Mode,
}

/// Which export was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Phase {
    Detect,
    Plan,
}

/// How an evaluation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluationResult {
    /// With observations: how many of each.
    #[allow(missing_docs, reason = "the names are the documentation")]
    Observed { healthy: u32, unhealthy: u32, unknown: u32 },
    /// With a decision and this many steps.
    #[allow(missing_docs, reason = "the names are the documentation")]
    Proposed { steps: u32 },
    /// The policy had no answer.
    Failed(String),
    /// The policy was stopped: a trap, a limit, a lie.
    Aborted(String),
}

/// A step of a plan as the operator saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct PlannedStep {
    pub action: String,
    pub reason: String,
    pub preview: Preview,
}

/// What the host decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Goes to the executor.
    Approved,
    /// Observe mode stops here.
    Observed,
    /// The policy asked for nothing to be done.
    NothingToDo,
    /// Too soon, or tried too often.
    Held(Permission),
    /// Not allowed; says why.
    Refused(String),
}
