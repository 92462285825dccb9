#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::path::Path;

use ansai_audit::Ballast;
use ansai_core::order::Person;
use ansai_core::promotion::Judgement;

use super::*;

const ONE: InstanceName = InstanceName::from_static("one");
const TWO: InstanceName = InstanceName::from_static("two");
const TODAY: u64 = 20_000;

fn open(dir: &Path) -> State {
    State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
}

fn on(day: u64) -> Timestamp {
    Timestamp::from_millis(day * DAY_MS + 5)
}

fn opened(incident: &str, instance: &InstanceName) -> Fact {
    Fact::Opened { incident: incident.into(), instance: instance.clone(), key: "k".into() }
}

fn planned(plan: &str, incident: &str, instance: &InstanceName) -> Fact {
    let steps = vec![("a.remove".to_owned(), Millis::new(3))];
    Fact::Planned { plan: plan.into(), incident: incident.into(), instance: instance.clone(), steps }
}

fn applied(plan: &str, freed_bytes: u64) -> Fact {
    Fact::Applied { plan: plan.into(), step: 0, freed_bytes }
}

fn verified(plan: &str, is_healthy: bool) -> Fact {
    Fact::Verified { plan: plan.into(), is_healthy }
}

fn noted(day: u64, facts: Vec<Fact>) -> Vec<Noted> {
    facts.into_iter().map(|fact| Noted { sequence: 0, at: on(day), fact }).collect()
}

fn feedback(incident: &str, judgement: Judgement, day: u64) -> Feedback {
    let by = Person { uid: 0, name: None };
    let (incident, key) = (incident.to_owned(), "k".to_owned());
    Feedback { incident, instance: ONE, key, judgement, note: None, by, judged: on(day) }
}

#[test]
fn an_action_is_counted_by_instance_and_survives() {
    let dir = tempfile::tempdir().unwrap();
    let facts = noted(
        TODAY,
        vec![
            opened("i", &ONE),
            planned("p", "i", &ONE),
            // Proposed again for the same incident: one more plan, not one more incident.
            planned("q", "i", &ONE),
            Fact::Asked { plan: "q".into(), is_approved: true },
            applied("q", 7),
            verified("q", true),
            planned("r", "j", &TWO),
            applied("r", 1),
            verified("r", false),
            // A plan that the host does not apply is forgotten.
            planned("s", "k", &TWO),
            Fact::NotApplied { plan: "s".into() },
            applied("s", 100),
        ],
    );
    {
        let state = open(dir.path());
        state.count(&facts, 12).unwrap();
    }
    let state = open(dir.path());
    assert_eq!(state.counted().unwrap(), 12);
    let records = state.action_records(on(TODAY)).unwrap();
    let [one, two] = records.as_slice() else { unreachable!("{records:?}") };
    let expected = Achieved {
        since: Some(Timestamp::from_millis(TODAY * DAY_MS)),
        proposed: 1,
        approved: 1,
        applied: 1,
        verified: 1,
        healed: 1,
        freed_bytes: Bytes::new(7),
        interrupted: Millis::new(3),
        ..Achieved::default()
    };
    assert_eq!((&one.instance, one.action.as_str(), &one.achieved), (&ONE, "a.remove", &expected));
    assert_eq!((two.achieved.proposed, two.achieved.applied, two.achieved.freed_bytes.get()), (2, 1, 1));
    let helped = |instance| state.effectiveness(instance, "a.remove", on(TODAY)).unwrap();
    assert_eq!((helped(&ONE).to_string(), helped(&TWO).healed), ("helped 1 of 1 time in 90 days".into(), 0));
    assert_eq!(state.effectiveness(&ONE, "a.other", on(TODAY)).unwrap(), Effectiveness::default());
}

/// Would break: an approved plan that waits for its window drops out of the record.
#[test]
fn an_approved_plan_that_waits_for_something_else_still_counts() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let facts = vec![
        opened("i", &ONE),
        planned("p", "i", &ONE),
        Fact::Asked { plan: "p".into(), is_approved: true },
        // The next pass records it again, outside its window.
        planned("p", "i", &ONE),
        Fact::NotApplied { plan: "p".into() },
        Fact::Asked { plan: "p".into(), is_approved: true },
        applied("p", 7),
        verified("p", true),
    ];
    state.count(&noted(TODAY, facts), 8).unwrap();
    let one = state.action_records(on(TODAY)).unwrap()[0].achieved.clone();
    assert_eq!((one.proposed, one.approved, one.applied, one.verified, one.healed), (1, 1, 1, 1, 1), "{one:?}");
}

