//! Kills the loop while the undo of a failed plan is due or runs: the next start finishes it, or tells what is unknown.

use std::path::Path;
use std::sync::Arc;

use ansai_audit::{Durability, Log};
use ansai_core::event::Record;
use ansai_core::{Event, InstanceName, Millis, Mode, NamePattern, Never, OnFailure, Outcome, RetryPolicy, Timestamp};
use ansai_supervisor::authority::{Authority, EffectiveGrants, Fixed};

use crate::advice::attempts;
use crate::after_undo::undo_events;
use crate::grants::Changes;
use crate::killed;
use crate::scene::{Scene, all_grants, eventually, fixed, grants_without_actions};
use crate::script::{Call, Script, Step};

const LONG_MS: u64 = 600_000;

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    run(fixed(Mode::Enforce));
}

/// The second step is refused before its intent, because it touches what was listed after the plan.
#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_whose_second_step_is_refused() {
    let nginx = [("unit".to_owned(), vec![NamePattern::new("nginx.service").unwrap()])];
    let never = Arc::new(Never::new(nginx.into(), [].into()));
    run(Changes::after(3, Ok(EffectiveGrants { never, ..all_grants(Mode::Enforce) })));
}

fn run(authority: impl Authority + 'static) {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { scene_at(&place).open_with(authority).unwrap().run_once().await });
}

fn scene_at(place: &Path) -> Scene {
    patient(Scene::at(place))
}

/// Allows one attempt per hour.
fn patient(mut scene: Scene) -> Scene {
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), ..scene.retry_policy };
    scene
}

/// Runs a plan in a process of its own, and kills it when the history has this.
async fn killed_at(steps: impl FnOnce(&Scene) -> Vec<Step>, process: &str, history: &str) -> Scene {
    let scene = patient(Scene::new());
    scene.script(&Script::sick(steps(&scene), OnFailure::UndoApplied));
    let killed = killed::start(&format!("undo_crash::{process}"), &scene);
    eventually(|| (scene.text("history") == history).then_some(())).await;
    drop(killed);
    scene
}

/// How the undo of each step ended, in order.
fn undone(scene: &Scene) -> Vec<(u32, Outcome)> {
    let undone = |event| match event {
        Event::Undone { step, outcome, .. } => Some((step, outcome)),
        _ => None,
    };
    scene.events().into_iter().filter_map(undone).collect()
}

/// Steps as the policy is told of them afterwards.
async fn told(scene: &Scene) -> Vec<(Outcome, String)> {
    scene.open().run_once().await;
    let [attempt] = attempts(scene).pop().unwrap().try_into().unwrap();
    attempt.steps.into_iter().map(|step| (step.outcome, step.detail)).collect()
}

fn texts(told: &[(Outcome, String)]) -> Vec<(Outcome, &str)> {
    told.iter().map(|(outcome, detail)| (*outcome, detail.as_str())).collect()
}

/// Would break: a failed step that is removed from the state when its outcome is recorded.
#[tokio::test]
async fn an_undo_that_was_interrupted_is_finished() {
    let steps = |scene: &Scene| vec![Step::mark(scene.path("a")), Step::new(Call::Flaky, 3, LONG_MS, scene.path("b"))];
    let scene = killed_at(steps, "the_process_that_is_killed", "mark a\nhalf b\nunhalf b\n").await;
    assert_eq!((scene.path("a").exists(), undone(&scene)), (true, vec![]));

    let told = told(&scene).await;
    assert_eq!(scene.text("history"), "mark a\nhalf b\nunhalf b\nunmark a\n");
    assert_eq!(undone(&scene), [(1, Outcome::Done), (0, Outcome::Done)]);
    let expected = [
        (Outcome::Reverted, "marked; undone: unmarked"),
        (Outcome::Failed, "half of it worked; undone: removed the half"),
    ];
    assert_eq!(texts(&told), expected);
    // Once.
    scene.open().recover().await;
    assert_eq!(undone(&scene).len(), 2);
    scene.finish().await;
}

