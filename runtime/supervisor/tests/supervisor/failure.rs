//! A failed step, and the steps before and after it.

use ansai_core::{Event, OnFailure, Outcome, exit};
use ansai_supervisor::PlanReport;

use crate::scene::Scene;
use crate::script::{Call, Script, Step};

/// Two marks, a step that fails, and another mark.
async fn third_fails(scene: &Scene, third: Step, on_failure: OnFailure) -> PlanReport {
    let mark = |name: &str| Step::mark(scene.path(name));
    scene.script(&Script::sick(vec![mark("a"), mark("b"), third, mark("d")], on_failure));
    let reports = scene.open().run_once().await;
    assert_eq!(ansai_supervisor::report::exit_code(&reports), exit::UNHEALTHY, "a failure is no refusal");
    assert!(!scene.path("d").exists());
    reports[0].findings[0].plans[0].clone()
}

fn outcomes(plan: &PlanReport) -> Vec<Option<Outcome>> {
    plan.steps.iter().map(|step| step.outcome).collect()
}

fn undone(scene: &Scene) -> Vec<(u32, Outcome)> {
    let undone = |event| match event {
        Event::Undone { step, outcome, .. } => Some((step, outcome)),
        _ => None,
    };
    scene.events().into_iter().filter_map(undone).collect()
}

#[tokio::test]
async fn the_steps_before_are_undone_newest_first() {
    let scene = Scene::new();
    let flaky = Step::new(Call::Flaky, 0, 0, scene.path("c"));
    let plan = third_fails(&scene, flaky, OnFailure::UndoApplied).await;
    let reverted = Some(Outcome::Reverted);
    assert_eq!(outcomes(&plan), [reverted, reverted, Some(Outcome::Failed), Some(Outcome::Skipped)]);
    assert_eq!(scene.text("history"), "mark a\nmark b\nunmark b\nunmark a\n");
    assert_eq!(undone(&scene), [(1, Outcome::Done), (0, Outcome::Done)]);
    let intents = scene.events().into_iter().filter(|event| matches!(event, Event::Undoing(_))).count();
    assert_eq!(intents, 2, "each has an intent");
    scene.finish().await;
}

#[tokio::test]
async fn what_can_be_undone_in_part_is_undone_too() {
    let scene = Scene::new();
    let steps = vec![
        Step::new(Call::Mark, 0, 1, scene.path("a")),
        Step::new(Call::Wait, 0, 60_000, scene.path("b")),
        Step::new(Call::Flaky, 0, 0, scene.path("c")),
    ];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    let plan = scene.open().run_once().await[0].findings[0].plans[0].clone();
    let done = Some(Outcome::Done);
    assert_eq!(outcomes(&plan), [Some(Outcome::Reverted), done, Some(Outcome::Failed)], "waiting cannot be undone");
    assert_eq!(undone(&scene), [(0, Outcome::Done)]);
    scene.finish().await;
}

#[tokio::test]
async fn or_left_as_they_are() {
    let scene = Scene::new();
    let flaky = Step::new(Call::Flaky, 0, 0, scene.path("c"));
    let plan = third_fails(&scene, flaky, OnFailure::Stop).await;
    let done = Some(Outcome::Done);
    assert_eq!(outcomes(&plan), [done, done, Some(Outcome::Failed), Some(Outcome::Skipped)]);
    assert_eq!((scene.text("history"), undone(&scene)), ("mark a\nmark b\n".into(), vec![]));
    scene.finish().await;
}

#[tokio::test]
async fn a_check_that_fails_stops_what_follows() {
    let scene = Scene::new();
    let plan = third_fails(&scene, Step::new(Call::CheckAvailable, u64::MAX, 0, "/"), OnFailure::UndoApplied).await;
    let reverted = Some(Outcome::Reverted);
    assert_eq!(outcomes(&plan), [reverted, reverted, Some(Outcome::Failed), Some(Outcome::Skipped)]);
    assert!(plan.steps[2].detail.contains("needed"), "{}", plan.steps[2].detail);
    scene.finish().await;
}

#[tokio::test]
async fn a_check_that_holds_has_nothing_to_undo() {
    let scene = Scene::new();
    let steps = vec![
        Step::new(Call::CheckAvailable, 0, 0, "/"),
        Step::mark(scene.path("a")),
        Step::new(Call::Flaky, 0, 0, scene.path("b")),
    ];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    let reports = scene.open().run_once().await;
    let plan = &reports[0].findings[0].plans[0];
    assert_eq!(outcomes(plan), [Some(Outcome::Done), Some(Outcome::Reverted), Some(Outcome::Failed)]);
    assert!(!plan.steps[0].detail.contains("undone"), "{}", plan.steps[0].detail);
    scene.finish().await;
}

