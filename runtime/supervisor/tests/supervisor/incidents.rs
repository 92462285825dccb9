//! Incidents close only when a policy says `healthy`; attempts are spaced and counted, also across restarts.

use ansai_core::event::Verdict;
use ansai_core::incident::{Change, Permission};
use ansai_core::{Event, Limits, Millis, Mode, OnFailure, RetryPolicy, Status, exit};
use ansai_supervisor::report::exit_code;
use ansai_supervisor::{Instance, InstanceReport};

use crate::scene::{ONE, Scene, fixed};
use crate::script::{How, Script, Step, observation};

fn changes(scene: &Scene) -> Vec<Change> {
    let change = |event| match event {
        Event::Incident { change, .. } => Some(change),
        _ => None,
    };
    scene.events().into_iter().filter_map(change).collect()
}

fn verdicts(scene: &Scene) -> Vec<Verdict> {
    let verdict = |event| match event {
        Event::Decided { verdict, .. } => Some(verdict),
        _ => None,
    };
    scene.events().into_iter().filter_map(verdict).collect()
}

/// Runs one pass in observe mode, after `change` modified the instance.
async fn observe(scene: &Scene, script: &Script, change: impl FnOnce(&mut Instance)) -> InstanceReport {
    scene.script(script);
    let mut instance = scene.instance(ONE);
    change(&mut instance);
    let supervisor = scene.open_all(fixed(Mode::Observe), vec![instance]).unwrap();
    supervisor.run_once().await.remove(0)
}

#[tokio::test]
async fn it_closes_only_on_an_explicit_healthy() {
    let scene = Scene::new();
    let sick = Script::sick(vec![], OnFailure::Stop);
    let as_it_is = |_: &mut Instance| {};
    let incident = observe(&scene, &sick, as_it_is).await.findings[0].incident.clone();
    assert!(incident.is_some());

    let impatient = |instance: &mut Instance| {
        instance.limits = Limits { fuel: u64::MAX / 2, deadline_ms: 500, ..Limits::default() };
    };
    observe(&scene, &sick.clone().behaving(How::Traps), as_it_is).await;
    observe(&scene, &sick.clone().behaving(How::NeverEnds), impatient).await;
    observe(&scene, &sick.clone().saying(Err("not today".into())), as_it_is).await;
    let report = observe(&scene, &sick.clone().saying(Ok(vec![])), as_it_is).await;
    assert_eq!(report.findings[0].incident, incident);
    assert!(matches!(report.findings[0].status, Status::Unknown(_)), "a key that is missing is unknown");
    assert_eq!(exit_code(&[report]), exit::UNKNOWN);
    let unknown = observation(Status::Unknown("no idea".into()));
    observe(&scene, &sick.clone().saying(Ok(vec![unknown])), as_it_is).await;
    assert_eq!(changes(&scene), [Change::Opened, Change::BecameUnknown]);

    assert_eq!(observe(&scene, &sick, as_it_is).await.findings[0].incident, incident, "still the same one");
    observe(&scene, &sick.clone().saying(Ok(vec![observation(Status::Healthy)])), as_it_is).await;
    assert_eq!(changes(&scene), [Change::Opened, Change::BecameUnknown, Change::Changed, Change::Closed]);
    assert_ne!(observe(&scene, &sick, as_it_is).await.findings[0].incident, incident, "a new one");
    scene.finish().await;
}

#[tokio::test]
async fn what_ends_an_evaluation_is_an_error_of_the_report() {
    let scene = Scene::new();
    let sick = Script::sick(vec![], OnFailure::Stop);
    for (script, words) in [
        (sick.clone().behaving(How::Traps), "trapped"),
        (sick.clone().behaving(How::NeverEnds), "out of fuel"),
        (sick.clone().saying(Err("not today".into())), "not today"),
    ] {
        let report = observe(&scene, &script, |_| {}).await;
        assert!(report.error.as_ref().is_some_and(|error| error.contains(words)), "{:?}", report.error);
        assert_eq!(exit_code(&[report]), exit::UNKNOWN);
    }
    scene.finish().await;
}

#[tokio::test]
async fn the_cooldown_holds_across_a_restart() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), max_attempts: 100, ..RetryPolicy::default() };
    scene.script(&Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop));
    for _ in 0..3 {
        scene.open().run_once().await;
    }
    let verdicts = verdicts(&scene);
    assert_eq!(verdicts[0], Verdict::Approved);
    let held = |verdict: &Verdict| matches!(verdict, Verdict::Held(Permission::Cooling(_)));
    // The third run holds it too, and records that no more.
    assert!(verdicts.len() == 2 && verdicts[1..].iter().all(held), "{verdicts:?}");
    assert_eq!(scene.text("history"), "mark a\n");
    scene.finish().await;
}

#[tokio::test]
async fn attempts_are_counted_across_a_restart() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::ZERO, max_attempts: 2, ..RetryPolicy::default() };
    for name in ["a", "b", "c", "d"] {
        scene.script(&Script::sick(vec![Step::mark(scene.path(name))], OnFailure::Stop));
        scene.open().run_once().await;
    }
    let exhausted = Verdict::Held(Permission::Exhausted(2));
    assert_eq!(verdicts(&scene), [Verdict::Approved, Verdict::Approved, exhausted.clone(), exhausted]);
    assert_eq!(scene.text("history"), "mark a\nmark b\n");

    // A new incident starts with all its attempts.
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)])));
    scene.open().run_once().await;
    scene.script(&Script::sick(vec![Step::mark(scene.path("e"))], OnFailure::Stop));
    scene.open().run_once().await;
    assert_eq!(verdicts(&scene).last(), Some(&Verdict::Approved));
    scene.finish().await;
}

#[tokio::test]
async fn observe_mode_changes_nothing() {
    let scene = Scene::new();
    let script = Script::sick(vec![Step::mark(scene.path("a"))], OnFailure::Stop);
    let report = observe(&scene, &script, |_| {}).await;
    let plan = &report.findings[0].plans[0];
    assert_eq!((plan.verdict.clone(), plan.steps[0].outcome), (Some(Verdict::Observed), None));
    assert_eq!((verdicts(&scene), scene.intents()), (vec![Verdict::Observed], vec![]));
    assert_eq!(exit_code(&[report]), exit::UNHEALTHY);
    assert!(!scene.path("a").exists());

    // It did not count as an attempt.
    scene.script(&script.healthy_once(scene.path("a")));
    let reports = scene.open().run_once().await;
    assert_eq!((exit_code(&reports), scene.text("history").as_str()), (exit::FINE, "mark a\n"));
    assert_eq!(changes(&scene), [Change::Opened, Change::Closed]);
    scene.finish().await;
}
