//! What a step touches is in use until the step has ended: also after its plan, after a stop, and after a crash. Whether
//! it is in use shows in whether another plan that touched the same can be undone.

use ansai_core::control::UndoTarget;
use ansai_core::{Event, Mode, OnFailure, Outcome};
use ansai_supervisor::undo::UndoError;
use ansai_supervisor::{InstanceReport, Supervisor};
use tokio::task::JoinHandle;

use crate::killed;
use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Call, Script, Step};
use crate::slow_actions::Handle;

const LONG_MS: u64 = 600_000;

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { Scene::at(&place).open().run_once().await });
}

fn wait(scene: &Scene, name: &str, milliseconds: u64) -> Step {
    Step::new(Call::Wait, milliseconds, LONG_MS, scene.path(name))
}

fn script(step: Step) -> Script {
    Script::sick(vec![step], OnFailure::Stop)
}

/// Makes a mark with a plan of its own, which can be undone; returns the plan.
async fn marked(scene: &Scene, name: &str) -> String {
    scene.script(&script(Step::mark(scene.path(name))));
    let reports = scene.open().run_once().await;
    assert!(scene.path(name).exists());
    reports[0].findings[0].plans[0].plan.clone()
}

fn start(supervisor: &Supervisor) -> JoinHandle<Vec<InstanceReport>> {
    let supervisor = supervisor.clone();
    tokio::spawn(async move { supervisor.run_once().await })
}

/// Steps that run by themselves, from the audit log.
fn handles(scene: &Scene) -> Vec<Handle> {
    let handle = |event| match event {
        Event::Running { handle, .. } => Some(serde_json::from_value(handle).unwrap()),
        _ => None,
    };
    scene.events().into_iter().filter_map(handle).collect()
}

async fn running(scene: &Scene, count: usize) {
    eventually(|| (handles(scene).len() == count).then_some(())).await;
}

fn kill_all(scene: &Scene) {
    handles(scene).iter().filter(|handle| handle.runs()).for_each(Handle::kill);
}

/// Leaves a step running in the background; the supervisor has stopped and is still open.
async fn left_running(scene: &Scene, name: &str) -> Supervisor {
    scene.script(&script(wait(scene, name, LONG_MS)));
    let supervisor = scene.open();
    let pass = start(&supervisor);
    running(scene, 1).await;
    supervisor.stop("a test");
    let reports = pass.await.unwrap();
    assert_eq!(outcomes(&reports), [Some(Outcome::Running)]);
    supervisor
}

/// Outcomes of all steps of all instances.
fn outcomes(reports: &[InstanceReport]) -> Vec<Option<Outcome>> {
    let plans = reports.iter().flat_map(|report| &report.findings).flat_map(|finding| &finding.plans);
    plans.flat_map(|plan| &plan.steps).map(|step| step.outcome).collect()
}

/// What is in use, and by which step.
fn is_in_use(supervisor: &Supervisor, plan: &str, thing: &str) {
    match supervisor.undo(plan, None, "a person") {
        Err(error @ UndoError::InUse { .. }) => {
            let told = format!("{thing} is in use by step 0 of plan ");
            assert!(error.to_string().contains(&told), "{error}");
            let looked = supervisor.undo_preview(&UndoTarget { plan: plan.to_owned(), step: None }).unwrap();
            assert!(looked.in_use.is_some_and(|why| why.contains(&told)), "a look beforehand says the same");
        }
        other => panic!("{other:?}"),
    }
}

fn is_undone(supervisor: &Supervisor, plan: &str) {
    let undone = supervisor.undo(plan, None, "a person").unwrap();
    assert_eq!(undone[0].outcome, Some(Outcome::Reverted), "{}", undone[0].detail);
}

#[tokio::test]
async fn a_plan_waits_for_what_another_plan_touches() {
    let scene = Scene::new();
    scene.script(&script(wait(&scene, "nginx-1", 300)));
    scene.script_of("two", &script(Step::mark(scene.path("upgrade-1"))));
    let instances = vec![scene.instance(ONE), scene.instance("two")];
    let reports = scene.open_all(fixed(Mode::Enforce), instances).unwrap().run_once().await;
    assert_eq!(outcomes(&reports), [Some(Outcome::Done), Some(Outcome::Done)]);
    // Whichever came first, the other one began after it had ended.
    let order = scene.events().into_iter().filter_map(|event| match event {
        Event::Intent(intent) => Some((intent.plan, "begins")),
        Event::Outcome { plan, .. } => Some((plan, "ends")),
        _ => None,
    });
    let (plans, order): (Vec<_>, Vec<_>) = order.unzip();
    assert_eq!(order, ["begins", "ends", "begins", "ends"]);
    assert_ne!(plans[1], plans[2]);
    scene.finish().await;
}

