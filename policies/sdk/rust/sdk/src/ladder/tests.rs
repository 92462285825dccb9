#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::testing::StandIn;
use crate::{Measure, Outcome, Severity, Status, StepResult, Subject};

const REMOVE: &str = "ansai:files/files-actions.remove";
const RESTART: &str = "ansai:service/service-actions.restart";

fn finding() -> Observation {
    let status = Status::Unhealthy(Severity::Critical);
    Observation::new("/", Subject::new("filesystem", "/"), status, "/ is full")
}

fn preview(frees_now_bytes: u64, items: u64) -> Preview {
    Preview {
        step: 0,
        about: Subject::new("filesystem", "/"),
        items,
        frees_now_bytes,
        frees_later_bytes: 0,
        interrupts: 0,
        reversible: true,
        undone_after: None,
        complete: true,
        sample: Vec::new(),
        left_out: Vec::new(),
    }
}

fn attempt(steps: &[(&str, &str, Outcome)]) -> Attempt {
    let result = |(action, about, outcome): &(&str, &str, Outcome)| StepResult {
        action: (*action).into(),
        about: Subject::new("x", *about),
        outcome: *outcome,
        detail: "freed 3 B".into(),
        measures: Vec::new(),
    };
    Attempt {
        at: 0,
        stage: String::new(),
        verified: Status::Unhealthy(Severity::Critical),
        steps: steps.iter().map(result).collect(),
    }
}

/// The calls of `step`: target and remaining need.
fn climb(host: &Host, need: u64, steps: &[(&str, u64)]) -> (Decision, Vec<(String, u64)>) {
    let finding = finding();
    let mut asked = Vec::new();
    let mut ladder = Ladder::new(host, &finding, need, |preview| preview.frees_now_bytes);
    for (target, frees) in steps {
        ladder.step(REMOVE, target, |rest| {
            asked.push(((*target).to_owned(), rest));
            Ok(preview(*frees, *frees))
        });
    }
    (ladder.decide(|_| vec!["nothing is left".into(), String::new(), "more".into()]), asked)
}

#[test]
fn steps_come_in_order_until_they_are_enough() {
    let host = StandIn::default().host();
    let (decision, asked) = climb(&host, 100, &[("/a", 60), ("/b", 40), ("/c", 1)]);
    assert_eq!(decision, Decision::Apply(OnFailure::Stop));
    assert_eq!(asked, [("/a".into(), 100), ("/b".into(), 40)]);
}

#[test]
fn without_a_useful_step_it_gives_up() {
    let host = StandIn::default().host();
    let (decision, _) = climb(&host, 100, &[("/a", 0)]);
    assert_eq!(decision, Decision::GiveUp("nothing is left; more".into()));
    assert_eq!(host.recall("proposed:/"), None);
}

#[test]
fn next_to_nothing_is_enough_only_the_first_time() {
    let first = StandIn::default().host();
    assert_eq!(climb(&first, 100, &[("/a", 9)]).0, Decision::Apply(OnFailure::Stop));
    let again = || StandIn::default().with_attempt(attempt(&[(REMOVE, "/", Outcome::Done)])).host();
    assert_eq!(climb(&again(), 100, &[("/a", 10)]).0, Decision::Apply(OnFailure::Stop));
    let (decision, _) = climb(&again(), 100, &[("/a", 9)]);
    assert_eq!(decision, Decision::GiveUp("nothing is left; tried: remove / (done: freed 3 B); more".into()));
}

/// The host's result names the file system, not the directory: only the store knows each step's directory.
#[test]
fn a_step_that_failed_is_skipped_now_and_later() {
    let host = StandIn::default().host();
    climb(&host, 100, &[("/a", 1), ("/b", 1), ("/c", 1)]);
    let stored = host.recall("proposed:/").unwrap();
    let mut last =
        attempt(&[(REMOVE, "/", Outcome::Failed), (REMOVE, "/", Outcome::Done), (REMOVE, "/", Outcome::Failed)]);
    // It failed for only some of its files.
    last.steps[2].measures = vec![Measure::bytes("freed-bytes", 7)];
    let host = StandIn::default().with_attempt(last.clone()).remembers("proposed:/", &stored).host();
    let (_, asked) = climb(&host, 100, &[("/a", 50), ("/b", 1), ("/c", 1)]);
    assert_eq!(asked, [("/b".into(), 100), ("/c".into(), 99)]);
    let stored = host.recall("proposed:/");
    // It gave up, and the earlier steps are still stored.
    assert!(stored.as_ref().unwrap().contains("/a"), "{stored:?}");
    let (decision, _) = climb(&host, 100, &[("/a", 50), ("/b", 90)]);
    assert_eq!(decision, Decision::Apply(OnFailure::Stop));
    let stored = host.recall("proposed:/").unwrap();
    let later = StandIn::default()
        .with_attempt(last)
        .with_attempt(attempt(&[(REMOVE, "/", Outcome::Done)]))
        .remembers("proposed:/", &stored)
        .host();
    assert_eq!(climb(&later, 100, &[("/a", 50), ("/b", 90)]).1, [("/b".into(), 100)]);
}

#[test]
fn a_result_that_names_its_target_needs_no_store() {
    let host = StandIn::default().with_attempt(attempt(&[(RESTART, "nginx.service", Outcome::Refused)])).host();
    let finding = finding();
    let mut ladder = Ladder::one_step(&host, &finding);
    assert!(ladder.was_tried(RESTART, "nginx.service") && !ladder.was_tried(REMOVE, "nginx.service"));
    ladder.step(RESTART, "nginx.service", |_| panic!("it failed before"));
    let Decision::GiveUp(why) = ladder.decide(|_| vec!["nothing is left".into()]) else { panic!("not given up") };
    assert!(why.ends_with("not possible: restart nginx.service failed before"), "{why}");
}

#[test]
fn one_step_is_one_step() {
    let host = StandIn::default().host();
    let finding = finding();
    let mut ladder = Ladder::one_step(&host, &finding).on_failure(OnFailure::UndoApplied);
    ladder.step(RESTART, "a", |_| Ok(preview(0, 1)));
    ladder.step(RESTART, "b", |_| panic!("one is enough"));
    assert_eq!(ladder.decide(|_| Vec::new()), Decision::Apply(OnFailure::UndoApplied));
}

#[test]
fn reasons_are_given_once() {
    let host = StandIn::default().grants("a", "{}").host();
    let finding = finding();
    let mut ladder = Ladder::one_step(&host, &finding);
    assert!(ladder.is_granted("a") && !ladder.is_granted("b") && !ladder.is_granted("b"));
    ladder.step(REMOVE, "/tmp", |_| Err(Refusal::Busy("locked".into())));
    let decision = ladder.decide(|_| vec!["nothing is left".into()]);
    let why = "nothing is left; not possible: b is not granted, remove /tmp: busy: locked";
    assert_eq!(decision, Decision::GiveUp(why.into()));
    assert_eq!(host.stand_in().lines(), ["remove /tmp: busy: locked"]);
}
