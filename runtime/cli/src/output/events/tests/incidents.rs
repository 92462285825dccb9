//! Incidents.

use ansai_core::hold::{HeldUnder, NotHeld};
use ansai_core::incident::{Change, Progress, Reason, Tried, TriedStep};
use ansai_core::{Event, InstanceName, Measure, Millis, Outcome, Severity, Status, Subject, Timestamp, Unit};

use super::values::{order, statuses};

/// With every part that has kinds of its own.
pub(super) fn samples() -> Vec<Event> {
    let name = InstanceName::from_static("one");
    let plan = String::from("p1");
    let mut samples = Vec::new();
    for change in [
        Change::Opened,
        Change::Changed,
        Change::Unchanged,
        Change::BecameUnknown,
        Change::Closed,
        Change::Gone,
        Change::Displaced,
    ] {
        samples.push(Event::Incident {
            incident: "one/k/1".into(),
            instance: name.clone(),
            key: "k".into(),
            change,
            severity: Some(Severity::Emergency),
            summary: "93 % full".into(),
            held_under: None,
            silenced: false,
        });
    }
    let under = HeldUnder {
        incident: "two/d/1".into(),
        instance: InstanceName::from_static("two"),
        key: "d".into(),
        cause: Subject::new("disk", "sda"),
    };
    samples.push(Event::Held {
        incident: "one/k/1".into(),
        instance: name.clone(),
        key: "k".into(),
        under,
        severity: Some(Severity::Critical),
        summary: "93 % full".into(),
    });
    let reasons = NotHeld::ALL.map(Some).into_iter().chain([None]);
    for (why, was_under) in reasons.flat_map(|why| [(why, None), (why, Some("two/d/1".to_owned()))]) {
        samples.push(Event::NotHeld {
            incident: "one/k/1".into(),
            instance: name.clone(),
            key: "k".into(),
            was_under,
            why,
            severity: Some(Severity::Critical),
            summary: "93 % full".into(),
        });
    }
    for reason in [
        Reason::Attempts { used: 2 },
        Reason::TimeOut { within: Millis::from_hours(1) },
        Reason::NothingToDo,
        Reason::Flapping { times: 3, within: Millis::from_hours(1) },
    ] {
        let (incident, instance, key) = ("one/k/1".to_owned(), name.clone(), "k".to_owned());
        samples.push(Event::Stage {
            incident: incident.clone(),
            instance: instance.clone(),
            key: key.clone(),
            from: "clean".into(),
            to: "person".into(),
            reason: reason.clone(),
        });
        let step = TriedStep {
            action: "ansai:files/files-actions.remove".into(),
            about: "filesystem /var".into(),
            outcome: Outcome::Failed,
            detail: "no \u{1b}[31mspace".into(),
        };
        let tried = Tried {
            number: 1,
            stage: "clean".into(),
            at: Timestamp::from_millis(1),
            steps: vec![step],
            verified: Status::Unhealthy(Severity::Critical),
            progress: Some(Progress::Unchanged),
        };
        samples.push(Event::Escalated {
            incident,
            instance,
            key,
            severity: Some(Severity::Critical),
            summary: "full".into(),
            reason,
            attempts: 2,
            evidence: vec![Measure::count("used", 1, Unit::Bytes)],
            tried: vec![tried],
        });
    }
    samples.push(Event::Retried {
        incident: "one/k/1".into(),
        instance: name.clone(),
        key: "k".into(),
        by: order().by,
    });
    for status in statuses() {
        samples.push(Event::Verified {
            plan: plan.clone(),
            incident: "one/k/1".into(),
            instance: name.clone(),
            status,
            distance: None,
            progress: Some(Progress::Improved),
            evaluations: 3,
        });
    }
    samples
}
