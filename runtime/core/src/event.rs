//! Typed events. One ordered stream of them leaves the supervisor. The audit log holds each as one record in JSON; the
//! terminal, JSON output and reports show the same values.

mod about;
mod approval;
mod evaluation;
mod evidence;
mod findings;
mod plan;

use serde::{Deserialize, Serialize};

pub use self::approval::{ApprovalDecision, ApprovalEnd};
pub use self::evaluation::{EvaluationResult, InstanceRef, LogLine, Phase, RecordingRef};
pub use self::evidence::{EvidenceDrop, EvidenceRef};
pub use self::findings::Finding;
pub use self::plan::{Intent, PlannedStep, SkipReason, UndoIntent, Verdict};
use crate::fight::{Fight, FightEnd};
use crate::hold::{HeldUnder, NotHeld};
use crate::host_clock::{Belief, ClockReading};
use crate::incident::{Change, Progress, Reason, Tried};
use crate::order::{Pause, Person, Silence};
use crate::promotion::{Feedback, Promotion};
use crate::quarantine::{Quarantine, Release};
use crate::storm::Storm;
use crate::{
    Bytes, Decision, ErrorKind, InstanceName, Measure, Millis, Mode, Outcome, Recommendation, Refusal, Severity, Share,
    Status, Timestamp, Usage,
};

