//! Steps that continue in the background.

use ansai_core::{Event, OnFailure, Outcome};
use ansai_supervisor::Supervisor;

use crate::scene::{Scene, eventually};
use crate::script::{Call, Script, Step};

const LONG_MS: u64 = 600_000;

fn recovered(scene: &Scene) -> Vec<Outcome> {
    let outcome = |event| match event {
        Event::Outcome { outcome, after_crash: true, .. } => Some(outcome),
        _ => None,
    };
    scene.events().into_iter().filter_map(outcome).collect()
}

fn outcome_of(reports: &[ansai_supervisor::InstanceReport], step: usize) -> Option<Outcome> {
    reports[0].findings[0].plans[0].steps[step].outcome
}

/// Runs in the background until a step continues by itself.
async fn started(
    scene: &Scene,
    supervisor: &Supervisor,
) -> tokio::task::JoinHandle<Vec<ansai_supervisor::InstanceReport>> {
    let running = supervisor.clone();
    let pass = tokio::spawn(async move { running.run_once().await });
    scene.running().await;
    let ran = scene.path("long.ran");
    eventually(|| ran.exists().then_some(())).await;
    pass
}

#[tokio::test]
async fn it_finishes_and_is_recorded() {
    let scene = Scene::new();
    let long = scene.path("long");
    scene.script(&Script::sick(vec![Step::new(Call::Wait, 100, LONG_MS, &long)], OnFailure::Stop).healthy_once(long));
    let reports = scene.open().run_once().await;
    assert_eq!(outcome_of(&reports, 0), Some(Outcome::Done));
    assert_eq!(ansai_supervisor::report::exit_code(&reports), 0);
    assert_eq!((scene.outcomes(), scene.text("long.ran")), (vec![(0, Outcome::Done)], "ran\n".into()));
    assert!(scene.events().iter().any(|event| matches!(event, Event::Running { .. })));
    // A later run has nothing to resolve.
    scene.open().run_once().await;
    assert_eq!(recovered(&scene), []);
    scene.finish().await;
}

#[tokio::test]
async fn it_is_cancelled_at_its_deadline() {
    let scene = Scene::new();
    let long = scene.path("long");
    scene.script(&Script::sick(vec![Step::new(Call::Wait, LONG_MS, 1, &long)], OnFailure::Stop));
    let reports = scene.open().run_once().await;
    assert_eq!(outcome_of(&reports, 0), Some(Outcome::Failed));
    assert!(!scene.running().await.runs(), "the process was killed");
    assert_eq!(scene.outcomes(), [(0, Outcome::Failed)]);
    scene.finish().await;
}

#[tokio::test]
async fn it_is_left_running_and_found_again() {
    let scene = Scene::new();
    let long = scene.path("long");
    let steps = vec![Step::mark(scene.path("first")), Step::new(Call::Wait, 1_500, LONG_MS, &long)];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied).healthy_once(long));
    let supervisor = scene.open();
    let pass = started(&scene, &supervisor).await;
    supervisor.stop("a test");
    let reports = pass.await.unwrap();
    drop(supervisor);
    assert_eq!(outcome_of(&reports, 1), Some(Outcome::Running));
    assert_eq!(outcome_of(&reports, 0), Some(Outcome::Done), "nothing failed, so nothing is undone");
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)], "the outcome is left open");
    assert!(scene.running().await.runs());

    let supervisor = scene.open();
    supervisor.recover().await;
    assert_eq!(recovered(&scene), [Outcome::Done]);
    supervisor.recover().await;
    assert_eq!(recovered(&scene), [Outcome::Done], "once");
    assert_eq!(scene.outcomes(), [(0, Outcome::Done), (1, Outcome::Done)]);
    assert_eq!((scene.text("long.ran"), scene.text("history")), ("ran\n".into(), "mark first\nwait long\n".into()));
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_stop_while_attached_again_leaves_it_too() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::new(Call::Wait, LONG_MS, LONG_MS, scene.path("long"))], OnFailure::Stop));
    let supervisor = scene.open();
    let pass = started(&scene, &supervisor).await;
    supervisor.stop("a test");
    pass.await.unwrap();
    drop(supervisor);

    let supervisor = scene.open();
    supervisor.stop("at once");
    supervisor.recover().await;
    assert_eq!((scene.outcomes(), recovered(&scene)), (vec![], vec![]));
    drop(supervisor);

    let handle = scene.running().await;
    assert!(handle.runs());
    let group = rustix::process::Pid::from_raw(handle.pid).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    scene.open().recover().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Failed)]);
    scene.finish().await;
}

#[tokio::test]
async fn it_is_cancelled_where_it_says_so() {
    let scene = Scene::new();
    let steps = vec![
        Step::mark(scene.path("first")),
        Step::new(Call::WaitOrCancel, LONG_MS, LONG_MS, scene.path("long")),
        Step::mark(scene.path("last")),
    ];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let supervisor = scene.open();
    let pass = started(&scene, &supervisor).await;
    supervisor.stop("a test");
    let reports = pass.await.unwrap();
    drop(supervisor);
    assert_eq!(outcome_of(&reports, 1), Some(Outcome::Failed));
    assert_eq!(outcome_of(&reports, 2), Some(Outcome::Skipped));
    assert!(!scene.running().await.runs(), "the process was killed");
    assert_eq!(scene.outcomes(), [(0, Outcome::Done), (1, Outcome::Failed)]);
    assert!(!scene.path("last").exists());
    scene.open().recover().await;
    assert_eq!(recovered(&scene), []);
    scene.finish().await;
}
