//! A storm of incidents: healing stops for all but emergencies, over restarts, and begins again carefully. The host of these
//! tests has clocks that the test sets.

use ansai_core::control::{NextStep, Overall, Resume};
use ansai_core::event::Verdict;
use ansai_core::host_clock::ClockReading;
use ansai_core::incident::Permission;
use ansai_core::order::Person;
use ansai_core::storm::{StormCause, StormPhase};
use ansai_core::{Event, Millis, Observation, OnFailure, Severity, Status, Subject};
use ansai_host_functions::live::LiveHost;
use ansai_storage::Directory;
use ansai_supervisor::status_of;
use tokio::sync::{Mutex, MutexGuard};

use crate::over_live::{OverLive, host};
use crate::scene::Scene;
use crate::script::{Call, Script, Step, observation};

/// Milliseconds that both clocks are ahead, and that the time of day is ahead in addition.
static AHEAD: std::sync::Mutex<(u64, u64)> = std::sync::Mutex::new((0, 0));
/// There is one host for all tests of this file.
static IN_TURN: Mutex<()> = Mutex::const_new(());

const MINUTE: u64 = 60_000;
/// A little longer than `quiet`.
const QUIET: u64 = 11 * MINUTE;

struct Ahead(LiveHost);

impl OverLive for Ahead {
    fn live(&self) -> &LiveHost {
        &self.0
    }

    fn clock(&self) -> ClockReading {
        let (real, (both, wall)) = (ansai_kit::host_clock::read(), *AHEAD.lock().unwrap());
        ClockReading {
            wall: real.wall + Millis::new(both + wall),
            since_boot: Millis::new(real.since_boot.get() + both),
            boot: "a".into(),
            is_synchronized: false,
        }
    }
}

async fn scene() -> (MutexGuard<'static, ()>, Scene) {
    let turn = IN_TURN.lock().await;
    *AHEAD.lock().unwrap() = (0, 0);
    let mut scene = Scene::new();
    scene.host = |live| host(Ahead(live));
    (turn, scene)
}

fn pass_time(milliseconds: u64) {
    AHEAD.lock().unwrap().0 += milliseconds;
}

fn sick(key: &str, severity: Severity) -> Observation {
    let about = Subject::new("test", key);
    Observation { key: key.into(), about, ..observation(Status::Unhealthy(severity)) }
}

pub(crate) fn many(count: usize) -> Vec<Observation> {
    (0..count).map(|number| sick(&format!("k{number}"), Severity::Critical)).collect()
}

/// What was told of the storm, in order; `None` for its end.
fn told(scene: &Scene) -> Vec<Option<StormPhase>> {
    let phase = |event| match event {
        Event::Storm(storm) => Some(Some(storm.phase)),
        Event::StormEnded { .. } => Some(None),
        _ => None,
    };
    scene.events().into_iter().filter_map(phase).collect()
}

fn held(scene: &Scene) -> usize {
    let is_held = |event: &Event| matches!(event, Event::Decided { verdict: Verdict::Held(Permission::Storm(_)), .. });
    scene.events().into_iter().filter(is_held).count()
}

fn alice() -> Person {
    Person { uid: 1_000, name: Some("alice".into()) }
}

