#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::testing::{self, StandIn};
use crate::{Measure, Outcome, StepResult, Subject};

const REMOVE: &str = "ansai:files/files-actions.remove";
const RESTART: &str = "ansai:service/service-actions.restart";

fn preview(frees_now_bytes: u64, items: u64) -> Preview {
    Preview { items, frees_now_bytes, ..testing::preview(Subject::new("filesystem", "/")) }
}

fn attempt(steps: &[(&str, &str, Outcome)]) -> Attempt {
    let result = |(action, about, outcome): &(&str, &str, Outcome)| StepResult {
        step: 0,
        action: (*action).into(),
        arguments: "{}".into(),
        about: Subject::new("x", *about),
        outcome: *outcome,
        reason: None,
        detail: "freed 3 B".into(),
        measures: Vec::new(),
    };
    testing::attempt("/", steps.iter().map(result).collect())
}

/// The calls of `step`: target and remaining need.
fn climb(host: &Host, need: u64, steps: &[(&str, u64)]) -> (Decision, Vec<(String, u64)>) {
    let mut asked = Vec::new();
    let mut ladder = Ladder::new(host, need, |preview| preview.frees_now_bytes);
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

/// The result of a step on files is about the file system; its arguments name the directory.
fn removed(root: &str, outcome: Outcome) -> StepResult {
    let arguments = format!(r#"{{"what": {{"root": "{root}", "globs": ["**"]}}, "reason": "/elsewhere"}}"#);
    let mut attempt = attempt(&[(REMOVE, "/", outcome)]);
    StepResult { arguments, ..attempt.steps.remove(0) }
}

#[test]
fn a_step_that_failed_is_skipped_now_and_later() {
    let mut steps = vec![removed("/a", Outcome::Failed), removed("/b", Outcome::Done), removed("/c", Outcome::Failed)];
    // It failed for only some of its files.
    steps[2].measures = vec![Measure::bytes("freed-bytes", 7)];
    let last = Attempt { steps, ..attempt(&[]) };
    let host = StandIn::default().with_attempt(last.clone()).host();
    let (_, asked) = climb(&host, 100, &[("/a", 50), ("/b", 1), ("/c", 1), ("/elsewhere", 1)]);
    assert_eq!(asked, [("/b".into(), 100), ("/c".into(), 99), ("/elsewhere".into(), 98)]);
    let later = StandIn::default().with_attempt(last).with_attempt(attempt(&[(REMOVE, "/x", Outcome::Done)])).host();
    assert_eq!(climb(&later, 100, &[("/a", 50), ("/b", 90)]).1, [("/b".into(), 100)]);
}

#[test]
fn what_was_never_reached_was_not_tried() {
    let last = Attempt { steps: vec![removed("/a", Outcome::Skipped), removed("/b", Outcome::Done)], ..attempt(&[]) };
    let host = StandIn::default().with_attempt(last).host();
    let ladder = Ladder::one_step(&host);
    let tried = ["/a", "/b", "/c", "/elsewhere"].map(|target| ladder.was_tried(REMOVE, target));
    assert_eq!(tried, [false, true, false, false]);
}

#[test]
fn a_reason_that_may_go_away_is_no_failure() {
    let with = |outcome, reason| StepResult { reason: Some(reason), ..removed("/a", outcome) };
    for (step, tried) in [
        (with(Outcome::Refused, Refusal::Busy("dpkg holds the lock".into())), false),
        (with(Outcome::Refused, Refusal::Changed("it has another inode".into())), false),
        (with(Outcome::Failed, Refusal::Busy("dpkg holds the lock".into())), true),
    ] {
        let host = StandIn::default().with_attempt(Attempt { steps: vec![step], ..attempt(&[]) }).host();
        assert_eq!(Ladder::one_step(&host).was_tried(REMOVE, "/a"), tried);
        assert_eq!(climb(&host, 100, &[("/a", 50)]).1, [("/a".into(), 100)]);
    }
    let denied = with(Outcome::Refused, Refusal::Denied("no grant covers /a".into()));
    let host = StandIn::default().with_attempt(Attempt { steps: vec![denied], ..attempt(&[]) }).host();
    assert!(Ladder::one_step(&host).was_tried(REMOVE, "/a") && climb(&host, 100, &[("/a", 50)]).1.is_empty());
}

#[test]
fn a_result_that_is_about_its_target_needs_no_arguments() {
    let host = StandIn::default().with_attempt(attempt(&[(RESTART, "nginx.service", Outcome::Refused)])).host();
    let mut ladder = Ladder::one_step(&host);
    assert!(ladder.was_tried(RESTART, "nginx.service") && !ladder.was_tried(REMOVE, "nginx.service"));
    ladder.step(RESTART, "nginx.service", |_| panic!("it failed before"));
    let Decision::GiveUp(why) = ladder.decide(|_| vec!["nothing is left".into()]) else { panic!("not given up") };
    assert!(why.ends_with("not possible: restart nginx.service failed before"), "{why}");
}

#[test]
fn one_step_is_one_step() {
    let host = StandIn::default().host();
    let mut ladder = Ladder::one_step(&host).on_failure(OnFailure::UndoApplied);
    ladder.step(RESTART, "a", |_| Ok(preview(0, 1)));
    ladder.step(RESTART, "b", |_| panic!("one is enough"));
    assert_eq!(ladder.decide(|_| Vec::new()), Decision::Apply(OnFailure::UndoApplied));
}

#[test]
fn reasons_are_given_once() {
    let host = StandIn::default().grants("a", "{}").host();
    let mut ladder = Ladder::one_step(&host);
    assert!(ladder.is_granted("a") && !ladder.is_granted("b") && !ladder.is_granted("b"));
    ladder.step(REMOVE, "/tmp", |_| Err(Refusal::Busy("locked".into())));
    let decision = ladder.decide(|_| vec!["nothing is left".into()]);
    let why = "nothing is left; not possible: b is not granted, remove /tmp: busy: locked";
    assert_eq!(decision, Decision::GiveUp(why.into()));
    assert_eq!(host.stand_in().lines(), ["remove /tmp: busy: locked"]);
}
