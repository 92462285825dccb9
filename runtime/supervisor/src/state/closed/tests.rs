#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use ansai_audit::Ballast;
use ansai_core::control::IncidentEnd;
use ansai_core::order::{Order, Orders, Person, Silence};
use ansai_core::{Incident, Observation, Severity, Status};
use rusqlite::Connection;

use super::super::SCHEMA;
use super::*;

const ONE: InstanceName = InstanceName::from_static("one");
const TWO: InstanceName = InstanceName::from_static("two");

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

fn state(dir: &std::path::Path) -> State {
    State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
}

fn sick(instance: &InstanceName, key: &str, severity: Severity, opened: u64) -> Incident {
    let finding = Observation {
        key: key.into(),
        about: Subject::new("test", key),
        status: Status::Unhealthy(severity),
        summary: "sick".into(),
        evidence: vec![],
        related: vec![],
        distance: None,
    };
    Incident::open(instance, &finding, at(opened)).unwrap()
}

fn closed(incident: &Incident, closed: u64) -> ClosedIncident {
    ClosedIncident {
        incident: incident.id.clone(),
        instance: incident.instance.clone(),
        key: incident.finding.key.clone(),
        about: incident.finding.about.clone(),
        worst: incident.worst,
        summary: incident.finding.summary.clone(),
        healthy_before: None,
        opened: incident.opened,
        closed: at(closed),
        attempts: 0,
        end: IncidentEnd::Recovered,
    }
}

#[test]
fn a_closed_incident_is_kept_once_and_the_newest_is_first() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    let (first, second) = (sick(&ONE, "a", Severity::Warning, 1), sick(&TWO, "b", Severity::Critical, 2));
    for (incident, time) in [(&first, 5), (&second, 4)] {
        state.put_incident(incident).unwrap();
        state.close_incident(&closed(incident, time)).unwrap();
        // The pass before could not say that it was stored.
        state.close_incident(&closed(incident, time + 10)).unwrap();
    }
    let keys = |wanted| {
        let (found, more) = state.closed_incidents(wanted, 10).unwrap();
        (found.into_iter().map(|one| one.key).collect::<Vec<_>>().join(","), more)
    };
    let all = WantedClosed::default();
    assert_eq!(keys(all), ("a,b".to_owned(), 0));
    assert_eq!(keys(WantedClosed { instance: Some("two"), ..all }), ("b".to_owned(), 0));
    assert_eq!(keys(WantedClosed { key: Some("a"), ..all }), ("a".to_owned(), 0));
    assert_eq!(keys(WantedClosed { since: at(5), ..all }), ("a".to_owned(), 0));
    let (found, more) = state.closed_incidents(all, 1).unwrap();
    assert_eq!((found.len(), more), (1, 1));
    assert_eq!(state.closed_incident(&second.id).unwrap().unwrap().closed, at(4));
    assert!(state.closed_incident("one/x/1").unwrap().is_none() && state.all_incidents().unwrap().is_empty());
}

/// Would break: a noisy instance whose incidents drop those of all others.
#[test]
fn each_instance_keeps_its_latest_and_what_was_dropped_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    let began = state.closed_known_since().unwrap();
    assert!(began > at(1_700_000_000_000), "the time of the migration: {began:?}");
    let now = began.as_millis() + 1_000;
    let quiet = sick(&TWO, "quiet", Severity::Warning, now);
    state.put_incident(&quiet).unwrap();
    state.close_incident(&closed(&quiet, now)).unwrap();
    // As it is at the limit, in one step.
    let fill = Connection::open(dir.path().join("state.db")).unwrap();
    let noisy = serde_json::to_string(&closed(&sick(&ONE, "k", Severity::Warning, now), now)).unwrap();
    fill.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO closed_incident (id, instance, key, opened, closed, value)
            SELECT 'one/k/' || i, 'one', 'k', ?2 + i, ?2 + i, ?3 FROM n",
        params![MOST_OF_INSTANCE, signed(at(now)), noisy],
    )
    .unwrap();
    let count = |instance: &str| -> i64 {
        fill.query_row("SELECT count(*) FROM closed_incident WHERE instance = ?1", [instance], |row| row.get(0))
            .unwrap()
    };
    let next = sick(&ONE, "k", Severity::Warning, now + 10_000);
    state.put_incident(&next).unwrap();
    state.close_incident(&closed(&next, now + 10_000)).unwrap();
    assert_eq!((count("one"), count("two")), (MOST_OF_INSTANCE, 1));
    assert_eq!(state.closed_known_since().unwrap(), at(now + 2), "the first one, which closed at +1, was dropped");
    assert!(state.closed_incident("one/k/1").unwrap().is_none() && state.closed_incident(&quiet.id).unwrap().is_some());
    // All together: a number far beyond all others.
    fill.execute("UPDATE closed_incident SET number = number + ?1 WHERE id = ?2", params![MOST + 10, next.id]).unwrap();
    let last = sick(&ONE, "l", Severity::Warning, now + 20_000);
    state.put_incident(&last).unwrap();
    state.close_incident(&closed(&last, now + 20_000)).unwrap();
    assert_eq!((count("one"), count("two")), (2, 0));
    assert_eq!(state.closed_known_since().unwrap(), at(now + u64::try_from(MOST_OF_INSTANCE).unwrap() + 1));
}

