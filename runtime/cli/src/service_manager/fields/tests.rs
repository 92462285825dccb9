use ansai_core::quarantine::Quarantine;
use ansai_core::storm::StormCause;
use ansai_core::{ErrorKind, InstanceName, Millis, Subject, Timestamp};

use super::*;

const ONE: InstanceName = InstanceName::from_static("one");

fn storm(phase: StormPhase) -> Event {
    let (within, since, quiet) = (Millis::from_hours(1), Timestamp::EPOCH, Millis::from_hours(1));
    Event::Storm(Storm { phase, why: StormCause::Incidents, count: 31, within, since, quiet })
}

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
    let all =
        [None, Some(Severity::Notice), Some(Severity::Warning), Some(Severity::Critical), Some(Severity::Emergency)];
    let expected = [Priority::Warning, Priority::Notice, Priority::Warning, Priority::Error, Priority::Critical];
    assert_eq!(all.map(opened), expected);
    assert_eq!(priority(&event(Some(Severity::Emergency), Change::Closed)), Priority::Info);
    assert_eq!(event(None, Change::Closed).incident(), Some("one/k/1"));
}

#[test]
fn an_event_with_a_reason_has_its_code() {
    let not_loaded = Event::NotLoaded { name: "one".into(), kind: "no-policy".into(), error: "none".into() };
    assert_eq!((priority(&not_loaded), code(&not_loaded)), (Priority::Error, Some(codes::NO_POLICY.word())));
    assert_eq!(code(&Event::Stopping { why: "SIGTERM".into() }), None);
}

#[test]
fn what_ansai_stops_by_itself_is_urgent_and_has_a_code() {
    let quarantined = Event::Quarantined(Quarantine {
        instance: ONE,
        since: Timestamp::EPOCH,
        faults: 10,
        kind: ErrorKind::Trap,
        error: "unreachable".into(),
    });
    let backed_off = Event::BackedOff { instance: ONE, faults: 3, kind: ErrorKind::Fuel, until: Timestamp::EPOCH };
    let fight = Event::Fight(Fight {
        instances: (ONE, InstanceName::from_static("two")),
        about: Subject::new("file", "/a"),
        turns: 3,
        within: Millis::from_hours(1),
        since: Timestamp::EPOCH,
    });
    for (event, urgent, expected) in [
        (quarantined, Priority::Error, codes::QUARANTINED),
        (backed_off, Priority::Warning, ErrorKind::Fuel.code()),
        (fight, Priority::Error, codes::POLICIES_FIGHT),
        (storm(StormPhase::Stopped), Priority::Error, codes::INCIDENT_STORM),
        (storm(StormPhase::Trial), Priority::Notice, codes::INCIDENT_STORM),
    ] {
        assert_eq!((priority(&event), code(&event)), (urgent, Some(expected.word())), "{event:?}");
    }
}

#[test]
fn what_is_left_to_a_person_is_as_urgent_as_its_finding_and_names_its_incident() {
    let event = Event::Escalated {
        incident: "one/k/1".into(),
        instance: ONE,
        key: "k".into(),
        severity: Some(Severity::Critical),
        summary: String::new(),
        reason: ansai_core::incident::Reason::NothingToDo,
        attempts: 0,
        evidence: Vec::new(),
        tried: Vec::new(),
    };
    assert_eq!((priority(&event), event.incident()), (Priority::Error, Some("one/k/1")));
}
