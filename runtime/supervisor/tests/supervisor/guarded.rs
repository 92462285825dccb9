//! Steps whose effect does not last: confirmed after verification, else put back, by ansai or by their guard.

use std::time::Duration;

use ansai_core::{Event, Millis, Mode, OnFailure, Outcome, Refusal, RetryPolicy};

use crate::advice::attempts;
use crate::killed;
use crate::scene::{Scene, eventually, fixed};
use crate::script::{Call, Script, Step};
use crate::test_guards;

/// A time that no test reaches. Where it must be over, the test lets the machine sleep for so long, or the guard fire.
pub(crate) const LONG_MS: u64 = 600_000;
/// Longer than ansai takes between two looks at steps whose time may be over.
const A_MOMENT: Duration = Duration::from_millis(1_500);

pub(crate) fn with_guards(mut scene: Scene) -> Scene {
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), ..scene.retry_policy };
    scene.host = test_guards::processes;
    scene
}

/// A file with `old` in it, and a finding that is healthy once `healthy` is there.
fn setting(scene: &Scene, call: Call, lasts_ms: u64) {
    std::fs::write(scene.path("file"), "old").unwrap();
    let step = Step::new(call, lasts_ms, 0, scene.path("file"));
    scene.script(&Script::sick(vec![step], OnFailure::Stop).healthy_once(scene.path("healthy")));
}

pub(crate) fn scene(call: Call, lasts_ms: u64) -> Scene {
    let scene = with_guards(Scene::new());
    setting(&scene, call, lasts_ms);
    scene
}

/// From now on, the step helps as soon as it is done.
pub(crate) fn helps(scene: &Scene) {
    let step = Step::new(Call::Set, LONG_MS, 0, scene.path("file"));
    scene.script(&Script::sick(vec![step], OnFailure::Stop).healthy_once(scene.path("history")));
}

/// What the audit log has of the step, by the names of the events; with who undid it and how that ended.
pub(crate) fn told(scene: &Scene) -> Vec<String> {
    let told = |event: Event| match &event {
        Event::Undone { outcome, by, .. } => Some(format!("{} {outcome} by {by}", event.name())),
        Event::Outcome { outcome, .. } => Some(format!("{} {outcome}", event.name())),
        Event::Intent(_) | Event::Guarded { .. } | Event::Confirming { .. } | Event::Confirmed { .. } => {
            Some(event.name().to_owned())
        }
        _ => None,
    };
    scene.events().into_iter().filter_map(told).collect()
}

/// How often the policy was evaluated.
pub(crate) fn evaluations(scene: &Scene) -> usize {
    scene.events().iter().filter(|event| matches!(event, Event::Evaluated { .. })).count()
}

/// Nobody puts back the step while it has time, however often ansai looks.
async fn has_its_time(scene: &Scene) {
    tokio::time::sleep(A_MOMENT).await;
    assert_eq!((told(scene).len(), scene.text("file")), (3, "new".into()), "not early");
}

pub(crate) const CONFIRMED: [&str; 5] = ["intent", "guarded", "outcome provisional", "confirming", "confirmed"];
pub(crate) const BY_HOST: &str = "undone done by the host";
pub(crate) const BY_GUARD: &str = "undone done by its guard";

/// Would break: a guard that is armed after the step, a confirmation without an intent, a guard that stays.
#[tokio::test]
async fn a_provisional_step_that_helps_is_confirmed() {
    let scene = scene(Call::Set, LONG_MS);
    let supervisor = scene.open();
    let helping = scene.path("healthy");
    let (helps, reports) = (eventually(|| scene.outcomes().first().copied()), supervisor.run_once());
    let helps = async {
        assert_eq!(helps.await, (0, Outcome::Provisional));
        std::fs::write(helping, "").unwrap();
    };
    let ((), reports) = tokio::join!(helps, reports);
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert_eq!((step.outcome, step.goes_back), (Some(Outcome::Done), None));
    assert_eq!((scene.text("file"), scene.text("history")), ("new".into(), "set file\nconfirm file\n".into()));
    assert_eq!(told(&scene), CONFIRMED);
    drop(supervisor);
    // It is a step like any other now.
    let plan = reports[0].findings[0].plans[0].plan.clone();
    let undone = scene.open().undo(&plan, None, "a person").unwrap();
    assert_eq!((undone[0].outcome, scene.text("file")), (Some(Outcome::Reverted), "old".into()));
    scene.finish().await;
}

