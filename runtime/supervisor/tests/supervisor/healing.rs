//! Healing goes on beside everything else: a step of hours holds up neither the passes of its instance, nor its other
//! incidents, nor the next start. Each test waits for events, and none for a time: without the guarantee, the event does
//! not come.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::event::{Phase, Verdict};
use ansai_core::incident::{Change, Permission};
use ansai_core::{Event, Millis, Mode, Observation, OnFailure, Outcome, Severity, Status, Subject};
use ansai_host_functions::live::LiveHost;
use ansai_kit::host_access::{EvaluationStart, HostAccess, HostBackend};
use ansai_supervisor::{Instance, Supervisor};
use tokio::task::JoinHandle;

use crate::over_live::{OverLive, host};
use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Call, KEY, Script, Step, observation};

const LONG_MS: u64 = 600_000;

/// A finding about a subject.
fn sick(key: &str, about: &str) -> Observation {
    let about = Subject::new("test", about);
    Observation { key: key.into(), about, ..observation(Status::Unhealthy(Severity::Critical)) }
}

fn script(findings: Vec<Observation>, step: Step) -> Script {
    Script::sick(vec![step], OnFailure::Stop).saying(Ok(findings))
}

fn long(path: impl AsRef<Path>) -> Step {
    Step::new(Call::Wait, LONG_MS, LONG_MS, path)
}

fn run(supervisor: &Supervisor) -> JoinHandle<()> {
    let supervisor = supervisor.clone();
    tokio::spawn(async move { supervisor.run().await })
}

/// The one instance, evaluated all the time.
fn open_eager(scene: &Scene) -> Supervisor {
    let eager = Instance { every: Millis::new(50), ..scene.instance(ONE) };
    scene.open_all(fixed(Mode::Enforce), vec![eager]).unwrap()
}

async fn stop(supervisor: Supervisor, running: JoinHandle<()>) {
    supervisor.stop("a test");
    running.await.unwrap();
}

/// The key of the incident of each plan so far.
fn planned(scene: &Scene) -> Vec<String> {
    let key = |event| match event {
        Event::Planned { incident: Some(id), .. } => id.split('/').nth(1).map(str::to_owned),
        _ => None,
    };
    scene.events().into_iter().filter_map(key).collect()
}

/// The keys of incidents that were closed.
fn closed(scene: &Scene) -> Vec<String> {
    let key = |event| match event {
        Event::Incident { key, change: Change::Closed, .. } => Some(key),
        _ => None,
    };
    scene.events().into_iter().filter_map(key).collect()
}

