//! The bounds of a grant are budgets over time: whatever keys, incidents, steps and plans a policy chooses.

use std::path::Path;

use ansai_core::event::Verdict;
use ansai_core::incident::Permission;
use ansai_core::{Decision, Event, Mode, Observation, OnFailure, Outcome, OverBudget, Severity, Status};
use ansai_harness::Daemon;
use ansai_supervisor::Supervisor;
use ansai_supervisor::authority::Fixed;

use crate::killed;
use crate::scene::{ONE, Scene, eventually, grants_of_marks};
use crate::script::{Call, Script, Step, observation};

/// One mark of each file within a day.
fn open(scene: &Scene) -> Supervisor {
    open_with(scene, 1)
}

fn open_with(scene: &Scene, most: u64) -> Supervisor {
    scene.open_with(Fixed::new([(ONE.parse().unwrap(), grants_of_marks(Mode::Enforce, most))])).unwrap()
}

fn named(key: &str) -> Observation {
    Observation { key: key.into(), ..observation(Status::Unhealthy(Severity::Critical)) }
}

/// The verdicts since the beginning.
fn verdicts(scene: &Scene) -> Vec<Verdict> {
    let verdict = |event| match event {
        Event::Decided { verdict, .. } => Some(verdict),
        _ => None,
    };
    scene.events().into_iter().filter_map(verdict).collect()
}

fn over(verdict: &Verdict) -> &OverBudget {
    match verdict {
        Verdict::Held(Permission::OverBudget(over)) => over,
        other => panic!("{other:?}"),
    }
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_new_key_a_new_incident_and_a_restart_have_no_budget_of_their_own() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    let sick = Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone());
    scene.script(&sick);
    open(&scene).run_once().await;
    assert_eq!((verdicts(&scene), scene.outcomes()), (vec![Verdict::Approved], vec![(0, Outcome::Done)]));
    // It was healthy, and is sick again: a new incident.
    remove(&marked);
    open(&scene).run_once().await;
    // Two findings with other keys.
    scene.script(&sick.clone().saying(Ok(vec![named("x"), named("y")])));
    open(&scene).run_once().await;
    let all = verdicts(&scene);
    assert_eq!(all.len(), 4, "{all:?}");
    for held in &all[1..] {
        let over = over(held);
        assert_eq!((over.bound.as_str(), over.limit, over.used, over.needed), ("most_marks", 1, 1, 1));
        assert!(over.next > over.used_at && over.used_at.is_some(), "{over:?}");
    }
    assert!(!marked.exists() && scene.outcomes().len() == 1);
    // Another file is another subject.
    scene.script(&Script::sick(vec![Step::mark(scene.path("other"))], OnFailure::Stop));
    open(&scene).run_once().await;
    assert!(scene.path("other").exists());
    scene.finish().await;
}

/// Held, not cut: the steps that would fit are not applied either.
#[tokio::test]
async fn a_plan_is_counted_as_a_whole_before_its_first_step() {
    let scene = Scene::new();
    let (marked, other) = (scene.path("marked"), scene.path("other"));
    scene.script(&Script::sick(vec![Step::mark(&other), Step::mark(&marked), Step::mark(&marked)], OnFailure::Stop));
    open(&scene).run_once().await;
    let all = verdicts(&scene);
    let over = over(&all[0]);
    assert_eq!((over.needed, over.used, over.next), (2, 0, None), "it never fits");
    assert!(!marked.exists() && !other.exists());
    // A plan that is held uses nothing.
    scene.script(&Script::sick(vec![Step::mark(&other), Step::mark(&marked)], OnFailure::Stop));
    open(&scene).run_once().await;
    assert_eq!(verdicts(&scene)[1], Verdict::Approved);
    assert!(marked.exists() && other.exists());
    scene.finish().await;
}

#[tokio::test]
async fn the_stages_of_one_attempt_share_a_budget() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    let mut script = Script::sick(vec![Step::mark(&marked)], OnFailure::UndoApplied);
    // Undone by the failure of the next step: the mark can be made again.
    script.steps.push(Step::new(Call::Flaky, 0, 0, scene.path("flaky")));
    script.decision = Decision::ApplyThenReplan(OnFailure::UndoApplied);
    scene.script(&script);
    open_with(&scene, 3).run_once().await;
    let marks = scene.text("history").lines().filter(|line| *line == "mark marked").count();
    assert_eq!(marks, 3, "undo gives nothing back: {}", scene.text("history"));
    assert!(matches!(verdicts(&scene).last(), Some(Verdict::Held(Permission::OverBudget(_)))));
    scene.finish().await;
}

/// What was counted for steps that were refused or skipped is free again.
#[tokio::test]
async fn what_was_not_done_does_not_count() {
    let scene = Scene::new();
    let (marked, other) = (scene.path("marked"), scene.path("other"));
    std::fs::write(&other, "in the way").unwrap();
    scene.script(&Script::sick(vec![Step::mark(&other), Step::mark(&marked)], OnFailure::Stop));
    open(&scene).run_once().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Refused)], "the second step is skipped");
    remove(&other);
    open(&scene).run_once().await;
    assert!(marked.exists() && other.exists(), "{:?}", verdicts(&scene));
    scene.finish().await;
}

#[tokio::test]
async fn a_bound_of_zero_permits_nothing() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::mark(scene.path("marked"))], OnFailure::Stop));
    open_with(&scene, 0).run_once().await;
    let all = verdicts(&scene);
    assert_eq!((over(&all[0]).limit, over(&all[0]).next), (0, None));
    assert_eq!(scene.outcomes(), []);
    scene.finish().await;
}

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { open(&Scene::at(&place)).run_once().await });
}

fn start(scene: &Scene) -> Daemon {
    killed::start("budgets::the_process_that_is_killed", scene)
}

/// Without the count before the first step, the interrupted mark would not be known after the kill; without recovery, the
/// second step would stay counted although it never began.
#[tokio::test]
async fn a_kill_in_a_step_forgets_no_use_and_frees_what_never_began() {
    let scene = Scene::new();
    let (marked, next) = (scene.path("marked"), scene.path("next"));
    let steps = vec![Step::new(Call::Mark, 600_000, 0, &marked), Step::mark(&next)];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let killed = start(&scene);
    eventually(|| (scene.text("history") == "mark marked\n").then_some(())).await;
    drop(killed);

    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).saying(Ok(vec![named("x")])));
    open(&scene).recover().await;
    remove(&marked);
    open(&scene).run_once().await;
    let all = verdicts(&scene);
    assert_eq!(over(all.last().unwrap()).used, 1);
    assert!(!marked.exists());
    scene.script(&Script::sick(vec![Step::mark(&next)], OnFailure::Stop).saying(Ok(vec![named("y")])));
    open(&scene).run_once().await;
    assert!(next.exists(), "{:?}", verdicts(&scene));
    scene.finish().await;
}