#[tokio::test]
async fn an_undo_that_cannot_be_repeated_is_unknown() {
    let steps = |scene: &Scene| {
        vec![Step::new(Call::Mark, 0, LONG_MS, scene.path("a")), Step::new(Call::Flaky, 0, 0, scene.path("b"))]
    };
    let scene = killed_at(steps, "the_process_that_is_killed", "mark a\nunmark a\n").await;
    let told = told(&scene).await;
    assert_eq!(undone(&scene), [(0, Outcome::Unknown)]);
    assert_eq!(told[0].0, Outcome::Done);
    assert!(told[0].1.contains("not completely undone: an earlier undo of the step was interrupted"), "{told:?}");
    scene.open().recover().await;
    assert_eq!(undone(&scene).len(), 1, "told once");
    scene.finish().await;
}

/// Killed while the step that fails is under way: its failure is only found after the restart.
#[tokio::test]
async fn a_plan_whose_failure_is_found_after_a_crash_is_undone() {
    let steps = |scene: &Scene| vec![Step::mark(scene.path("a")), Step::new(Call::Flaky, LONG_MS, 0, scene.path("b"))];
    let scene = killed_at(steps, "the_process_that_is_killed", "mark a\nhalf b\n").await;
    scene.open().recover().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Done), (1, Outcome::Failed)]);
    assert_eq!(scene.text("history"), "mark a\nhalf b\nunhalf b\nunmark a\n");
    assert_eq!(undone(&scene), [(1, Outcome::Done), (0, Outcome::Done)]);
    told(&scene).await;
    scene.finish().await;
}

/// As if killed between the failure of the second step and the undo.
async fn failed_without_undo() -> Scene {
    let steps = |scene: &Scene| vec![Step::mark(scene.path("a")), Step::new(Call::Flaky, LONG_MS, 0, scene.path("b"))];
    let scene = killed_at(steps, "the_process_that_is_killed", "mark a\nhalf b\n").await;
    let plan = scene.events().into_iter().find_map(|event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    });
    let event = Event::Outcome {
        plan: plan.unwrap(),
        step: 1,
        instance: InstanceName::from_static("one"),
        outcome: Outcome::Failed,
        reason: None,
        detail: "it did not work".into(),
        measures: vec![],
        items_sha256: None,
        evidence: vec![],
        after_crash: false,
    };
    let (mut log, _) = Log::open(scene.state_dir().join("audit"), ansai_audit::Options::default()).unwrap();
    let record = serde_json::to_vec(&Record { at: Timestamp::EPOCH, event }).unwrap();
    log.append(&record, Durability::Synced).unwrap();
    scene
}

#[tokio::test]
async fn an_undo_that_did_not_begin_is_done() {
    let scene = failed_without_undo().await;
    told(&scene).await;
    assert_eq!((undone(&scene), scene.outcomes().len()), (vec![(0, Outcome::Done)], 2));
    assert!(!scene.path("a").exists());
    scene.finish().await;
}

/// Would break: an undo that is refused once, and then forgotten.
#[tokio::test]
async fn an_undo_without_a_grant_waits_until_it_has_one() {
    let scene = failed_without_undo().await;
    let pending = || scene.events().iter().filter(|event| matches!(event, Event::Pending { .. })).count();
    for times in 1..3 {
        let nothing = Fixed::new([(InstanceName::from_static("one"), grants_without_actions())]);
        scene.open_with(nothing).unwrap().recover().await;
        assert_eq!((undone(&scene), scene.path("a").exists(), pending()), (vec![], true, times), "only told");
    }
    scene.open().recover().await;
    assert_eq!((undone(&scene), scene.path("a").exists()), (vec![(0, Outcome::Done)], false));
    scene.open().recover().await;
    assert_eq!((undone(&scene).len(), pending()), (1, 2), "nothing is left");
    told(&scene).await;
    scene.finish().await;
}