/// Would break: a verification that ends before the time of the step, a step that stays although nothing is better.
#[tokio::test]
async fn a_provisional_step_that_does_not_help_is_put_back_at_its_time() {
    let scene = scene(Call::Set, LONG_MS);
    let supervisor = scene.open();
    let ends = async {
        eventually(|| (told(&scene).len() == 3).then_some(())).await;
        // Half of its time is over.
        let verified = evaluations(&scene);
        test_guards::sleep_machine(LONG_MS / 2);
        eventually(|| (evaluations(&scene) > verified + 1).then_some(())).await;
        assert_eq!((told(&scene).len(), scene.text("file")), (3, "new".into()), "it has its time");
        test_guards::sleep_machine(LONG_MS);
    };
    let (reports, ()) = tokio::join!(supervisor.run_once(), ends);
    drop(supervisor);
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert_eq!((step.outcome, step.goes_back), (Some(Outcome::Reverted), None));
    assert_eq!((scene.text("file"), told(&scene)[3].as_str()), ("old".into(), BY_HOST));
    scene.open().recover().await;
    // The next plan is told of this attempt, and is on hold.
    scene.open().run_once().await;
    assert_eq!(told(&scene).len(), 4, "once");
    let attempt = attempts(&scene).pop().unwrap().pop().unwrap();
    assert_eq!((attempt.steps[0].outcome, attempt.ended.is_some()), (Outcome::Reverted, true));
    scene.finish().await;
}

#[tokio::test]
async fn a_stop_during_verification_puts_it_back_at_once() {
    let scene = scene(Call::Set, LONG_MS);
    let supervisor = scene.open();
    let stops = async {
        eventually(|| (!scene.outcomes().is_empty()).then_some(())).await;
        let refused = supervisor.undo(&plan_of(&scene), None, "a person").unwrap_err();
        assert!(refused.to_string().contains("is in use by "), "{refused}");
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run_once(), stops);
    assert_eq!((scene.text("file"), told(&scene)[4].as_str()), ("old".into(), BY_HOST));
    drop(supervisor);
    scene.finish().await;
}

/// Would break: a step that acts without a guard.
#[tokio::test]
async fn without_a_guard_the_step_is_refused() {
    for (call, program) in [(Call::Set, None), (Call::SetForATime, None), (Call::Set, Some("program"))] {
        let mut scene = scene(call, LONG_MS);
        match program {
            None => scene.host = test_guards::none,
            Some(name) => std::fs::write(scene.path(name), "").unwrap(),
        }
        if program.is_some() {
            // Nothing manages timers there, or else the program cannot be trusted.
            scene.host = test_guards::systemd;
        }
        scene.open().run_once().await;
        let reason = scene.events().into_iter().find_map(|event| match event {
            Event::Outcome { outcome: Outcome::Refused, reason, .. } => reason,
            _ => None,
        });
        let Some(Refusal::Unsupported(text) | Refusal::Unavailable(text)) = reason else { panic!("{reason:?}") };
        let codes = ["(no-guard)", "(no-systemd)", "(untrusted-program)"];
        assert!(codes.iter().any(|code| text.ends_with(code)), "{text}");
        assert_eq!(told(&scene), ["intent", "outcome refused"]);
        assert_eq!((scene.text("file"), scene.text("history")), ("old".into(), String::new()));
        scene.finish().await;
    }
}

/// Would break: a step for a time that is confirmed, or that nobody but its guard puts back.
#[tokio::test]
async fn a_step_for_a_time_is_put_back_by_ansai_when_its_time_is_over() {
    let scene = scene(Call::SetForATime, LONG_MS);
    let supervisor = scene.open();
    let ends = async {
        eventually(|| (told(&scene).len() == 3).then_some(())).await;
        test_guards::sleep_machine(LONG_MS / 2);
        has_its_time(&scene).await;
        test_guards::sleep_machine(LONG_MS);
        eventually(|| (told(&scene).len() == 4).then_some(())).await;
        supervisor.stop("a test");
    };
    tokio::join!(supervisor.run(), ends);
    assert_eq!(told(&scene), ["intent", "guarded", "outcome done", BY_HOST]);
    assert_eq!((scene.text("file"), scene.text("history")), ("old".into(), "set file\nunset file\n".into()));
    drop(supervisor);
    scene.finish().await;
}

/// Would break: an end that is a time of day. A clock that jumps is in doubt, and that delays nothing either.
#[tokio::test]
async fn a_clock_that_jumps_across_the_end_changes_nothing() {
    for wall in [1_000, 9_000_000_000_000] {
        let scene = scene(Call::SetForATime, LONG_MS);
        let supervisor = scene.open();
        let ends = async {
            eventually(|| (!scene.outcomes().is_empty()).then_some(())).await;
            test_guards::set_wall(wall);
            has_its_time(&scene).await;
            test_guards::sleep_machine(LONG_MS);
            eventually(|| (told(&scene).len() == 4).then_some(())).await;
            supervisor.stop("a test");
        };
        tokio::join!(supervisor.run(), ends);
        test_guards::sleep_machine(0);
        assert_eq!((told(&scene)[3].as_str(), scene.text("file")), (BY_HOST, "old".into()), "and not never");
        drop(supervisor);
        scene.finish().await;
        test_guards::set_wall(ansai_kit::host_clock::read().wall.as_millis());
    }
}

