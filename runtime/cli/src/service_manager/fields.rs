//! What the fields of an event in the journal say.

use ansai_core::event::Verdict;
use ansai_core::fight::Fight;
use ansai_core::incident::Change;
use ansai_core::storm::{Storm, StormPhase};
use ansai_core::{Event, Outcome, Severity, Status, codes};

use super::journal::Priority;

/// How urgent an event is.
pub(super) fn priority(event: &Event) -> Priority {
    match event {
        Event::Incident { change: Change::Closed | Change::Gone, .. } => Priority::Info,
        Event::Incident { severity, .. }
        | Event::Held { severity, .. }
        | Event::NotHeld { severity, .. }
        | Event::Escalated { severity, .. } => {
            // Without one, it is unknown how bad it is.
            severity.map_or(Priority::Warning, of_severity)
        }
        Event::NotLoaded { .. }
        | Event::Failed { .. }
        | Event::PlanFailed { .. }
        | Event::Quarantined(_)
        | Event::Fight(_)
        | Event::Storm(Storm { phase: StormPhase::Stopped, .. }) => Priority::Error,
        Event::Outcome { outcome, .. } | Event::Undone { outcome, .. } | Event::AfterUndo { outcome, .. } => {
            of_outcome(*outcome)
        }
        Event::Verified { status, .. } => match status {
            Status::Healthy | Status::Gone => Priority::Info,
            Status::Unhealthy(_) | Status::Unknown(_) => Priority::Warning,
        },
        Event::HeadExport { error: Some(_), .. }
        | Event::Watch { error: Some(_), .. }
        | Event::Decided { verdict: Verdict::Refused(_), .. }
        | Event::Slowed { .. }
        | Event::Suspended { .. }
        | Event::BackedOff { .. }
        | Event::Pending { .. }
        | Event::TornTail { .. }
        | Event::ClockJumped { .. } => Priority::Warning,
        // Notices, what changes the host, and what people order.
        Event::Intent(_)
        | Event::Undoing(_)
        | Event::AfterUndoIntent { .. }
        | Event::Confirmed { .. }
        | Event::Approval { .. }
        | Event::Paused(_)
        | Event::Silenced(_)
        | Event::Stage { .. }
        | Event::Retried { .. }
        | Event::Released { .. }
        | Event::Storm(Storm { phase: StormPhase::Trial, .. })
        | Event::StormEnded { .. }
        | Event::FightEnded { .. }
        | Event::Feedback(_)
        | Event::Promoted { .. }
        | Event::AuditKey { .. }
        | Event::AuditDropped { .. } => Priority::Notice,
        Event::Started { .. }
        | Event::Stopping { .. }
        | Event::Stopped { .. }
        | Event::Evaluated { .. }
        | Event::Logged { .. }
        | Event::Observed { .. }
        | Event::Planned { .. }
        | Event::Repeated { .. }
        | Event::Unchanged { .. }
        | Event::Resumed { .. }
        | Event::Decided { .. }
        | Event::ApprovalEnded { .. }
        | Event::Running { .. }
        | Event::Guarded { .. }
        | Event::Confirming { .. }
        | Event::Progress { .. }
        | Event::Skipped { .. }
        | Event::RecordingsDropped { .. }
        | Event::EvidenceDropped { .. }
        | Event::ClockBelieved { .. }
        | Event::HeadExport { error: None, .. }
        | Event::Watch { error: None, .. }
        | Event::PauseEnded { .. }
        | Event::SilenceEnded { .. } => Priority::Info,
    }
}

fn of_severity(severity: Severity) -> Priority {
    match severity {
        Severity::Notice => Priority::Notice,
        Severity::Warning => Priority::Warning,
        Severity::Critical => Priority::Error,
        Severity::Emergency => Priority::Critical,
    }
}

fn of_outcome(outcome: Outcome) -> Priority {
    match outcome {
        Outcome::Failed => Priority::Error,
        Outcome::Refused | Outcome::Unknown | Outcome::Other => Priority::Warning,
        Outcome::Done | Outcome::Running | Outcome::Provisional | Outcome::Reverted => Priority::Notice,
        Outcome::Skipped | Outcome::Simulated => Priority::Info,
    }
}

/// The error code of an event, for `ansai explain`.
pub(super) fn code(event: &Event) -> Option<&str> {
    match event {
        Event::NotLoaded { kind, .. } => Some(kind),
        Event::Watch { kind, .. } => kind.as_deref(),
        Event::Failed { kind, .. } | Event::PlanFailed { kind, .. } | Event::Evaluated { kind, .. } => {
            kind.map(|kind| kind.code().word())
        }
        Event::BackedOff { kind, .. } => Some(kind.code().word()),
        Event::Quarantined(_) => Some(codes::QUARANTINED.word()),
        Event::Storm(_) => Some(Storm::CODE.word()),
        Event::Fight(_) => Some(Fight::CODE.word()),
        Event::NotHeld { why, .. } => why.map(|why| why.code().word()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