#[tokio::test]
async fn fifty_incidents_stop_healing_for_all_but_emergencies_also_after_a_restart() {
    let (_turn, scene) = scene().await;
    let marked = scene.path("marked");
    let script = Script::sick(vec![Step::mark(&marked)], OnFailure::Stop);
    scene.script(&script.clone().saying(Ok(many(50))));
    let supervisor = scene.open();
    supervisor.run_once().await;
    assert_eq!(told(&scene), [Some(StormPhase::Stopped)], "told once");
    assert!(held(&scene) > 0 && scene.intents().is_empty() && !marked.exists());
    let status = supervisor.status().unwrap();
    let storm = status.orders.storm.unwrap();
    assert_eq!((status.overall, storm.why, storm.count), (Overall::Unhealthy, StormCause::Incidents, 50));
    assert!(matches!(status.incidents[0].next, NextStep::Storm), "{:?}", status.incidents[0].next);
    drop(supervisor);
    let left = status_of(&Directory::create(scene.state_dir()).unwrap()).unwrap().unwrap();
    assert!(left.orders.storm.is_some(), "without a daemon");

    // After a restart, and with a time of day that is ten years ahead, it is as before.
    let supervisor = scene.open();
    supervisor.run_once().await;
    assert!(scene.intents().is_empty() && told(&scene).len() == 1);
    let mut all = many(50);
    all.push(sick("disk", Severity::Emergency));
    scene.script(&script.saying(Ok(all)));
    supervisor.run_once().await;
    assert_eq!(scene.intents(), [0], "the emergency");
    assert!(marked.exists());
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_clock_that_jumps_ten_years_opens_no_gate() {
    let (_turn, scene) = scene().await;
    scene.script(&Script::sick(vec![Step::mark(scene.path("marked"))], OnFailure::Stop).saying(Ok(many(31))));
    scene.open().run_once().await;
    AHEAD.lock().unwrap().1 = 10 * 365 * 24 * 60 * MINUTE;
    let supervisor = scene.open();
    supervisor.run_once().await;
    assert!(supervisor.orders().storm.is_some() && scene.intents().is_empty());
    assert_eq!(told(&scene), [Some(StormPhase::Stopped)]);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn after_a_quiet_time_one_plan_at_a_time_and_then_all() {
    let (_turn, scene) = scene().await;
    let marked = scene.path("marked");
    let script = Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone());
    scene.script(&script.saying(Ok(many(31))));
    scene.open().run_once().await;
    assert!(!marked.exists());
    pass_time(QUIET);
    let supervisor = scene.open();
    supervisor.run_once().await;
    assert_eq!(told(&scene), [Some(StormPhase::Stopped), Some(StormPhase::Trial)]);
    assert!(marked.exists(), "one plan was tried");
    pass_time(QUIET);
    supervisor.run_once().await;
    assert_eq!(told(&scene).last(), Some(&None));
    assert!(supervisor.orders().storm.is_none());
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_person_ends_a_storm() {
    let (_turn, scene) = scene().await;
    let marked = scene.path("marked");
    let script = Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone());
    scene.script(&script.saying(Ok(many(31))));
    let supervisor = scene.open();
    supervisor.run_once().await;
    let storm = Resume::Named { name: "storm".into() };
    assert!(supervisor.resume(&storm, &alice()).unwrap().storm.is_some());
    assert!(supervisor.resume(&storm, &alice()).is_err(), "there is none any more");
    assert!(scene.events().contains(&Event::StormEnded { by: Some(alice()) }));
    supervisor.run_once().await;
    assert!(marked.exists() && told(&scene).len() == 2, "{:?}", told(&scene));
    drop(supervisor);
    scene.finish().await;
}

/// Each incident is new, so that no attempt of an earlier one counts.
#[tokio::test]
async fn steps_that_fail_stop_healing() {
    let (_turn, scene) = scene().await;
    scene.script(&Script::sick(vec![Step::new(Call::Flaky, 0, 0, scene.path("flaky"))], OnFailure::Stop));
    let supervisor = scene.open();
    for run in 0..11 {
        assert_eq!(told(&scene), [], "after {run} failures");
        supervisor.run_once().await;
    }
    assert_eq!(told(&scene), [Some(StormPhase::Stopped)]);
    assert_eq!(supervisor.orders().storm.unwrap().why, StormCause::FailedSteps);
    supervisor.run_once().await;
    assert_eq!(scene.intents().len(), 11);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn what_cannot_be_healed_makes_no_storm() {
    let (_turn, scene) = scene().await;
    scene.script(&Script::sick(vec![], OnFailure::Stop).saying(Ok(many(50))));
    scene.open_with(crate::scene::fixed(ansai_core::Mode::Observe)).unwrap().run_once().await;
    assert_eq!(told(&scene), []);
    scene.finish().await;
}