/// ansai ran once, and nobody starts it for a while.
#[tokio::test]
async fn a_step_for_a_time_is_put_back_by_its_guard_if_ansai_does_not_run() {
    let scene = scene(Call::SetForATime, LONG_MS);
    let reports = scene.open().run_once().await;
    let step = &reports[0].findings[0].plans[0].steps[0];
    assert!(step.outcome == Some(Outcome::Done) && step.goes_back.is_some(), "{step:?}");
    test_guards::fire_all(&scene.state_dir());
    eventually(|| (scene.text("history") == "set file\nguard file\n").then_some(())).await;
    assert_eq!(scene.text("file"), "old");
    scene.open().recover().await;
    assert_eq!(told(&scene), ["intent", "guarded", "outcome done", BY_GUARD]);
    scene.open().recover().await;
    assert_eq!(told(&scene).len(), 4, "once");
    scene.finish().await;
}

/// Would break: an undo that writes over what somebody else wrote, or a guard that is told to have failed.
#[tokio::test]
async fn what_somebody_else_has_changed_meanwhile_is_left_alone() {
    let scene = scene(Call::SetForATime, LONG_MS);
    scene.open().run_once().await;
    std::fs::write(scene.path("file"), "theirs").unwrap();
    test_guards::fire_all(&scene.state_dir());
    eventually(|| (scene.text("history") == "set file\nguard file\n").then_some(())).await;
    scene.open().recover().await;
    assert_eq!(scene.text("file"), "theirs");
    scene.finish().await;
}

/// A later step fails: the plan is undone, and the guard with it.
#[tokio::test]
async fn the_undo_of_its_plan_puts_a_provisional_step_back() {
    let scene = scene(Call::Set, LONG_MS);
    let steps =
        vec![Step::new(Call::Set, LONG_MS, 0, scene.path("file")), Step::new(Call::Flaky, 0, 0, scene.path("b"))];
    scene.script(&Script::sick(steps, OnFailure::UndoApplied));
    scene.open().run_once().await;
    let expected = ["intent", "guarded", "outcome provisional", "intent", "outcome failed", BY_HOST];
    assert_eq!((told(&scene).as_slice(), scene.text("file")), (expected.map(str::to_owned).as_slice(), "old".into()));
    scene.open().recover().await;
    assert_eq!(told(&scene).len(), 6, "nothing is left to recover");
    scene.finish().await;
}

/// Grants are withdrawn: ansai may not act any more, and the guard does.
#[tokio::test]
async fn what_ansai_may_not_put_back_its_guard_does() {
    let scene = scene(Call::Set, LONG_MS);
    killed_at(&scene, "acted").await;
    scene.open_with(fixed(Mode::Observe)).unwrap().recover().await;
    assert_eq!(scene.text("file"), "new");
    test_guards::fire_all(&scene.state_dir());
    eventually(|| (scene.text("history") == "set file\nguard file\n").then_some(())).await;
    scene.open_with(fixed(Mode::Observe)).unwrap().run_once().await;
    assert_eq!((scene.text("file"), told(&scene)[2].as_str()), ("old".into(), "outcome reverted"));
    scene.finish().await;
}

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { with_guards(Scene::at(&place)).open().run_once().await });
}

/// Kills ansai at a point of its step.
pub(crate) async fn killed_at(scene: &Scene, point: &str) {
    std::fs::write(scene.path("stop-at"), point).unwrap();
    let killed = killed::start("guarded::the_process_that_is_killed", scene);
    match point {
        "provisional" => _ = eventually(|| scene.outcomes().first().copied()).await,
        _ => eventually(|| (scene.text("reached") == point).then_some(())).await,
    }
    drop(killed);
    std::fs::remove_file(scene.path("stop-at")).unwrap();
}

/// The points at which ansai is killed: what the log has of the step after the next start, and the file.
const POINTS: [(&str, &[&str], &str); 5] = [
    ("armed", &["intent", "outcome failed"], "old"),
    ("before", &["intent", "guarded", "outcome failed"], "old"),
    ("acted", &["intent", "guarded", "outcome provisional", BY_HOST], "old"),
    ("provisional", &["intent", "guarded", "outcome provisional", BY_HOST], "old"),
    ("disarmed", &CONFIRMED, "new"),
];

