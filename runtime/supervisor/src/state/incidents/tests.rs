#![allow(clippy::unwrap_used, reason = "tests")]
use ansai_audit::Ballast;
use ansai_core::incident::{Permission, Reason};
use ansai_core::{Millis, Observation, RetryPolicy, Severity, Status, Timestamp};

use super::*;

const MANY: u64 = 100_000;

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

/// In one of the states of an incident.
fn incident(number: u64) -> Incident {
    let instance: InstanceName = format!("i{}", number % 100).parse().unwrap();
    let finding = Observation {
        key: number.to_string(),
        about: Subject::new("test", number.to_string()),
        status: Status::Unhealthy(Severity::Critical),
        summary: "as the test says".into(),
        evidence: vec![],
        related: vec![],
        distance: None,
    };
    let mut incident = Incident::open(&instance, &finding, at(number)).unwrap();
    let times = RetryPolicy { hold_for: Millis::new(5), clear_for: Millis::new(5), ..RetryPolicy::default() };
    match number % 6 {
        0 => drop(incident.starts(&times, at(number))),
        1 => {
            let healthy = Observation { status: Status::Healthy, ..finding };
            incident.follow(Some(&healthy), "", &times, at(number));
        }
        2 => incident.escalate(Reason::Attempts { used: 3 }, at(number)),
        3 => incident.course.held = Some(Permission::OutsideWindow(at(number))),
        4 => incident.unknown = Some("no answer".into()),
        _ => incident.begin(at(number)),
    }
    incident
}

#[test]
fn a_hundred_thousand_incidents_in_every_state_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let open = || State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("b"), 4096)).unwrap();
    let state = open();
    for number in 0..MANY {
        state.put_incident_soon(&incident(number)).unwrap();
    }
    state.flush().unwrap();
    drop(state);
    let state = open();
    assert_eq!(state.open_ids().unwrap().len() as u64, MANY);
    // As a pass reads them: those of one instance.
    for instance in 0..100 {
        for found in state.incidents(&format!("i{instance}").parse().unwrap()).unwrap() {
            let mut expected = incident(found.finding.key.parse().unwrap());
            // What is only of the run that ended.
            expected.course.is_untold = false;
            assert_eq!(found, expected);
        }
    }
}
