#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::collections::BTreeSet;

use ansai_audit::Ballast;
use ansai_core::hold::LONGEST;
use ansai_core::{Observation, Relation, Relationship, RetryPolicy, Severity, Status};

use super::super::{Rules, update};
use super::*;

static ONE: InstanceName = InstanceName::from_static("one");
static TWO: InstanceName = InstanceName::from_static("two");

fn sick(name: &str, causes: &[&str]) -> Observation {
    let related =
        causes.iter().map(|cause| Relation { how: Relationship::CausedBy, about: Subject::new("test", *cause) });
    Observation {
        key: name.into(),
        about: Subject::new("test", name),
        status: Status::Unhealthy(Severity::Warning),
        summary: String::new(),
        evidence: vec![],
        related: related.collect(),
        distance: None,
    }
}

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

/// One evaluation, stored; answers what the incidents of `two` are held under, and what was told.
fn evaluate(
    state: &State,
    instance: &InstanceName,
    observations: Vec<Observation>,
    now: u64,
) -> (Vec<Hold>, Vec<Event>) {
    let open = state.incidents(instance).unwrap();
    let retry = RetryPolicy::default();
    let rules = Rules { most: 10_000, retry: &retry };
    let mut update = update(instance, &open, &BTreeSet::new(), observations, rules, "", at(now));
    hold(state, &|name| name != "removed", instance, &mut update, at(now)).unwrap();
    for (incident, _) in &update.incidents {
        state.put_incident(incident).unwrap();
    }
    (update.incidents.into_iter().map(|(incident, _)| incident.hold).collect(), update.holds)
}

fn state(dir: &tempfile::TempDir) -> State {
    State::open(&dir.path().join("state.db"), Ballast::new(dir.path().join("ballast"), 4096)).unwrap()
}

/// A policy that reports a fault for ever silences nobody for ever.
#[test]
fn a_cause_that_never_ends_holds_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(&dir);
    evaluate(&state, &ONE, vec![sick("disk", &[])], 1);
    let child = || vec![sick("table", &["disk"])];
    let (held, told) = evaluate(&state, &TWO, child(), 5);
    assert!(held[0].under.is_some() && matches!(&told[..], [Event::Held { .. }]));
    let (held, told) = evaluate(&state, &TWO, child(), 4 + LONGEST.get());
    assert!(held[0].under.is_some() && told.is_empty());
    let (held, told) = evaluate(&state, &TWO, child(), 5 + LONGEST.get());
    assert_eq!((held[0].under.as_ref(), held[0].refused), (None, Some(NotHeld::CauseLasts)));
    assert!(matches!(&told[..], [Event::NotHeld { was_under: Some(_), why: Some(NotHeld::CauseLasts), .. }]));
    let (held, told) = evaluate(&state, &TWO, child(), 6 + 2 * LONGEST.get());
    assert!(held[0].under.is_none() && told.is_empty(), "as long as it is open");
}

#[test]
fn the_first_cause_with_an_incident_counts_and_it_stays_with_that_one() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(&dir);
    evaluate(&state, &InstanceName::from_static("removed"), vec![sick("a", &[])], 1);
    evaluate(&state, &ONE, vec![sick("b", &[])], 3);
    let child = || vec![sick("child", &["nothing", "a", "b"])];
    let under = |holds: &[Hold]| holds[0].under.as_ref().map(|under| (under.instance.clone(), under.key.clone()));
    let (held, _) = evaluate(&state, &TWO, child(), 4);
    assert_eq!(under(&held), Some((ONE.clone(), "b".into())), "nobody would close the one of `removed`");
    // An older one about the same thing appears: it stays where it is.
    let mut older = Incident::open(&InstanceName::from_static("three"), &sick("b", &[]), at(2)).unwrap();
    older.finding.key = "older".into();
    state.put_incident(&older).unwrap();
    let (held, told) = evaluate(&state, &TWO, child(), 5);
    assert_eq!((under(&held), told.len()), (Some((ONE.clone(), "b".into())), 0));
}

/// The state has what the same key was about before: it is not above itself.
#[test]
fn what_was_about_its_cause_before_is_not_above_itself() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(&dir);
    evaluate(&state, &ONE, vec![sick("k", &[])], 1);
    let moved = Observation { about: Subject::new("test", "other"), ..sick("k", &["k"]) };
    let (held, _) = evaluate(&state, &ONE, vec![moved], 2);
    assert_eq!(held[0].under, None);
}

#[test]
fn very_many_causes_are_bounded() {
    let causes: Vec<String> = (0..1_000).map(|number| format!("c{number}")).collect();
    let causes: Vec<&str> = causes.iter().map(String::as_str).collect();
    assert_eq!(sick("k", &causes).causes().len(), ansai_core::hold::MOST_CAUSES);
    assert_eq!(sick("k", &["a", "a", "b"]).causes().len(), 2);
    let dir = tempfile::tempdir().unwrap();
    let state = state(&dir);
    let about_one: Vec<Observation> =
        (0..100).map(|number| Observation { key: number.to_string(), ..sick("same", &[]) }).collect();
    evaluate(&state, &ONE, about_one, 1);
    let found = state.incidents_about(&Subject::new("test", "same"), 16, |_| true).unwrap();
    assert_eq!(found.len(), 16);
}