/// An event with its time: the payload of one audit record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// An event. `plan` is the id of the plan, `step` counts from 0 within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are those of the values they hold")]
pub enum Event {
    /// The daemon, or a run with `--once`, started.
    Started { version: String, mode: Mode, instances: Vec<InstanceRef> },
    /// A person or the system requested an orderly stop.
    Stopping { why: String },
    /// It stopped in an orderly way. `unrecorded` is the number of evaluations that found nothing new and have no
    /// record.
    Stopped {
        why: String,
        #[serde(default, skip_serializing_if = "is_zero")]
        unrecorded: u64,
    },
    /// A policy was not loaded. `kind` is the stable error code of the reason.
    NotLoaded { name: String, kind: String, error: String },
    /// A policy was evaluated, `late_ms` after it was due. `unrecorded` is the number of earlier evaluations of the
    /// same instance that found the same as before and have no record.
    Evaluated {
        instance: InstanceName,
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
    /// Lines that a policy logged in one evaluation; `dropped` more exceeded the limit. Not in the audit log.
    Logged { instance: InstanceName, phase: Phase, lines: Vec<LogLine>, dropped: u32 },
    /// The findings of one pass over an instance. `without_incident` findings have no incident, because the instance
    /// has too many open incidents. Not in the audit log: the recording of the evaluation holds them.
    Observed { instance: InstanceName, mode: Mode, findings: Vec<Finding>, without_incident: u32 },
    /// A pass over an instance failed. If `kind` is set, the policy is the cause, and `evaluated` reports the same.
    Failed { instance: InstanceName, mode: Mode, error: String, kind: Option<ErrorKind> },
    /// An incident opened, changed or closed.
    Incident {
        incident: String,
        instance: InstanceName,
        key: String,
        change: Change,
        severity: Option<Severity>,
        summary: String,
        /// The incident of its cause, while it is held under that one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held_under: Option<String>,
        /// Whether a person silenced it.
        #[serde(default, skip_serializing_if = "is_false")]
        silenced: bool,
    },
    /// From now on, an incident is held under the incident of its cause: it gets no plan, and is told with that one.
    Held {
        incident: String,
        instance: InstanceName,
        key: String,
        under: HeldUnder,
        severity: Option<Severity>,
        summary: String,
    },
    /// An incident is not held, although its finding names a cause; or no longer, then `was_under` is the id of the other
    /// incident.
    NotHeld {
        incident: String,
        instance: InstanceName,
        key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was_under: Option<String>,
        /// Why the host does not hold it; absent if its cause has no open incident any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<NotHeld>,
        severity: Option<Severity>,
        summary: String,
    },
    /// An incident left a stage of its ladder. `to` is the next stage, or `person`.
    Stage { incident: String, instance: InstanceName, key: String, from: String, to: String, reason: Reason },
    /// An incident is left to a person: nothing is tried until it gets worse or a person wants it. `attempts` were begun;
    /// `tried` has the latest of them.
    Escalated {
        incident: String,
        instance: InstanceName,
        key: String,
        severity: Option<Severity>,
        summary: String,
        reason: Reason,
        attempts: u32,
        evidence: Vec<Measure>,
        tried: Vec<Tried>,
    },
    /// A person wants an incident that was left to a person to be healed from its first stage.
    Retried { incident: String, instance: InstanceName, key: String, by: Person },
    /// A policy decided what to do about a finding, or the host about its own files; then there is no incident.
    Planned {
        plan: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
        instance: InstanceName,
        decision: Decision,
        steps: Vec<PlannedStep>,
        /// What the policy recommends to a person in addition.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recommendations: Vec<Recommendation>,
        /// How far the finding is from healthy, as far as the policy reported it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        distance: Option<f64>,
    },
    /// A finding has no plan, or its plan cannot continue. None of its remaining steps starts.
    PlanFailed {
        instance: InstanceName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<String>,
        error: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<ErrorKind>,
    },
    /// What was recorded last about an incident, or about passes without an answer, was the same so many more times. Now it
    /// has changed or ended, or a day has passed.
    Repeated {
        instance: InstanceName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
        times: u32,
        since: Timestamp,
    },
    /// What was just told about an incident, or about a pass without an answer, is recorded already, and was the same so
    /// many times since. Not in the audit log.
    Unchanged {
        instance: InstanceName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
        times: u32,
        since: Timestamp,
    },
    /// An instance has used half of a share: its next pass comes when that half is free again. `limit` is what it may use
    /// within the window of the share.
    Slowed { instance: InstanceName, share: Share, limit: u64 },
    /// An instance has used all of a share. It does nothing until half of it is free again, at `until`.
    Suspended { instance: InstanceName, share: Share, limit: u64, until: Timestamp },
    /// An instance is no longer suspended; or no longer slowed, then `slowed` is false.
    Resumed { instance: InstanceName, slowed: bool },
    /// So many evaluations of an instance in a row failed, the last one in this way. Until it answers, it is evaluated less
    /// and less often: next at `until`.
    BackedOff { instance: InstanceName, faults: u32, kind: ErrorKind, until: Timestamp },
    /// An instance kept failing. It is not evaluated until [`Event::Released`]. Durable before that counts.
    Quarantined(Quarantine),
    /// An instance is neither backed off nor quarantined any more. `by` is the person who ended it.
    Released {
        instance: InstanceName,
        why: Release,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
    /// The host approved, held or refused a plan. `attempt` is the number of the attempt that an approved plan belongs
    /// to, from 1 within its incident.
    Decided {
        plan: String,
        instance: InstanceName,
        verdict: Verdict,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
    },
    /// A person approved or rejected a plan that waited for it. Durable before it counts. `plan_sha256` is that of the
    /// plan's file: the approval is for this content only, and ends at `until`.
    Approval {
        plan: String,
        incident: String,
        instance: InstanceName,
        plan_sha256: String,
        decision: ApprovalDecision,
        by: Person,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        until: Timestamp,
    },
    /// A plan no longer waits for approval, or its approval no longer counts, and it is not applied.
    ApprovalEnded { plan: String, incident: String, instance: InstanceName, why: ApprovalEnd },
    /// A step is about to start. Durable before anything changes.
    Intent(Intent),
    /// A long step is running. `handle` identifies it.
    Running { plan: String, step: u32, instance: InstanceName, handle: serde_json::Value, until: Timestamp },
    /// Something independent of ansai is armed that puts a step back `limit` after `armed`, whatever becomes of ansai.
    /// Durable before the step acts. `confirmable`: the step stays if verification finds the thing healthy before.
    Guarded { plan: String, step: u32, instance: InstanceName, armed: ClockReading, limit: Millis, confirmable: bool },
    /// The finding is healthy, so the guard of a provisional step is about to be removed. Durable before that.
    Confirming { plan: String, step: u32, instance: InstanceName },
    /// A provisional step is confirmed: its guard is removed, and it stays.
    Confirmed { plan: String, step: u32, instance: InstanceName },
    /// How far a long step is, in the words of its action. Published only when it changes, and less often the longer the
    /// step runs. Not in the audit log.
    Progress { plan: String, step: u32, instance: InstanceName, note: String },
    /// The outcome of a step. `after_crash`: determined after a restart.
    Outcome {
        plan: String,
        step: u32,
        instance: InstanceName,
        outcome: Outcome,
        /// Why it was refused or failed, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Refusal>,
        detail: String,
        measures: Vec<Measure>,
        items_sha256: Option<String>,
        /// What it captured.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<EvidenceRef>,
        #[serde(default, skip_serializing_if = "is_false")]
        after_crash: bool,
    },
    /// A step that an earlier run left unfinished waits: ansai may not find out now what the step did, or not undo its
    /// plan. It tries again.
    Pending { plan: String, step: u32, instance: InstanceName, reason: Refusal },
    /// A step was skipped, without a refusal.
    Skipped { plan: String, step: u32, instance: InstanceName, reason: SkipReason },
    /// The host verified the finding after the plan.
    Verified {
        plan: String,
        incident: String,
        instance: InstanceName,
        status: Status,
        /// How far it is from healthy now, as far as the policy reported it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        distance: Option<f64>,
        /// Whether the plan made it better, as far as the policy reports distances.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<Progress>,
        /// The number of evaluations until it was healthy or the time was over.
        evaluations: u32,
    },
    /// A step is about to be undone. Durable before anything changes.
    Undoing(UndoIntent),
    /// A step was undone, or could not be undone; then `detail` says why.
    Undone { plan: String, step: u32, instance: InstanceName, outcome: Outcome, detail: String, by: String },
    /// A step is about to act on what the undo of its plan restored. Durable before anything changes.
    AfterUndoIntent { plan: String, step: u32, instance: InstanceName, by: String },
    /// A step acted on what the undo of its plan restored, or could not; then `detail` says why.
    AfterUndo { plan: String, step: u32, instance: InstanceName, outcome: Outcome, detail: String, by: String },
    /// Recordings removed to stay within the quota.
    RecordingsDropped { ids: Vec<String> },
    /// Evidence that ansai removes. Durable before it is gone.
    EvidenceDropped { ids: Vec<String>, why: EvidenceDrop },
    /// While opening the audit log, ansai cut off an unfinished write of `bytes`, which a crash left in place of
    /// record `sequence`. `moved_to` is the file with these bytes, if there were any and there was space for them.
    TornTail {
        segment: String,
        offset: u64,
        bytes: Bytes,
        sequence: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved_to: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The time of day jumped by so many milliseconds. Until [`Event::ClockBelieved`], no plan is applied and no
    /// quarantine expires.
    ClockJumped { jump_ms: i64 },
    /// The time of day is believed again.
    ClockBelieved { why: Belief },
    /// The key that signs heads of this log from now on. `endorsement` is the signature of the key that it replaces.
    AuditKey { public_key: String, replaces: Option<String>, endorsement: Option<String> },
    /// Records `from` to `first - 1` were dropped from the beginning of the audit log; record `first` links to `previous`.
    /// Durable before they are removed. `archived`: they were copied to the archive before.
    AuditDropped { from: u64, first: u64, previous: String, reason: String, archived: bool, public_key: String },
    /// A head could not be sent to a target; or can be sent again, then `error` is absent.
    HeadExport { target: String, error: Option<String>, failures: u32 },
    /// A watch of an instance does not work, or reports more than can be told apart; `kind` is the stable code. The
    /// instance goes on by time. Or the watch works again, then `error` and `kind` are absent.
    Watch { instance: InstanceName, watch: String, error: Option<String>, kind: Option<String> },
    /// A person paused an instance, or all of them: no new step begins. An earlier pause of the same is replaced.
    Paused(Pause),
    /// A pause ended: because a person said so, or because its time was over, then `by` is absent.
    PauseEnded {
        instance: Option<InstanceName>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
    /// A person silenced the incidents with a key: they are neither told nor healed.
    Silenced(Silence),
    /// A silence ended, as a pause does.
    SilenceEnded {
        instance: Option<InstanceName>,
        key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
    /// Too much breaks at once, so healing stopped for all but emergencies; or it is quiet, and one plan at a time begins.
    Storm(Storm),
    /// Healing is as before the storm: because it was quiet, or because a person said so.
    StormEnded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
    },
    /// Two instances undo what the other does. Plans of both that change the same thing are held.
    Fight(Fight),
    /// A fight is no longer held.
    FightEnded { fight: Fight, why: FightEnd },
    /// A person said whether an incident was a false alarm.
    Feedback(Feedback),
    /// A person is about to write another level of an action to the configuration. Durable before the file changes;
    /// whether it did is seen from the hash.
    Promoted {
        #[serde(flatten)]
        promotion: Promotion,
        by: Person,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
