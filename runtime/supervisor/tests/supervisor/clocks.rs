//! A clock that jumps: nothing is applied and nothing expires, this is told, and it ends by itself. The host of these tests
//! has clocks that the test sets.

use ansai_core::event::Verdict;
use ansai_core::host_clock::{Belief, ClockReading};
use ansai_core::incident::Permission;
use ansai_core::{Event, Millis, Mode, OnFailure, Outcome, Status};
use ansai_host_functions::live::LiveHost;
use tokio::sync::{Mutex, MutexGuard};

use crate::over_live::{OverLive, host};
use crate::quarantine::{self, expire, held};
use crate::scene::Scene;
use crate::script::{Script, Step, observation};

const HOUR: u64 = 3_600_000;
const YEAR: u64 = 365 * 24 * HOUR;

/// What the host says: milliseconds that its time of day and its time since booting are ahead, its boot, and whether it
/// is synchronized.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    wall: u64,
    since_boot: u64,
    boot: &'static str,
    is_synchronized: bool,
}

const AS_IT_IS: Clocks = Clocks { wall: 0, since_boot: 0, boot: "a", is_synchronized: false };

static CLOCKS: std::sync::Mutex<Clocks> = std::sync::Mutex::new(AS_IT_IS);
/// There is one host for all tests of this file.
static IN_TURN: Mutex<()> = Mutex::const_new(());

async fn in_turn() -> MutexGuard<'static, ()> {
    let turn = IN_TURN.lock().await;
    set(AS_IT_IS);
    turn
}

fn set(clocks: Clocks) {
    *CLOCKS.lock().unwrap() = clocks;
}

struct ClockHost(LiveHost);

impl OverLive for ClockHost {
    fn live(&self) -> &LiveHost {
        &self.0
    }

    fn clock(&self) -> ClockReading {
        let (real, clocks) = (ansai_kit::host_clock::read(), *CLOCKS.lock().unwrap());
        ClockReading {
            wall: real.wall + Millis::new(clocks.wall),
            since_boot: Millis::new(real.since_boot.get() + clocks.since_boot),
            boot: clocks.boot.into(),
            is_synchronized: clocks.is_synchronized,
        }
    }
}

/// A scene that ran once, while everything was well.
async fn scene() -> Scene {
    let mut scene = Scene::new().with_files();
    scene.host = |live| host(ClockHost(live));
    let healthy = Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)]));
    scene.script(&healthy);
    run(&scene).await;
    scene
}

async fn run(scene: &Scene) {
    scene.open_with(quarantine::fixed(scene, Mode::Enforce)).unwrap().run_once().await;
}

/// A finding whose one step makes a file.
fn sick(scene: &Scene) {
    let acted = scene.path("acted");
    scene.script(&Script::sick(vec![Step::mark(&acted)], OnFailure::Stop).healthy_once(acted));
}

/// The two clocks are not read at the same moment.
fn hours(milliseconds: i64) -> i64 {
    (milliseconds as f64 / HOUR as f64).round() as i64
}

fn jumps(scene: &Scene) -> Vec<i64> {
    let jump = |event| match event {
        Event::ClockJumped { jump_ms } => Some(hours(jump_ms)),
        _ => None,
    };
    scene.events().into_iter().filter_map(jump).collect()
}

fn beliefs(scene: &Scene) -> Vec<Belief> {
    let why = |event| match event {
        Event::ClockBelieved { why } => Some(why),
        _ => None,
    };
    scene.events().into_iter().filter_map(why).collect()
}

fn is_held(scene: &Scene) -> bool {
    let held =
        |event: &Event| matches!(event, Event::Decided { verdict: Verdict::Held(Permission::ClockInDoubt(_)), .. });
    scene.events().iter().any(held)
}

#[tokio::test]
async fn a_jump_between_two_runs_ends_no_quarantine_and_applies_no_plan() {
    let _turn = in_turn().await;
    let scene = scene().await;
    expire(&scene, "earlier", &["a", "b"]);
    sick(&scene);
    set(Clocks { wall: 10 * YEAR, ..AS_IT_IS });
    run(&scene).await;
    assert_eq!(held(&scene), 2);
    assert!(!scene.path("acted").exists() && is_held(&scene) && scene.intents().is_empty());
    // It is told once, not in each run.
    run(&scene).await;
    assert_eq!(jumps(&scene), [10 * 365 * 24]);
    assert_eq!(held(&scene), 2);
    // The clock is right again, and everything goes on.
    set(AS_IT_IS);
    run(&scene).await;
    assert_eq!((beliefs(&scene), held(&scene)), (vec![Belief::Returned], 0));
    assert!(scene.path("acted").exists());
    scene.finish().await;
}

