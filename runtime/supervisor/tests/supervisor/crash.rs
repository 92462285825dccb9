//! Kills the loop in the middle: it runs in a separate process that SIGKILL ends.

use std::path::Path;

use ansai_audit::{Durability, Log};
use ansai_core::event::{Record, Verdict};
use ansai_core::incident::Permission;
use ansai_core::{Event, InstanceName, Millis, OnFailure, Outcome, RetryPolicy, Timestamp};
use ansai_harness::Daemon;

use crate::advice::attempts;
use crate::killed;
use crate::scene::{Scene, eventually};
use crate::script::{Call, Script, Step};

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { scene_at(&place).open().run_once().await });
}

fn scene_at(place: &Path) -> Scene {
    patient(Scene::at(place))
}

/// Allows one attempt per hour.
fn patient(mut scene: Scene) -> Scene {
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), max_attempts: 3, ..RetryPolicy::default() };
    scene
}

fn start(scene: &Scene) -> Daemon {
    killed::start("crash::the_process_that_is_killed", scene)
}

/// The interrupted attempt delays the next run of the same policy.
async fn is_held(scene: &Scene) {
    let reports = scene.open().run_once().await;
    let plan = &reports[0].findings[0].plans[0];
    assert!(matches!(plan.verdict, Some(Verdict::Held(Permission::Cooling(_)))), "{:?}", plan.verdict);
}

#[tokio::test]
async fn a_running_step_is_found_again() {
    let scene = patient(Scene::new());
    scene.script(&Script::sick(vec![Step::new(Call::Wait, 2_000, 600_000, scene.path("long"))], OnFailure::Stop));
    let killed = start(&scene);
    let handle = scene.running().await;
    drop(killed);
    assert!(handle.runs(), "it goes on without ansai");
    assert_eq!(scene.outcomes(), []);

    scene.open().recover().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    is_held(&scene).await;
    assert_eq!((scene.outcomes().len(), scene.text("long.ran")), (1, "ran\n".into()), "nothing was done twice");
    let told = attempts(&scene).pop().unwrap();
    assert_eq!((told.len(), told[0].number, told[0].ended.is_some()), (1, 1, true), "it ran on, and its end was seen");
    scene.finish().await;
}

#[tokio::test]
async fn a_short_step_is_resolved_by_looking() {
    let scene = patient(Scene::new());
    let marked = scene.path("marked");
    let steps = vec![Step::new(Call::Mark, 600_000, 0, &marked), Step::mark(scene.path("next"))];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let killed = start(&scene);
    is_marked(&scene).await;
    drop(killed);
    assert_eq!((scene.intents(), scene.outcomes()), (vec![0], vec![]));

    is_held(&scene).await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    assert!(!scene.path("next").exists(), "the rest of an interrupted plan is not applied");
    assert_eq!(scene.text("history"), "mark marked\n", "nothing was done twice");
    let told = attempts(&scene).pop().unwrap();
    assert_eq!((told.len(), told[0].number, told[0].ended), (1, 1, None), "nobody knows when it ended");

    // The resolved outcome is sufficient for undo.
    let plan = plan_of(&scene);
    let undone = scene.open().undo(&plan, Some(0), "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Reverted), "{}", undone[0].detail);
    assert!(!marked.exists());
    scene.finish().await;
}

/// The action writes the history last, so that a kill from here on leaves both the file and its line.
async fn is_marked(scene: &Scene) {
    eventually(|| (scene.text("history") == "mark marked\n").then_some(())).await;
}

fn plan_of(scene: &Scene) -> String {
    let plan = |event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    };
    scene.events().into_iter().find_map(plan).unwrap()
}

/// A crash after the outcome was recorded, but before the state says so.
#[tokio::test]
async fn an_outcome_that_is_recorded_already_is_not_recorded_again() {
    let scene = patient(Scene::new());
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::new(Call::Mark, 600_000, 0, &marked)], OnFailure::Stop));
    let killed = start(&scene);
    is_marked(&scene).await;
    drop(killed);
    let event = Event::Outcome {
        plan: plan_of(&scene),
        step: 0,
        instance: InstanceName::from_static("one"),
        outcome: Outcome::Done,
        reason: None,
        detail: "marked".into(),
        measures: vec![],
        items_sha256: None,
        evidence: vec![],
        after_crash: false,
    };
    let (mut log, _) = Log::open(scene.state_dir().join("audit"), ansai_audit::Options::default()).unwrap();
    let record = serde_json::to_vec(&Record { at: Timestamp::EPOCH, event }).unwrap();
    log.append(&record, Durability::Synced).unwrap();
    drop(log);
    scene.open().recover().await;
    assert_eq!(scene.outcomes().len(), 1);
    scene.finish().await;
}
