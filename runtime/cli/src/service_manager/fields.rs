//! What the fields of an event in the journal say.

use ansai_core::event::Verdict;
use ansai_core::incident::Change;
use ansai_core::{Event, Outcome, Severity, Status};

use super::journal::Priority;

/// How urgent an event is.
pub(super) fn priority(event: &Event) -> Priority {
    match event {
        Event::Incident { change: Change::Closed | Change::Gone, .. } => Priority::Info,
        Event::Incident { severity, .. } | Event::Held { severity, .. } | Event::NotHeld { severity, .. } => {
            // Without one, it is unknown how bad it is.
            severity.map_or(Priority::Warning, of_severity)
        }
        Event::NotLoaded { .. } | Event::Failed { .. } | Event::PlanFailed { .. } => Priority::Error,
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
        | Event::Pending { .. }
        | Event::TornTail { .. }
        | Event::ClockJumped { .. } => Priority::Warning,
        // What changes the host, and what people ordered.
        Event::Intent(_)
        | Event::Undoing(_)
        | Event::AfterUndoIntent { .. }
        | Event::Confirmed { .. }
        | Event::Approval { .. }
        | Event::Paused(_)
        | Event::Silenced(_)
        | Event::AuditKey { .. }
        | Event::AuditDropped { .. } => Priority::Notice,
        _ => Priority::Info,
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

/// The incident that an event names.
pub(super) fn incident(event: &Event) -> Option<&str> {
    match event {
        Event::Incident { incident, .. }
        | Event::Held { incident, .. }
        | Event::NotHeld { incident, .. }
        | Event::Approval { incident, .. }
        | Event::ApprovalEnded { incident, .. }
        | Event::Verified { incident, .. } => Some(incident),
        Event::Planned { incident, .. }
        | Event::PlanFailed { incident, .. }
        | Event::Repeated { incident, .. }
        | Event::Unchanged { incident, .. } => incident.as_deref(),
        _ => None,
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
        Event::NotHeld { why, .. } => why.map(|why| why.code().word()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ansai_core::{InstanceName, codes};

    use super::*;

    #[test]
    fn an_incident_is_as_urgent_as_its_finding_until_it_closes() {
        let event = |severity, change| Event::Incident {
            incident: "one/k/1".into(),
            instance: InstanceName::from_static("one"),
            key: "k".into(),
            change,
            severity,
            summary: String::new(),
            held_under: None,
            silenced: false,
        };
        let opened = |severity| priority(&event(severity, Change::Opened));
        let all = [
            None,
            Some(Severity::Notice),
            Some(Severity::Warning),
            Some(Severity::Critical),
            Some(Severity::Emergency),
        ];
        let expected = [Priority::Warning, Priority::Notice, Priority::Warning, Priority::Error, Priority::Critical];
        assert_eq!(all.map(opened), expected);
        assert_eq!(priority(&event(Some(Severity::Emergency), Change::Closed)), Priority::Info);
        assert_eq!(incident(&event(None, Change::Closed)), Some("one/k/1"));
    }

    #[test]
    fn an_event_with_a_reason_has_its_code() {
        let not_loaded = Event::NotLoaded { name: "one".into(), kind: "no-policy".into(), error: "none".into() };
        assert_eq!((priority(&not_loaded), code(&not_loaded)), (Priority::Error, Some(codes::NO_POLICY.word())));
        assert_eq!(code(&Event::Stopping { why: "SIGTERM".into() }), None);
    }
}