/// Would break: a step that is refused before its intent and is not in the state.
#[tokio::test]
async fn the_undo_because_of_a_refused_step_outlives_a_crash() {
    let steps =
        |scene: &Scene| vec![Step::new(Call::Mark, 0, LONG_MS, scene.path("a")), Step::mark(scene.path("nginx-1"))];
    let scene = killed_at(steps, "the_process_whose_second_step_is_refused", "mark a\nunmark a\n").await;
    assert_eq!((scene.intents(), scene.outcomes()), (vec![0], vec![(0, Outcome::Done), (1, Outcome::Refused)]));
    scene.open().recover().await;
    assert_eq!(undone(&scene), [(0, Outcome::Unknown)]);
    told(&scene).await;
    scene.finish().await;
}

/// A plan that is interrupted without a failure stays as it is.
#[tokio::test]
async fn a_plan_whose_step_worked_is_not_undone_after_a_crash() {
    let steps = |scene: &Scene| vec![Step::mark(scene.path("a")), Step::new(Call::Mark, LONG_MS, 0, scene.path("b"))];
    let scene = killed_at(steps, "the_process_that_is_killed", "mark a\nmark b\n").await;
    told(&scene).await;
    assert_eq!((scene.outcomes(), undone(&scene)), (vec![(0, Outcome::Done), (1, Outcome::Done)], vec![]));
    scene.finish().await;
}

/// Would break: an undo that counts as over before steps acted on it.
#[tokio::test]
async fn an_act_after_undo_that_was_interrupted_is_repeated() {
    let steps = |scene: &Scene| {
        vec![
            Step::mark(scene.path("a")),
            Step::new(Call::Reload, 0, LONG_MS, scene.path("a")),
            Step::reload(scene.path("b")),
            Step::new(Call::Flaky, 0, 0, scene.path("c")),
        ]
    };
    let before = "mark a\nreload present a\nreload absent b\nunmark a\nreload absent a\n";
    let scene = killed_at(steps, "the_process_that_is_killed", before).await;
    let undo = [("undoing", 0), ("undone", 0)];
    assert_eq!(undo_events(&scene), [undo.as_slice(), &[("after-undo-intent", 1)]].concat());

    let told = told(&scene).await;
    assert_eq!(scene.text("history"), format!("{before}reload absent a\nreload absent b\n"));
    let acts = [("after-undo-intent", 1), ("after-undo", 1), ("after-undo-intent", 2), ("after-undo", 2)];
    assert_eq!(undo_events(&scene), [undo.as_slice(), &acts[..1], &acts].concat());
    assert_eq!(told[1], (Outcome::Done, "read again; after undo: read the old file".into()));
    scene.finish().await;
}

/// Appends to the log of a killed process what it would have recorded next.
fn append(scene: &Scene, event: Event) {
    let (mut log, _) = Log::open(scene.state_dir().join("audit"), ansai_audit::Options::default()).unwrap();
    let record = serde_json::to_vec(&Record { at: Timestamp::EPOCH, event }).unwrap();
    log.append(&record, Durability::Synced).unwrap();
}

/// Where a process is killed: its last records are appended, because nobody can stop it right there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// Everything is undone.
    Undone,
    /// The first act is about to begin.
    FirstIntent,
    /// The first act is recorded.
    FirstActed,
    /// The last act is recorded, and the state still has the failed step.
    LastActed,
}

