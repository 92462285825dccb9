#![allow(clippy::indexing_slicing, reason = "tests")]
use ansai_core::{Severity, Subject};

use super::*;

const ONE: InstanceName = InstanceName::from_static("one");
const OTHER: InstanceName = InstanceName::from_static("other");

/// A Monday at midnight UTC, and so many hours.
fn at(hours: u64) -> Timestamp {
    BEGINS + Millis::from_hours(hours)
}

fn incident(opened: u64, closed: Option<(u64, IncidentEnd)>) -> RecordedIncident {
    RecordedIncident {
        instance: ONE,
        key: "/var".to_owned(),
        about: Subject::new("filesystem", "/var"),
        worst: Severity::Critical,
        opened: at(opened),
        closed: closed.map(|(hours, end)| (at(hours), end)),
    }
}

fn of(incidents: Vec<RecordedIncident>, since: u64, now: u64) -> Recorded {
    faults(incidents, at(since), at(now), &[&ONE])
}

/// Would break: an incident that ansai healed and that no step ends in the simulation, or the other way round.
#[test]
fn each_end_says_how_long_it_lasts_and_whether_a_step_helps() {
    for (closed, lasts, helps) in [
        (Some((33, IncidentEnd::Healed)), None, 100),
        (Some((33, IncidentEnd::HealedWithApproval)), None, 100),
        (Some((33, IncidentEnd::Recovered)), Some(Millis::from_hours(3)), 0),
        (Some((33, IncidentEnd::Gone)), Some(Millis::from_hours(3)), 0),
        (Some((33, IncidentEnd::Displaced)), Some(Millis::from_hours(3)), 0),
        (None, None, 0),
    ] {
        let recorded = of(vec![incident(30, closed)], 0, 100);
        assert_eq!(recorded.faults.len(), 1, "{closed:?}");
        let Fault { instance, key, about, severity, is_exact, .. } = &recorded.faults[0];
        assert_eq!((instance, key.as_str(), about), (&ONE, "/var", &Subject::new("filesystem", "/var")));
        assert_eq!((*severity, *is_exact), (Severity::Critical, true));
        assert_eq!((recorded.faults[0].lasts, recorded.faults[0].helps), (lasts, helps), "{closed:?}");
        // Tuesday at six stays Tuesday at six.
        assert_eq!(recorded.begins, at(24));
        assert_eq!(recorded.faults[0].begins, Begins::At(vec![Millis::from_hours(6)]));
    }
}

#[test]
fn what_came_later_begins_later_and_what_opened_before_lasts_from_the_first_day() {
    let before = incident(10, Some((26, IncidentEnd::Recovered)));
    let wrong_clock = incident(900, Some((800, IncidentEnd::Recovered)));
    let Recorded { faults, begins, counts } = of(vec![before, incident(50, None), wrong_clock], 24, 60);
    assert_eq!((begins, counts.recorded), (at(24), 3));
    let begins: Vec<_> = faults.iter().map(|fault| fault.begins.clone()).collect();
    assert_eq!(begins, [0, 26, 36].map(|hours| Begins::At(vec![Millis::from_hours(hours)])));
    let hours = |hours| Some(Millis::from_hours(hours));
    assert_eq!(faults.iter().map(|fault| fault.lasts).collect::<Vec<_>>(), [hours(2), None, hours(740)]);
}

#[test]
fn what_is_left_out_is_counted() {
    let other = RecordedIncident { instance: OTHER, ..incident(1, None) };
    let many = (0..1_002).map(|hours| incident(hours, None));
    let recorded = of([other].into_iter().chain(many).collect(), 0, 2_000);
    assert_eq!(recorded.counts, RecordedCounts { recorded: 1_000, other_instances: 1, older: 2 });
    assert_eq!(recorded.faults[0].begins, Begins::At(vec![Millis::from_hours(2)]), "the oldest are left out");
    let nothing = of(Vec::new(), 0, 1);
    assert_eq!((nothing.begins, nothing.counts), (BEGINS, RecordedCounts::default()));
}