#[tokio::test]
async fn plans_that_share_a_thing_run_at_the_same_time() {
    let scene = Scene::new();
    scene.script(&script(wait(&scene, "nginx-1", LONG_MS)));
    scene.script_of("two", &script(wait(&scene, "nginx-2", LONG_MS)));
    let instances = vec![scene.instance(ONE), scene.instance("two")];
    let supervisor = scene.open_all(fixed(Mode::Enforce), instances).unwrap();
    let pass = start(&supervisor);
    running(&scene, 2).await;
    kill_all(&scene);
    assert_eq!(outcomes(&pass.await.unwrap()), [Some(Outcome::Failed), Some(Outcome::Failed)]);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_plan_that_waits_ends_when_ansai_stops() {
    let scene = Scene::new();
    scene.script(&script(wait(&scene, "upgrade-1", LONG_MS)));
    scene.script_of("two", &script(wait(&scene, "upgrade-2", LONG_MS)));
    let instances = vec![scene.instance(ONE), scene.instance("two")];
    let supervisor = scene.open_all(fixed(Mode::Enforce), instances).unwrap();
    let pass = start(&supervisor);
    running(&scene, 1).await;
    let decided = || scene.events().iter().filter(|event| matches!(event, Event::Decided { .. })).count();
    eventually(|| (decided() == 2).then_some(())).await;
    supervisor.stop("SIGTERM");
    let ended = outcomes(&pass.await.unwrap());
    assert_eq!(ended.len(), 2);
    assert!(ended.contains(&Some(Outcome::Running)) && ended.contains(&Some(Outcome::Skipped)), "{ended:?}");
    assert_eq!((scene.intents(), handles(&scene).len()), (vec![0], 1));
    kill_all(&scene);
    drop(supervisor);
    scene.open().recover().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Failed)]);
    scene.finish().await;
}

#[tokio::test]
async fn a_step_has_what_it_touches_after_its_plan_and_after_a_restart() {
    let scene = Scene::new();
    let (upgrade, other) = (marked(&scene, "upgrade-1").await, marked(&scene, "other").await);
    let supervisor = left_running(&scene, "nginx-1").await;
    is_in_use(&supervisor, &upgrade, "unit nginx.service");
    drop(supervisor);

    let supervisor = scene.open();
    is_in_use(&supervisor, &upgrade, "unit nginx.service");
    is_undone(&supervisor, &other);
    kill_all(&scene);
    is_in_use(&supervisor, &upgrade, "unit nginx.service");
    supervisor.recover().await;
    is_undone(&supervisor, &upgrade);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_plan_that_wants_the_host_alone_waits_for_any_step() {
    let scene = Scene::new();
    let reboot = marked(&scene, "reboot-1").await;
    let supervisor = left_running(&scene, "a").await;
    is_in_use(&supervisor, &reboot, "the host");
    drop(supervisor);
    kill_all(&scene);
    let supervisor = scene.open();
    is_in_use(&supervisor, &reboot, "the host");
    supervisor.recover().await;
    is_undone(&supervisor, &reboot);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_step_that_runs_on_after_a_crash_has_what_it_touches() {
    let scene = Scene::new();
    let upgrade = marked(&scene, "upgrade-1").await;
    scene.script(&script(wait(&scene, "nginx-1", LONG_MS)));
    let killed = killed::start("leases::the_process_that_is_killed", &scene);
    running(&scene, 1).await;
    drop(killed);
    let supervisor = scene.open();
    is_in_use(&supervisor, &upgrade, "unit nginx.service");
    kill_all(&scene);
    supervisor.recover().await;
    is_undone(&supervisor, &upgrade);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_short_step_that_was_killed_has_what_it_touches_until_it_is_resolved() {
    let scene = Scene::new();
    let nginx = marked(&scene, "nginx-1").await;
    let steps = Step::new(Call::Mark, LONG_MS, 0, scene.path("upgrade-1"));
    scene.script(&script(steps));
    let killed = killed::start("leases::the_process_that_is_killed", &scene);
    eventually(|| (scene.text("history") == "mark nginx-1\nmark upgrade-1\n").then_some(())).await;
    drop(killed);
    let supervisor = scene.open();
    is_in_use(&supervisor, &nginx, "unit nginx.service");
    supervisor.recover().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Done), (0, Outcome::Done)]);
    is_undone(&supervisor, &nginx);
    drop(supervisor);
    scene.finish().await;
}

/// Nobody knows what it touches.
#[tokio::test]
async fn a_step_without_its_plan_has_everything_until_it_is_resolved() {
    let scene = Scene::new();
    let other = marked(&scene, "other").await;
    drop(left_running(&scene, "a").await);
    let intents = scene.events().into_iter().filter_map(|event| match event {
        Event::Intent(intent) => Some(intent.plan),
        _ => None,
    });
    let lost = intents.last().unwrap();
    std::fs::remove_file(scene.state_dir().join("plans").join(format!("{lost}.plan.zst"))).unwrap();
    let supervisor = scene.open();
    is_in_use(&supervisor, &other, "the host");
    supervisor.recover().await;
    assert_eq!(scene.outcomes(), [(0, Outcome::Done), (0, Outcome::Unknown)]);
    is_undone(&supervisor, &other);
    kill_all(&scene);
    drop(supervisor);
    scene.finish().await;
}

/// A step that acts after undo uses what it touches, also if only another step is undone.
#[tokio::test]
async fn a_person_cannot_undo_while_what_acts_after_undo_is_in_use() {
    let scene = Scene::new();
    let steps = vec![Step::mark(scene.path("other")), Step::reload(scene.path("nginx-1"))];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let plan = scene.open().run_once().await[0].findings[0].plans[0].plan.clone();
    let supervisor = left_running(&scene, "upgrade-1").await;
    let refused = supervisor.undo(&plan, Some(0), "a person").unwrap_err();
    assert!(refused.to_string().contains("unit nginx.service is in use by step 0"), "{refused}");
    kill_all(&scene);
    drop(supervisor);
    let supervisor = scene.open();
    supervisor.recover().await;
    let undone = supervisor.undo(&plan, Some(0), "a person").unwrap();
    let told: Vec<_> = undone.iter().map(|step| step.outcome).collect();
    assert_eq!(told, [Some(Outcome::Reverted), Some(Outcome::Done)], "the reload acted");
    drop(supervisor);
    scene.finish().await;
}