/// Would break: a report that holds everybody up while it reads, or that loses attempts of the same time between two pages.
#[test]
fn a_report_reads_page_by_page_and_others_get_the_state_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    let many = 2 * i64::try_from(PAGE).unwrap() + 10;
    let attempt = Attempt {
        key: "k".into(),
        number: 1,
        at: at(7),
        ended: None,
        stage: String::new(),
        verified: Status::Healthy,
        distance_before: None,
        distance_after: None,
        steps: vec![],
    };
    let closed = serde_json::to_string(&closed(&sick(&ONE, "k", Severity::Warning, 5), 5)).unwrap();
    let attempt = serde_json::to_string(&attempt).unwrap();
    let fill = Connection::open(dir.path().join("state.db")).unwrap();
    for (insert, value) in [
        (
            "closed_incident (id, instance, key, opened, closed, value) SELECT 'one/k/' || i, 'one', 'k', 5, 5, ?2",
            closed,
        ),
        ("attempt SELECT 'one', 'test', 'k', 5 + i / 700, 'p' || i, ?2", attempt),
    ] {
        let statement = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) INSERT INTO {insert} FROM n"
        );
        fill.execute(&statement, params![many, value]).unwrap();
    }
    let (mut seen, mut tried) = (0, 0);
    let others = || assert!(state.closed_known_since().is_ok());
    let each_closed = |_: ClosedIncident| {
        others();
        seen += 1;
    };
    state.each_closed(at(0), each_closed).unwrap();
    let each_attempt = |instance: &str, _: Attempt| {
        others();
        tried += i64::from(instance == "one");
    };
    state.each_attempt(at(0), each_attempt).unwrap();
    assert_eq!((seen, tried), (many, many));
}

#[test]
fn the_overview_has_the_worst_first_and_silenced_ones_last() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path());
    let mut unknown = sick(&ONE, "unknown", Severity::Emergency, 1);
    unknown.unknown = Some("no answer".into());
    for incident in [
        &sick(&ONE, "silenced", Severity::Emergency, 1),
        &unknown,
        &sick(&TWO, "silenced", Severity::Emergency, 9),
        &sick(&ONE, "old", Severity::Warning, 1),
        &sick(&ONE, "new", Severity::Warning, 2),
        &sick(&ONE, "worse", Severity::Critical, 3),
    ] {
        state.put_incident(incident).unwrap();
    }
    let order = Order { since: at(0), until: at(100), reason: "known".into(), by: Person { uid: 0, name: None } };
    let silence = Silence { instance: Some(ONE), key: "silenced".into(), order };
    let orders = Orders { silences: vec![silence], ..Orders::default() };
    let seen = |most, now| {
        let found = state.overview(&orders, at(now), false, most, |_| true).unwrap();
        let keys: Vec<String> = found.first.iter().map(|one| format!("{}/{}", one.instance, one.finding.key)).collect();
        (keys.join(" "), found)
    };
    let (keys, found) = seen(10, 50);
    assert_eq!(keys, "two/silenced one/unknown one/worse one/old one/new one/silenced");
    assert_eq!((found.count, found.silenced, found.is_unhealthy, found.is_unknown), (6, 1, true, true));
    assert_eq!((found.by_instance["one"], found.by_instance["two"]), (5, 1));
    let (keys, found) = seen(2, 50);
    assert_eq!((keys.as_str(), found.count), ("two/silenced one/unknown", 6));
    // The silence is over.
    assert_eq!(seen(2, 100).0, "one/silenced two/silenced");
    let only = state.overview(&orders, at(50), false, 9, |row| row.key == "unknown").unwrap();
    assert!(only.is_unknown && !only.is_unhealthy && only.count == 1);
}

#[test]
fn a_state_of_the_version_before_keeps_its_open_incidents() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.db");
    let before = SCHEMA.0.iter().position(|statements| statements.contains("closed_incident")).unwrap();
    let old = Connection::open(&file).unwrap();
    for statements in &SCHEMA.0[..before] {
        old.execute_batch(statements).unwrap();
    }
    old.pragma_update(None, "user_version", i64::try_from(before).unwrap()).unwrap();
    let incident = sick(&ONE, "a", Severity::Warning, 7);
    let value = serde_json::to_string(&incident).unwrap();
    old.execute("INSERT INTO incident VALUES ('one', 'a', ?1)", [value]).unwrap();
    drop(old);
    let state = state(dir.path());
    let found = state.overview(&Orders::default(), at(9), false, 9, |row| row.opened == at(7)).unwrap();
    assert_eq!(found.first, [incident]);
}