/// Would break: a guard that is armed after acting, a confirmation that is forgotten, a step that nobody ends.
#[tokio::test]
async fn killed_at_any_point_the_next_start_ends_it() {
    for (point, expected, file) in POINTS {
        let scene = scene(Call::Set, LONG_MS);
        if point == "disarmed" {
            helps(&scene);
        }
        killed_at(&scene, point).await;
        scene.open().recover().await;
        assert_eq!((told(&scene), scene.text("file")), (owned(expected), file.to_owned()), "{point}");
        scene.open().recover().await;
        assert_eq!(told(&scene).len(), expected.len(), "{point}: once");
        is_free(&scene, point);
        scene.finish().await;
    }
}

/// Nobody starts ansai again in time: the guard puts back what is not confirmed.
#[tokio::test]
async fn killed_at_any_point_the_guard_puts_it_back() {
    for (point, ..) in POINTS.into_iter().filter(|(point, ..)| *point != "disarmed") {
        let scene = scene(Call::Set, LONG_MS);
        killed_at(&scene, point).await;
        test_guards::fire_all(&scene.state_dir());
        eventually(|| scene.text("history").ends_with("guard file\n").then_some(())).await;
        assert_eq!(scene.text("file"), "old", "{point}");
        scene.open().recover().await;
        let last = told(&scene).pop().unwrap();
        let expected = match point {
            "armed" => "outcome failed",
            "before" | "acted" => "outcome reverted",
            _ => BY_GUARD,
        };
        assert_eq!((last.as_str(), scene.text("file")), (expected, "old".into()), "{point}");
        is_free(&scene, point);
        scene.finish().await;
    }
}

/// The machine restarts, so the guard is gone, and the file keeps what was written. Would break: a step for a time that waits
/// for a guard that does not exist; a confirmation of something that was put back.
#[tokio::test]
async fn after_a_restart_of_the_machine_ansai_puts_it_back() {
    for (point, expected, file) in POINTS {
        let scene = scene(if point == "provisional" { Call::SetForATime } else { Call::Set }, LONG_MS);
        if point == "disarmed" {
            helps(&scene);
        }
        killed_at(&scene, point).await;
        test_guards::remove_all(&scene.state_dir());
        test_guards::set_boot("another");
        scene.open().recover().await;
        let mut expected = owned(expected);
        if point == "provisional" {
            expected[2] = "outcome done".into();
        }
        assert_eq!((told(&scene), scene.text("file")), (expected, file.to_owned()), "{point}");
        is_free(&scene, point);
        scene.finish().await;
    }
}

/// Its guard fired before the machine was restarted, and is gone now: only the file shows that.
#[tokio::test]
async fn what_its_guard_put_back_before_a_restart_is_not_confirmed() {
    let scene = scene(Call::Set, LONG_MS);
    helps(&scene);
    killed_at(&scene, "disarmed").await;
    std::fs::write(scene.path("file"), "old").unwrap();
    test_guards::remove_all(&scene.state_dir());
    test_guards::set_boot("another");
    scene.open().recover().await;
    assert_eq!(told(&scene)[3..], ["confirming", BY_GUARD]);
    assert_eq!(scene.text("file"), "old");
    is_free(&scene, "disarmed");
    scene.finish().await;
}

/// An undo that was interrupted after it had restored everything is repeated.
#[tokio::test]
async fn an_interrupted_undo_of_a_provisional_step_is_finished() {
    let scene = scene(Call::Set, LONG_MS);
    std::fs::write(scene.path("stop-at"), "undone").unwrap();
    let killed = killed::start("guarded::the_process_that_is_killed", &scene);
    eventually(|| scene.outcomes().first().copied()).await;
    test_guards::sleep_machine_of(&scene.path(""), LONG_MS);
    eventually(|| (scene.text("reached") == "undone").then_some(())).await;
    drop(killed);
    std::fs::remove_file(scene.path("stop-at")).unwrap();
    assert_eq!(told(&scene).len(), 3);
    scene.open().recover().await;
    assert_eq!((told(&scene).pop().unwrap().as_str(), scene.text("file")), (BY_HOST, "old".into()));
    scene.finish().await;
}

pub(crate) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn plan_of(scene: &Scene) -> String {
    let plan = scene.events().into_iter().find_map(|event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    });
    plan.unwrap()
}

/// Nothing uses the file any more: a person may undo, or learns that there is nothing to undo.
pub(crate) fn is_free(scene: &Scene, point: &str) {
    let undone = scene.open().undo(&plan_of(scene), None, "a person");
    assert!(undone.is_ok(), "{point}: {undone:?}");
}