/// Waits until so many more passes have seen the finding while its incident was healed.
async fn seen_while_healed(scene: &Scene, key: &str, times: usize) {
    let mut seen = 0;
    let is_healed = |event: &Event| match event {
        Event::Observed { findings, .. } => {
            findings.iter().any(|finding| finding.observation.key == key && finding.healing)
        }
        _ => false,
    };
    eventually(|| {
        seen += scene.published().iter().filter(|published| is_healed(&published.event)).count();
        (seen >= times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_long_step_blinds_neither_the_passes_nor_another_incident() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    scene.script(&script(vec![sick("a", "a")], long(scene.path("long"))));
    let supervisor = open_eager(&scene);
    let running = run(&supervisor);
    let handle = scene.running().await;
    let both = vec![sick("a", "a"), sick("b", "b")];
    scene.script(&script(both, Step::mark(&marked)).healthy_once(marked));
    eventually(|| closed(&scene).contains(&"b".to_owned()).then_some(())).await;
    scene.published();
    seen_while_healed(&scene, "a", 2).await;
    assert_eq!(closed(&scene), ["b"], "both look healthy, but only who heals an incident may close it");
    assert_eq!(planned(&scene), ["a", "b"], "what is being healed is not planned again");
    assert!(handle.runs());
    handle.finish();
    eventually(|| (closed(&scene) == ["b", "a"]).then_some(())).await;
    stop(supervisor, running).await;
    assert_eq!(planned(&scene), ["a", "b"]);
    scene.finish().await;
}

/// A plan for the second finding that is made before the first one is healed would repair the same again.
#[tokio::test]
async fn findings_about_one_subject_are_healed_one_after_the_other() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    scene.script(&script(vec![sick("a", "same")], long(scene.path("long"))));
    let supervisor = open_eager(&scene);
    let running = run(&supervisor);
    let handle = scene.running().await;
    let both = vec![sick("a", "same"), sick("b", "same")];
    scene.script(&script(both, Step::mark(&marked)).healthy_once(marked));
    seen_while_healed(&scene, "b", 2).await;
    assert_eq!(planned(&scene), ["a"], "it counts as being healed, and waits");
    handle.finish();
    eventually(|| closed(&scene).contains(&"b".to_owned()).then_some(())).await;
    stop(supervisor, running).await;
    let position = |wanted: fn(&Event) -> bool| scene.events().iter().position(wanted).unwrap();
    let verified =
        position(|event| matches!(event, Event::Verified { incident, .. } if incident.starts_with("one/a/")));
    let planned = position(|event| match event {
        Event::Planned { incident: Some(incident), .. } => incident.starts_with("one/b/"),
        _ => false,
    });
    assert!(verified < planned);
    scene.finish().await;
}

/// If a pass wrote back the incident as it was before the attempt, the attempt would not count.
#[tokio::test]
async fn attempts_count_while_passes_go_on() {
    let mut scene = Scene::new();
    scene.retry_policy.max_attempts = 1;
    scene.script(&script(vec![sick("a", "a")], long(scene.path("long"))));
    let supervisor = open_eager(&scene);
    let running = run(&supervisor);
    let handle = scene.running().await;
    seen_while_healed(&scene, "a", 3).await;
    handle.kill();
    let is_exhausted = |event: &Event| match event {
        Event::Decided { verdict, .. } => *verdict == Verdict::Held(Permission::Exhausted(1)),
        _ => false,
    };
    eventually(|| scene.events().iter().any(is_exhausted).then_some(())).await;
    stop(supervisor, running).await;
    assert_eq!((scene.intents(), scene.outcomes()), (vec![0], vec![(0, Outcome::Failed)]));
    scene.finish().await;
}

#[tokio::test]
async fn a_step_that_still_runs_does_not_delay_the_start() {
    let scene = Scene::new();
    let path = scene.path("long");
    scene.script(&script(vec![sick(KEY, "thing")], long(&path)).healthy_once(path));
    let supervisor = scene.open();
    let running = run(&supervisor);
    let handle = scene.running().await;
    stop(supervisor, running).await;
    assert!(handle.runs(), "it is left running");

    scene.published();
    let supervisor = scene.open();
    let running = run(&supervisor);
    seen_while_healed(&scene, KEY, 1).await;
    assert_eq!((scene.outcomes(), planned(&scene).len()), (vec![], 1), "its incident is not planned again");
    handle.finish();
    // The schedule is an hour: the end of the step is what makes ansai look.
    eventually(|| (closed(&scene) == [KEY]).then_some(())).await;
    stop(supervisor, running).await;
    assert_eq!((scene.outcomes(), planned(&scene).len()), (vec![(0, Outcome::Done)], 1));
    scene.finish().await;
}

/// The outcome of a step that is cancelled comes before the end of the run is recorded.
#[tokio::test]
async fn a_stop_waits_for_what_heals() {
    let scene = Scene::new();
    let step = Step::new(Call::WaitOrCancel, LONG_MS, LONG_MS, scene.path("long"));
    scene.script(&script(vec![sick("a", "a")], step));
    let supervisor = open_eager(&scene);
    let running = run(&supervisor);
    let handle = scene.running().await;
    stop(supervisor, running).await;
    assert!(!handle.runs());
    let names: Vec<&str> = scene.events().iter().map(Event::name).collect();
    assert_eq!((names.last(), scene.outcomes()), (Some(&"stopped"), vec![(0, Outcome::Failed)]));
    scene.finish().await;
}

#[tokio::test]
async fn a_panic_while_one_incident_is_healed_is_told_and_affects_no_other() {
    let mut scene = Scene::new();
    scene.host = |live| host(PanicsOnce { live, is_to_panic: AtomicBool::new(true) });
    let marked = scene.path("marked");
    let both = vec![sick("a", "a"), sick("b", "b")];
    scene.script(&script(both, Step::mark(&marked)).healthy_once(marked));
    let supervisor = scene.open();
    let reports = supervisor.run_once().await;
    let plans: Vec<_> = reports[0].findings.iter().flat_map(|finding| &finding.plans).collect();
    let errors: Vec<&str> = plans.iter().filter_map(|plan| plan.error.as_deref()).collect();
    assert!(errors.len() == 1 && errors[0].contains("panicked"), "{errors:?}");
    let outcomes: Vec<_> = plans.iter().flat_map(|plan| &plan.steps).map(|step| step.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Done)], "the other one is healed");
    assert_eq!(closed(&scene).len(), 1);
    // Nobody heals it any more, so the next pass may close it.
    supervisor.run_once().await;
    let mut closed = closed(&scene);
    closed.sort();
    assert_eq!(closed, ["a", "b"]);
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn the_progress_of_a_step_is_told_to_subscribers_and_not_recorded() {
    let scene = Scene::new();
    let path = scene.path("long");
    let note = |text: &str| std::fs::write(path.with_extension("note"), text).unwrap();
    note("copied 4 of 9, password=hunter22 \u{1b}[2J\n");
    scene.script(&script(vec![sick("a", "a")], long(&path)));
    let supervisor = scene.open();
    let running = run(&supervisor);
    let handle = scene.running().await;
    let told = || {
        scene.published().into_iter().find_map(|published| match &published.event {
            Event::Progress { note, .. } => Some(note.clone()),
            _ => None,
        })
    };
    assert_eq!(eventually(told).await, "copied 4 of 9, password=*** \\u{1b}[2J");
    note("copied 9 of 9");
    assert_eq!(eventually(told).await, "copied 9 of 9");
    handle.finish();
    eventually(|| (scene.outcomes() == [(0, Outcome::Done)]).then_some(())).await;
    stop(supervisor, running).await;
    assert!(!scene.events().iter().any(|event| matches!(event, Event::Progress { .. })));
    scene.finish().await;
}

/// The live host, and the first evaluation of a plan on it panics.
struct PanicsOnce {
    live: LiveHost,
    is_to_panic: AtomicBool,
}

impl OverLive for PanicsOnce {
    fn live(&self) -> &LiveHost {
        &self.live
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        if start.state.phase == Phase::Plan && self.is_to_panic.swap(false, Ordering::SeqCst) {
            panic!("a fault of ansai");
        }
        HostAccess::backend(&self.live, start)
    }
}
