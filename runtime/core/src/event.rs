//! What happens, as typed events: one ordered stream of them leaves the supervisor. The audit log holds them as JSON,
//! one a record; the terminal, JSON output and reports show the same values.

mod evaluation;
mod findings;
mod plan;

use serde::{Deserialize, Serialize};

pub use self::evaluation::{EvaluationResult, InstanceRef, LogLine, Phase, RecordingRef};
pub use self::findings::Finding;
pub use self::plan::{Intent, PlannedStep, SkipReason, UndoIntent, Verdict};
use crate::incident::Change;
use crate::{Decision, ErrorKind, Instant, Measure, Mode, Outcome, Severity, Status, Usage};

/// An event with its time: the payload of one audit record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened.
    pub at: Instant,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. `plan` is the id of the plan, `step` counts from 0 within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are those of the values they hold")]
pub enum Event {
    /// The daemon, or a run with `--once`, began.
    Started { version: String, mode: Mode, instances: Vec<InstanceRef> },
    /// A person or the system asked for an orderly end.
    Stopping { why: String },
    /// It ended in an orderly way. `unrecorded` evaluations that found nothing new had no record of their own.
    Stopped {
        why: String,
        #[serde(default, skip_serializing_if = "is_zero")]
        unrecorded: u64,
    },
    /// A policy was not loaded. `kind` is the code of the reason, a word that never changes.
    NotLoaded { name: String, kind: String, error: String },
    /// A policy was evaluated, `late_ms` after it was due. `unrecorded` evaluations of the same instance before this
    /// one found everything healthy as before and have no record of their own.
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
    /// What a policy logged in one evaluation; `dropped` further lines were too many. Not in the audit log.
    Logged { instance: String, phase: Phase, lines: Vec<LogLine>, dropped: u32 },
    /// What one pass over an instance found. `without_incident` findings have no incident because too many incidents
    /// of the instance are open. Not in the audit log: the recording of the evaluation holds it.
    Observed { instance: String, mode: Mode, findings: Vec<Finding>, without_incident: u32 },
    /// A pass over an instance has no answer. With a `kind`, the policy is the cause and `evaluated` says the same.
    Failed { instance: String, mode: Mode, error: String, kind: Option<ErrorKind> },
    /// An incident opened, changed or closed.
    Incident {
        incident: String,
        instance: String,
        key: String,
        change: Change,
        severity: Option<Severity>,
        summary: String,
    },
    /// A policy decided what to do about a finding, or the host about its own files: then there is no incident.
    Planned {
        plan: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
        instance: String,
        decision: Decision,
        steps: Vec<PlannedStep>,
    },
    /// A finding has no plan, or its plan could not be carried on. No further step of it begins.
    PlanFailed {
        instance: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<String>,
        error: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<ErrorKind>,
    },
    /// The host decided on a plan.
    Decided { plan: String, instance: String, verdict: Verdict },
    /// A step is about to act. Durable before anything changes.
    Intent(Intent),
    /// A long step runs under a handle.
    Running { plan: String, step: u32, instance: String, handle: serde_json::Value, until: Instant },
    /// The outcome of a step. `after_crash`: found out after a restart.
    Outcome {
        plan: String,
        step: u32,
        instance: String,
        outcome: Outcome,
        detail: String,
        measures: Vec<Measure>,
        items_sha256: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        after_crash: bool,
    },
    /// A step did not begin, and nothing refused it.
    Skipped { plan: String, step: u32, instance: String, reason: SkipReason },
    /// The host looked at the finding again after the plan.
    Verified { plan: String, incident: String, instance: String, status: Status },
    /// A step is about to be undone. Durable before anything changes.
    Undoing(UndoIntent),
    /// A step was undone, or why not.
    Undone { plan: String, step: u32, instance: String, outcome: Outcome, detail: String, by: String },
    /// Recordings removed to stay within the quota.
    RecordingsDropped { ids: Vec<String> },
    /// Opening the audit log cut off an unfinished write of `bytes` bytes, which a crash left where record `sequence`
    /// would be. `moved_to` has the bytes, where there were any and there was room for them.
    TornTail {
        segment: String,
        offset: u64,
        bytes: u64,
        sequence: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_to: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The key that signs heads of this log from here on. `endorsement` is the signature of the key it replaces.
    AuditKey { public_key: String, replaces: Option<String>, endorsement: Option<String> },
    /// A head could not be sent to a target, or can be sent again: then there is no error.
    HeadExport { target: String, error: Option<String>, failures: u32 },
}

impl Event {
    /// Its name, as `event` has it in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Started { .. } => "started",
            Event::Stopping { .. } => "stopping",
            Event::Stopped { .. } => "stopped",
            Event::NotLoaded { .. } => "not-loaded",
            Event::Evaluated { .. } => "evaluated",
            Event::Logged { .. } => "logged",
            Event::Observed { .. } => "observed",
            Event::Failed { .. } => "failed",
            Event::Incident { .. } => "incident",
            Event::Planned { .. } => "planned",
            Event::PlanFailed { .. } => "plan-failed",
            Event::Decided { .. } => "decided",
            Event::Intent(_) => "intent",
            Event::Running { .. } => "running",
            Event::Outcome { .. } => "outcome",
            Event::Skipped { .. } => "skipped",
            Event::Verified { .. } => "verified",
            Event::Undoing(_) => "undoing",
            Event::Undone { .. } => "undone",
            Event::RecordingsDropped { .. } => "recordings-dropped",
            Event::TornTail { .. } => "torn-tail",
            Event::AuditKey { .. } => "audit-key",
            Event::HeadExport { .. } => "head-export",
        }
    }

    /// The instance that the event is about.
    pub fn instance(&self) -> Option<&str> {
        match self {
            Event::Evaluated { instance, .. }
            | Event::Logged { instance, .. }
            | Event::Observed { instance, .. }
            | Event::Failed { instance, .. }
            | Event::Incident { instance, .. }
            | Event::Planned { instance, .. }
            | Event::PlanFailed { instance, .. }
            | Event::Decided { instance, .. }
            | Event::Intent(Intent { instance, .. })
            | Event::Running { instance, .. }
            | Event::Outcome { instance, .. }
            | Event::Skipped { instance, .. }
            | Event::Verified { instance, .. }
            | Event::Undoing(UndoIntent { instance, .. })
            | Event::Undone { instance, .. } => Some(instance),
            Event::NotLoaded { name, .. } => Some(name),
            Event::Started { .. }
            | Event::Stopping { .. }
            | Event::Stopped { .. }
            | Event::RecordingsDropped { .. }
            | Event::TornTail { .. }
            | Event::AuditKey { .. }
            | Event::HeadExport { .. } => None,
        }
    }

    /// The plan that the event is about.
    pub fn plan(&self) -> Option<&str> {
        match self {
            Event::Planned { plan, .. }
            | Event::PlanFailed { plan: Some(plan), .. }
            | Event::Decided { plan, .. }
            | Event::Intent(Intent { plan, .. })
            | Event::Running { plan, .. }
            | Event::Outcome { plan, .. }
            | Event::Skipped { plan, .. }
            | Event::Verified { plan, .. }
            | Event::Undoing(UndoIntent { plan, .. })
            | Event::Undone { plan, .. } => Some(plan),
            _ => None,
        }
    }

    /// Whether the event is part of every pass: a person who watches wants to see the others only.
    ///
    /// ```
    /// use ansai_core::{Event, Mode};
    /// let observed = Event::Observed {
    ///     instance: "disk-space".into(),
    ///     mode: Mode::Observe,
    ///     findings: vec![],
    ///     without_incident: 0,
    /// };
    /// assert!(observed.is_routine());
    /// assert!(!Event::Stopping { why: "SIGTERM".into() }.is_routine());
    /// ```
    pub fn is_routine(&self) -> bool {
        match self {
            Event::Evaluated { .. }
            | Event::Logged { .. }
            | Event::Observed { .. }
            | Event::RecordingsDropped { .. }
            | Event::AuditKey { replaces: None, .. } => true,
            Event::Incident { change, .. } => *change == Change::Unchanged,
            _ => false,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