/// Would break: an announced plan that counts as approved by a person, or that is not counted because it waits for its window.
#[test]
fn an_announced_plan_counts_without_an_approval() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let facts = vec![
        opened("i", &ONE),
        planned("p", "i", &ONE),
        Fact::Released { plan: "p".into() },
        planned("p", "i", &ONE),
        Fact::NotApplied { plan: "p".into() },
        applied("p", 7),
        verified("p", true),
    ];
    state.count(&noted(TODAY, facts), 7).unwrap();
    let one = state.action_records(on(TODAY)).unwrap()[0].achieved.clone();
    assert_eq!((one.proposed, one.approved, one.applied, one.verified, one.healed), (1, 0, 1, 1, 1), "{one:?}");
}

#[test]
fn ninety_days_count_and_older_ones_go() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    for (number, day) in [TODAY - 91, TODAY - 90, TODAY].into_iter().enumerate() {
        let (plan, incident) = (format!("p{number}"), format!("i{number}"));
        let facts = vec![opened(&incident, &ONE), planned(&plan, &incident, &ONE), applied(&plan, 1)];
        state.count(&noted(day, facts), 1).unwrap();
    }
    let count = |state: &State| state.action_records(on(TODAY)).unwrap()[0].achieved.clone();
    assert_eq!((count(&state).applied, count(&state).since), (2, Some(Timestamp::from_millis((TODAY - 90) * DAY_MS))));
    state.prune_track_record(on(TODAY)).unwrap();
    let rows = |table: &str| {
        let count = format!("SELECT count(*) FROM {table}");
        state.0.read(|connection| Ok(connection.query_row(&count, [], |row| row.get::<_, i64>(0))?)).unwrap()
    };
    assert_eq!((rows("tally"), rows("counted_plan"), rows("known_incident"), rows("proposal")), (2, 2, 2, 2));
    assert_eq!(count(&state).applied, 2);
}

#[test]
fn what_is_kept_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let many = u64::try_from(MOST_KEPT).unwrap() + 50;
    let facts: Vec<Noted> = (0..many)
        .map(|number| Noted {
            sequence: number,
            at: on(TODAY) + Millis::new(number),
            fact: opened(&format!("one/k/{number}"), &ONE),
        })
        .collect();
    state.count(&facts, many).unwrap();
    state.prune_track_record(on(TODAY)).unwrap();
    assert_eq!(state.latest_incidents(usize::MAX).unwrap().len(), usize::try_from(MOST_KEPT).unwrap());
    assert!(state.known_incident("one/k/49").unwrap().is_none());
    assert_eq!(state.known_incident("one/k/50").unwrap().unwrap().instance, ONE);
}

#[test]
fn the_last_word_about_an_incident_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    let facts = vec![opened("i", &ONE), planned("p", "i", &ONE), planned("q", "i", &ONE), opened("j", &ONE)];
    state.count(&noted(TODAY, facts), 4).unwrap();
    let counts = |since| {
        let counts = state.feedback_counts(None, on(since)).unwrap();
        let achieved = state.action_records(on(TODAY)).unwrap()[0].achieved.clone();
        (counts.false_alarms, counts.helpful, achieved.false_alarms, achieved.helpful)
    };
    state.put_feedback(&feedback("i", Judgement::FalseAlarm, TODAY)).unwrap();
    // Without a proposal: it counts for the host, and for no action.
    state.put_feedback(&feedback("j", Judgement::FalseAlarm, TODAY)).unwrap();
    assert_eq!(counts(TODAY), (2, 0, 1, 0));
    state.put_feedback(&feedback("i", Judgement::Helpful, TODAY)).unwrap();
    assert_eq!(counts(TODAY), (1, 1, 0, 1));
    assert_eq!(counts(TODAY + 1), (0, 0, 0, 1));
    assert_eq!(state.feedback("i").unwrap().unwrap().judgement, Judgement::Helpful);
    assert_eq!(state.feedback_counts(Some(&TWO), on(0)).unwrap(), FeedbackCounts::default());
}

#[test]
fn numbers_of_policies_do_not_overflow() {
    let dir = tempfile::tempdir().unwrap();
    let state = open(dir.path());
    for plan in ["p", "q", "r"] {
        state.count(&noted(TODAY, vec![planned(plan, plan, &ONE), applied(plan, u64::MAX)]), 1).unwrap();
    }
    let freed = state.action_records(on(TODAY)).unwrap()[0].achieved.freed_bytes;
    assert!(freed.get() > i64::MAX.unsigned_abs(), "{freed}");
}
