//! What an event is called, and what it belongs to.

use super::{Event, Intent, UndoIntent};
use crate::InstanceName;
use crate::incident::Change;
use crate::order::{Pause, Silence};
use crate::promotion::{Feedback, Promotion};
use crate::quarantine::Quarantine;

impl Event {
    /// The value of `event` in JSON.
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
            Event::Held { .. } => "held",
            Event::NotHeld { .. } => "not-held",
            Event::Stage { .. } => "stage",
            Event::Escalated { .. } => "escalated",
            Event::Retried { .. } => "retried",
            Event::Planned { .. } => "planned",
            Event::PlanFailed { .. } => "plan-failed",
            Event::Repeated { .. } => "repeated",
            Event::Unchanged { .. } => "unchanged",
            Event::Slowed { .. } => "slowed",
            Event::Suspended { .. } => "suspended",
            Event::Resumed { .. } => "resumed",
            Event::BackedOff { .. } => "backed-off",
            Event::Quarantined(_) => "quarantined",
            Event::Released { .. } => "released",
            Event::Decided { .. } => "decided",
            Event::Approval { .. } => "approval",
            Event::ApprovalEnded { .. } => "approval-ended",
            Event::Intent(_) => "intent",
            Event::Running { .. } => "running",
            Event::Guarded { .. } => "guarded",
            Event::Confirming { .. } => "confirming",
            Event::Confirmed { .. } => "confirmed",
            Event::Progress { .. } => "progress",
            Event::Outcome { .. } => "outcome",
            Event::Pending { .. } => "pending",
            Event::Skipped { .. } => "skipped",
            Event::Verified { .. } => "verified",
            Event::Undoing(_) => "undoing",
            Event::Undone { .. } => "undone",
            Event::AfterUndoIntent { .. } => "after-undo-intent",
            Event::AfterUndo { .. } => "after-undo",
            Event::RecordingsDropped { .. } => "recordings-dropped",
            Event::EvidenceDropped { .. } => "evidence-dropped",
            Event::TornTail { .. } => "torn-tail",
            Event::ClockJumped { .. } => "clock-jumped",
            Event::ClockBelieved { .. } => "clock-believed",
            Event::AuditKey { .. } => "audit-key",
            Event::AuditDropped { .. } => "audit-dropped",
            Event::HeadExport { .. } => "head-export",
            Event::Watch { .. } => "watch",
            Event::Paused(_) => "paused",
            Event::PauseEnded { .. } => "pause-ended",
            Event::Silenced(_) => "silenced",
            Event::SilenceEnded { .. } => "silence-ended",
            Event::Storm(_) => "storm",
            Event::StormEnded { .. } => "storm-ended",
            Event::Fight(_) => "fight",
            Event::FightEnded { .. } => "fight-ended",
            Event::Feedback(_) => "feedback",
            Event::Promoted { .. } => "promoted",
        }
    }

    /// The instance that the event belongs to.
    pub fn instance(&self) -> Option<&str> {
        match self {
            Event::Evaluated { instance, .. }
            | Event::Logged { instance, .. }
            | Event::Observed { instance, .. }
            | Event::Failed { instance, .. }
            | Event::Incident { instance, .. }
            | Event::Held { instance, .. }
            | Event::NotHeld { instance, .. }
            | Event::Stage { instance, .. }
            | Event::Escalated { instance, .. }
            | Event::Retried { instance, .. }
            | Event::Planned { instance, .. }
            | Event::PlanFailed { instance, .. }
            | Event::Repeated { instance, .. }
            | Event::Unchanged { instance, .. }
            | Event::Slowed { instance, .. }
            | Event::Suspended { instance, .. }
            | Event::Resumed { instance, .. }
            | Event::BackedOff { instance, .. }
            | Event::Quarantined(Quarantine { instance, .. })
            | Event::Released { instance, .. }
            | Event::Decided { instance, .. }
            | Event::Approval { instance, .. }
            | Event::ApprovalEnded { instance, .. }
            | Event::Intent(Intent { instance, .. })
            | Event::Running { instance, .. }
            | Event::Guarded { instance, .. }
            | Event::Confirming { instance, .. }
            | Event::Confirmed { instance, .. }
            | Event::Progress { instance, .. }
            | Event::Outcome { instance, .. }
            | Event::Pending { instance, .. }
            | Event::Skipped { instance, .. }
            | Event::Verified { instance, .. }
            | Event::Undoing(UndoIntent { instance, .. })
            | Event::Undone { instance, .. }
            | Event::AfterUndoIntent { instance, .. }
            | Event::AfterUndo { instance, .. }
            | Event::Watch { instance, .. } => Some(instance.as_str()),
            Event::Feedback(Feedback { instance, .. })
            | Event::Promoted { promotion: Promotion { instance, .. }, .. } => Some(instance.as_str()),
            Event::NotLoaded { name, .. } => Some(name),
            Event::Paused(Pause { instance, .. })
            | Event::PauseEnded { instance, .. }
            | Event::Silenced(Silence { instance, .. })
            | Event::SilenceEnded { instance, .. } => instance.as_ref().map(InstanceName::as_str),
            Event::Started { .. }
            | Event::Stopping { .. }
            | Event::Stopped { .. }
            | Event::RecordingsDropped { .. }
            | Event::EvidenceDropped { .. }
            | Event::TornTail { .. }
            | Event::ClockJumped { .. }
            | Event::ClockBelieved { .. }
            | Event::AuditKey { .. }
            | Event::AuditDropped { .. }
            | Event::HeadExport { .. }
            | Event::Storm(_)
            | Event::StormEnded { .. }
            | Event::Fight(_)
            | Event::FightEnded { .. } => None,
        }
    }

    /// The plan that the event belongs to.
    pub fn plan(&self) -> Option<&str> {
        match self {
            Event::Planned { plan, .. }
            | Event::PlanFailed { plan: Some(plan), .. }
            | Event::Decided { plan, .. }
            | Event::Approval { plan, .. }
            | Event::ApprovalEnded { plan, .. }
            | Event::Intent(Intent { plan, .. })
            | Event::Running { plan, .. }
            | Event::Guarded { plan, .. }
            | Event::Confirming { plan, .. }
            | Event::Confirmed { plan, .. }
            | Event::Progress { plan, .. }
            | Event::Outcome { plan, .. }
            | Event::Pending { plan, .. }
            | Event::Skipped { plan, .. }
            | Event::Verified { plan, .. }
            | Event::Undoing(UndoIntent { plan, .. })
            | Event::Undone { plan, .. }
            | Event::AfterUndoIntent { plan, .. }
            | Event::AfterUndo { plan, .. } => Some(plan),
            _ => None,
        }
    }

    /// The incident that the event names.
    pub fn incident(&self) -> Option<&str> {
        match self {
            Event::Incident { incident, .. }
            | Event::Held { incident, .. }
            | Event::NotHeld { incident, .. }
            | Event::Stage { incident, .. }
            | Event::Escalated { incident, .. }
            | Event::Retried { incident, .. }
            | Event::Approval { incident, .. }
            | Event::ApprovalEnded { incident, .. }
            | Event::Verified { incident, .. }
            | Event::Feedback(Feedback { incident, .. }) => Some(incident),
            Event::Planned { incident, .. }
            | Event::PlanFailed { incident, .. }
            | Event::Repeated { incident, .. }
            | Event::Unchanged { incident, .. } => incident.as_deref(),
            _ => None,
        }
    }

    /// Whether the event occurs in every pass, so that a person who watches can hide it.
    ///
    /// ```
    /// use ansai_core::{Event, InstanceName, Mode};
    /// let observed = Event::Observed {
    ///     instance: InstanceName::from_static("disk-space"),
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
            | Event::Unchanged { .. }
            | Event::RecordingsDropped { .. }
            | Event::EvidenceDropped { .. }
            | Event::AuditKey { replaces: None, .. } => true,
            // `Held` names it under its cause, and `NotHeld` tells of it once it is free.
            Event::Incident { held_under: Some(_), .. } | Event::Incident { silenced: true, .. } => true,
            Event::Incident { change, .. } => *change == Change::Unchanged,
            _ => false,
        }
    }
}