#[tokio::test]
async fn a_person_undoes_a_plan_with_checks() {
    let scene = Scene::new();
    let check = || Step::new(Call::CheckAvailable, 0, 0, "/");
    scene.script(&Script::sick(vec![check(), Step::mark(scene.path("a")), check()], OnFailure::Stop));
    let supervisor = scene.open();
    let reports = supervisor.run_once().await;
    let plan = &reports[0].findings[0].plans[0].plan;
    let undone = supervisor.undo(plan, None, "a person").unwrap();
    let outcomes: Vec<_> = undone.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [None, Some(Outcome::Reverted), None], "newest first");
    assert_eq!(scene.text("history"), "mark a\nunmark a\n");
    let undone = supervisor.undo(plan, Some(0), "a person").unwrap();
    assert_eq!((undone[0].outcome, undone[0].detail.as_str()), (Some(Outcome::Refused), "step 0 changed nothing"));
    drop(supervisor);
    scene.finish().await;
}

/// The action refuses when it is to start: nothing changes, and the log records this after the intent.
#[tokio::test]
async fn a_refusal_of_the_action_is_recorded() {
    let scene = Scene::new();
    let steps = vec![Step::mark(scene.path("a")), Step::new(Call::Flaky, 1, 0, scene.path("b"))];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let supervisor = scene.open();
    let reports = supervisor.run_once().await;
    let plan = &reports[0].findings[0].plans[0];
    assert_eq!(outcomes(plan), [Some(Outcome::Done), Some(Outcome::Refused)]);
    assert_eq!(plan.steps[1].detail, "busy: somebody else has it");
    assert_eq!(ansai_supervisor::report::exit_code(&reports), exit::REFUSED);
    let expected = [(0, Outcome::Done), (1, Outcome::Refused)];
    assert_eq!((scene.intents(), scene.outcomes()), (vec![0, 1], expected.into()));
    supervisor.recover().await;
    assert_eq!(scene.outcomes().len(), 2, "nothing is left to resolve");
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_panic_in_an_action_is_contained() {
    let scene = Scene::new();
    let steps = vec![Step::mark(scene.path("a")), Step::new(Call::Flaky, 2, 0, scene.path("b"))];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let reports = scene.open().run_once().await;
    let plan = &reports[0].findings[0].plans[0];
    assert!(plan.error.as_ref().is_some_and(|error| error.contains("panicked")), "{:?}", plan.error);
    assert_eq!(plan.steps.len(), 2, "what was planned is still told");
    assert!(scene.path("a").exists());
    // The result of the step is determined at the next start, and is unknown.
    scene.open().recover().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Done), (1, Outcome::Unknown)]);
    scene.finish().await;
}

/// A step that fails after a part of its work.
fn half(scene: &Scene, name: &str) -> Step {
    Step::new(Call::Flaky, 3, 0, scene.path(name))
}

/// Would break: an undo of the steps before only.
#[tokio::test]
async fn what_the_failed_step_has_done_is_undone_first() {
    let scene = Scene::new();
    let plan = third_fails(&scene, half(&scene, "c"), OnFailure::UndoApplied).await;
    let reverted = Some(Outcome::Reverted);
    assert_eq!(outcomes(&plan), [reverted, reverted, Some(Outcome::Failed), Some(Outcome::Skipped)]);
    assert_eq!(plan.steps[2].detail, "half of it worked; undone: removed the half");
    assert_eq!(scene.text("history"), "mark a\nmark b\nhalf c\nunhalf c\nunmark b\nunmark a\n");
    assert_eq!(undone(&scene), [(2, Outcome::Done), (1, Outcome::Done), (0, Outcome::Done)]);
    // A person has nothing left to undo.
    let again = scene.open().undo(&plan.plan, Some(2), "a person").unwrap();
    assert_eq!((again[0].outcome, again[0].detail.as_str()), (Some(Outcome::Refused), "step 2 is already undone"));
    scene.finish().await;
}

#[tokio::test]
async fn what_the_failed_step_has_done_stays_if_the_policy_wants_to_stop() {
    let scene = Scene::new();
    let plan = third_fails(&scene, half(&scene, "c"), OnFailure::Stop).await;
    assert_eq!((scene.text("history"), undone(&scene)), ("mark a\nmark b\nhalf c\n".into(), vec![]));
    // A person can undo it.
    let supervisor = scene.open();
    let undone = supervisor.undo(&plan.plan, Some(2), "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Reverted), "{}", undone[0].detail);
    drop(supervisor);
    assert!(!scene.path("c").exists());
    scene.finish().await;
}

#[tokio::test]
async fn a_step_that_may_fail_is_undone_with_the_plan() {
    let scene = Scene::new();
    let steps =
        vec![half(&scene, "a"), Step::new(Call::MayFail, 0, 0, ""), Step::new(Call::Flaky, 0, 0, scene.path("b"))];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    let plan = scene.open().run_once().await[0].findings[0].plans[0].clone();
    assert_eq!(outcomes(&plan), [Some(Outcome::Failed), Some(Outcome::Failed)]);
    assert_eq!((scene.text("history"), undone(&scene)), ("half a\nunhalf a\n".into(), vec![(0, Outcome::Done)]));
    scene.finish().await;
}