/// Would break: a start that does not look for acts, that counts an intent as an act, or that acts twice.
#[tokio::test]
async fn acts_after_undo_are_made_good_from_each_point() {
    let undone = "mark a\nreload present a\nreload absent b\nunmark a\n";
    let (act_a, act_b) = ("reload absent a\n", "reload absent b\n");
    for (point, before, after) in [
        (Point::Undone, undone.to_owned(), format!("{act_a}{act_b}")),
        (Point::FirstIntent, undone.to_owned(), format!("{act_a}{act_b}")),
        (Point::FirstActed, format!("{undone}{act_a}"), act_b.to_owned()),
        (Point::LastActed, format!("{undone}{act_a}{act_b}"), String::new()),
    ] {
        // It lingers where it is killed.
        let lingers = |points: &[Point]| if points.contains(&point) { LONG_MS } else { 0 };
        let steps = |scene: &Scene| {
            vec![
                Step::new(Call::Mark, 0, lingers(&[Point::Undone, Point::FirstIntent]), scene.path("a")),
                Step::new(Call::Reload, 0, lingers(&[Point::FirstActed]), scene.path("a")),
                Step::new(Call::Reload, 0, lingers(&[Point::LastActed]), scene.path("b")),
                Step::new(Call::Flaky, 0, 0, scene.path("c")),
            ]
        };
        let scene = killed_at(steps, "the_process_that_is_killed", &before).await;
        let plan = scene.events().into_iter().find_map(|event| match event {
            Event::Intent(intent) => Some(intent.plan),
            _ => None,
        });
        let (plan, instance, by) = (plan.unwrap(), InstanceName::from_static("one"), "the host".to_owned());
        let (outcome, detail) = (Outcome::Done, "as recorded".to_owned());
        if matches!(point, Point::Undone | Point::FirstIntent) {
            let (plan, instance, by) = (plan.clone(), instance.clone(), by.clone());
            append(&scene, Event::Undone { plan, step: 0, instance, outcome, detail: detail.clone(), by });
        }
        append(
            &scene,
            match point {
                Point::Undone => Event::Stopping { why: "nothing more".into() },
                Point::FirstIntent => Event::AfterUndoIntent { plan, step: 1, instance, by },
                Point::FirstActed => Event::AfterUndo { plan, step: 1, instance, outcome, detail, by },
                Point::LastActed => Event::AfterUndo { plan, step: 2, instance, outcome, detail, by },
            },
        );
        told(&scene).await;
        assert_eq!(scene.text("history"), format!("{before}{after}"), "{point:?}");
        let all = [("after-undo-intent", 1), ("after-undo", 1), ("after-undo-intent", 2), ("after-undo", 2)];
        let again = if point == Point::FirstIntent { &all[..1] } else { &[] };
        assert_eq!(undo_events(&scene), [&[("undoing", 0), ("undone", 0)], again, &all].concat(), "{point:?}");
        // Once, and nothing is in use any more.
        scene.open().recover().await;
        assert_eq!(scene.text("history"), format!("{before}{after}"), "{point:?}");
        scene.finish().await;
    }
}

/// What the plan touched stays in use until its undo is finished: another plan cannot come in between.
#[tokio::test]
async fn what_must_be_undone_is_in_use_after_a_crash() {
    let scene = patient(Scene::new());
    scene.script(&Script::sick(vec![Step::mark(scene.path("upgrade-1"))], OnFailure::Stop));
    let other = scene.open().run_once().await[0].findings[0].plans[0].plan.clone();
    std::fs::remove_file(scene.path("history")).unwrap();
    let steps = vec![Step::mark(scene.path("nginx-1")), Step::new(Call::Flaky, 3, LONG_MS, scene.path("b"))];
    scene.script_of("two", &Script::sick(steps, OnFailure::UndoApplied));
    let killed = killed::start("undo_crash::the_process_with_another_instance", &scene);
    eventually(|| scene.text("history").contains("unhalf b\n").then_some(())).await;
    drop(killed);
    let supervisor = scene.open();
    let refused = supervisor.undo(&other, None, "a person").unwrap_err();
    assert!(refused.to_string().contains("unit nginx.service is in use by step 1"), "{refused}");
    supervisor.recover().await;
    let undone = supervisor.undo(&other, None, "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Reverted), "{}", undone[0].detail);
    drop(supervisor);
    scene.finish().await;
}

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_with_another_instance() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scene = scene_at(&place);
    let supervisor = scene.open_all(fixed(Mode::Enforce), vec![scene.instance("two")]).unwrap();
    runtime.block_on(async { supervisor.run_once().await });
}