#[tokio::test]
async fn a_jump_during_a_run_is_seen_before_the_plan_and_before_its_step() {
    let _turn = in_turn().await;
    let scene = scene().await;
    sick(&scene);
    expire(&scene, "earlier", &["a"]);
    let supervisor = scene.open_with(quarantine::fixed(&scene, Mode::Enforce)).unwrap();
    set(Clocks { wall: 100 * HOUR, ..AS_IT_IS });
    supervisor.run_once().await;
    assert_eq!((held(&scene), scene.intents(), jumps(&scene)), (1, vec![], vec![100]));
    assert_eq!(supervisor.clock_doubt().map(hours), Some(100));
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn an_attempt_is_not_used_up_while_the_clock_is_in_doubt() {
    let _turn = in_turn().await;
    let mut scene = scene().await;
    scene.retry_policy.max_attempts = 1;
    sick(&scene);
    set(Clocks { wall: YEAR, ..AS_IT_IS });
    run(&scene).await;
    run(&scene).await;
    set(AS_IT_IS);
    run(&scene).await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    scene.finish().await;
}

#[tokio::test]
async fn back_is_a_jump_too_and_so_is_one_over_a_restart_of_the_machine() {
    let _turn = in_turn().await;
    let scene = scene().await;
    sick(&scene);
    set(Clocks { since_boot: 5 * HOUR, ..AS_IT_IS });
    run(&scene).await;
    assert_eq!((jumps(&scene), scene.intents()), (vec![-5], vec![]));
    set(Clocks { wall: YEAR, boot: "b", ..AS_IT_IS });
    run(&scene).await;
    assert!(jumps(&scene).len() == 2 && scene.intents().is_empty(), "{:?}", jumps(&scene));
    // A machine that was off for some days.
    set(Clocks { wall: 100 * HOUR, boot: "c", ..AS_IT_IS });
    run(&scene).await;
    assert_eq!((beliefs(&scene), scene.outcomes()), (vec![Belief::Returned], vec![(0, Outcome::Done)]));
    scene.finish().await;
}

#[tokio::test]
async fn who_keeps_the_time_is_believed() {
    let _turn = in_turn().await;
    let scene = scene().await;
    sick(&scene);
    set(Clocks { wall: YEAR, ..AS_IT_IS });
    run(&scene).await;
    set(Clocks { wall: YEAR, is_synchronized: true, ..AS_IT_IS });
    run(&scene).await;
    assert_eq!((beliefs(&scene), scene.outcomes()), (vec![Belief::Synchronized], vec![(0, Outcome::Done)]));
    scene.finish().await;
}

#[tokio::test]
async fn a_jump_that_lasted_for_a_day_is_believed() {
    let _turn = in_turn().await;
    let scene = scene().await;
    sick(&scene);
    set(Clocks { wall: YEAR, ..AS_IT_IS });
    run(&scene).await;
    set(Clocks { wall: YEAR + 23 * HOUR, since_boot: 23 * HOUR, ..AS_IT_IS });
    run(&scene).await;
    assert!(scene.intents().is_empty());
    set(Clocks { wall: YEAR + 25 * HOUR, since_boot: 25 * HOUR, ..AS_IT_IS });
    run(&scene).await;
    assert_eq!((beliefs(&scene), scene.outcomes()), (vec![Belief::Lasted], vec![(0, Outcome::Done)]));
    scene.finish().await;
}

#[tokio::test]
async fn the_operator_is_believed() {
    let _turn = in_turn().await;
    let mut scene = scene().await;
    sick(&scene);
    set(Clocks { wall: YEAR, ..AS_IT_IS });
    scene.accept_clock = true;
    run(&scene).await;
    assert_eq!((beliefs(&scene), scene.outcomes()), (vec![Belief::Accepted], vec![(0, Outcome::Done)]));
    // That was said of this jump, not of the next one.
    scene.accept_clock = false;
    expire(&scene, "earlier", &["a"]);
    set(Clocks { wall: 2 * YEAR, ..AS_IT_IS });
    run(&scene).await;
    assert_eq!((held(&scene), jumps(&scene)), (1, vec![365 * 24]));
    scene.finish().await;
}
