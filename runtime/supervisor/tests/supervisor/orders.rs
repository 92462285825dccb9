//! Pauses and silences: what is held, what goes on, and what a restart keeps. Each test waits for events, and none for a
//! time.

use ansai_core::control::{NewPause, NewSilence, NextStep, Overall, Resume};
use ansai_core::event::{SkipReason, Verdict};
use ansai_core::incident::{Change, Permission};
use ansai_core::order::Person;
use ansai_core::{Event, InstanceName, Millis, Mode, Observation, OnFailure, Outcome, Severity, Status, Subject};
use ansai_storage::Directory;
use ansai_supervisor::{Instance, OrderError, Supervisor, status_of};

use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Call, KEY, Script, Step, observation};

const LONG_MS: u64 = 600_000;
const HOUR: Millis = Millis::from_hours(1);

fn alice() -> Person {
    Person { uid: 1_000, name: Some("alice".into()) }
}

fn new_pause(instance: Option<&str>, duration: Millis) -> NewPause {
    let instance = instance.map(|name| name.parse::<InstanceName>().unwrap());
    NewPause { instance, duration, reason: "a test".into() }
}

fn new_silence(key: &str) -> NewSilence {
    NewSilence { instance: None, key: key.into(), duration: HOUR, reason: "a test".into() }
}

fn named(name: &str) -> Resume {
    Resume::Named { name: name.into() }
}

fn sick(key: &str) -> Observation {
    let about = Subject::new("test", key);
    Observation { key: key.into(), about, ..observation(Status::Unhealthy(Severity::Critical)) }
}

/// The key of the incident of each plan so far.
fn planned(scene: &Scene) -> Vec<String> {
    let key = |event| match event {
        Event::Planned { incident: Some(id), .. } => id.split('/').nth(1).map(str::to_owned),
        _ => None,
    };
    scene.events().into_iter().filter_map(key).collect()
}

fn is_paused(event: &Event) -> bool {
    matches!(event, Event::Decided { verdict: Verdict::Held(Permission::Paused(_)), .. })
}

fn run(supervisor: &Supervisor) -> tokio::task::JoinHandle<()> {
    let supervisor = supervisor.clone();
    tokio::spawn(async move { supervisor.run().await })
}

/// The one instance, evaluated all the time.
fn open_eager(scene: &Scene) -> Supervisor {
    let eager = Instance { every: Millis::new(50), ..scene.instance(ONE) };
    scene.open_all(fixed(Mode::Enforce), vec![eager]).unwrap()
}

async fn stop(supervisor: Supervisor, running: tokio::task::JoinHandle<()>) {
    supervisor.stop("a test");
    running.await.unwrap();
}

#[tokio::test]
async fn a_running_step_finishes_and_no_other_begins() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    let steps = vec![Step::new(Call::Wait, LONG_MS, LONG_MS, scene.path("long")), Step::mark(&marked)];
    scene.script(&Script::sick(steps, OnFailure::Stop));
    let supervisor = open_eager(&scene);
    let running = run(&supervisor);
    let handle = scene.running().await;
    supervisor.pause(&new_pause(Some(ONE), HOUR), &alice()).unwrap();
    assert!(handle.runs(), "it is not cancelled");
    handle.finish();
    let is_skipped = |event: &Event| matches!(event, Event::Skipped { step: 1, reason: SkipReason::Paused, .. });
    eventually(|| scene.events().iter().any(is_skipped).then_some(())).await;
    eventually(|| scene.events().iter().any(is_paused).then_some(())).await;
    stop(supervisor, running).await;
    assert_eq!((scene.outcomes(), scene.intents()), (vec![(0, Outcome::Done)], vec![0]));
    assert!(!marked.exists());
    scene.finish().await;
}

#[tokio::test]
async fn a_pause_is_kept_across_a_restart_until_it_is_ended() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone()));
    scene.open().pause(&new_pause(None, HOUR), &alice()).unwrap();

    let supervisor = scene.open();
    supervisor.run_once().await;
    let status = supervisor.status().unwrap();
    assert_eq!(status.overall, Overall::Unhealthy, "it is evaluated and told");
    assert!(matches!(&status.incidents[0].next, NextStep::Paused(pause) if pause.order.by == alice()));
    drop(supervisor);
    assert!(scene.events().iter().any(is_paused), "the plan says why it waits");
    assert!(!marked.exists());

    let supervisor = scene.open();
    let ended = supervisor.resume(&Resume::All, &alice()).unwrap();
    assert_eq!((ended.pauses.len(), ended.silences.len()), (1, 0));
    supervisor.run_once().await;
    assert!(marked.exists());
    assert_eq!(supervisor.status().unwrap().overall, Overall::Healthy);
    let ended = Event::PauseEnded { instance: None, by: Some(alice()) };
    assert!(scene.events().contains(&ended));
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_pause_of_another_instance_holds_nothing() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone()));
    let supervisor = scene.open();
    supervisor.pause(&new_pause(Some("two"), HOUR), &alice()).unwrap();
    supervisor.run_once().await;
    assert!(marked.exists());
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_pause_ends_by_itself_and_what_waited_is_healed() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    scene.script(&Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).healthy_once(marked.clone()));
    let supervisor = scene.open();
    supervisor.pause(&new_pause(Some(ONE), Millis::new(1_000)), &alice()).unwrap();
    let running = run(&supervisor);
    // The schedule is an hour: the end of the pause is what makes ansai look.
    eventually(|| marked.exists().then_some(())).await;
    stop(supervisor, running).await;
    let position = |wanted: &dyn Fn(&Event) -> bool| scene.events().iter().position(wanted).unwrap();
    let ended = position(&|event| matches!(event, Event::PauseEnded { by: None, .. }));
    let acted = position(&|event| matches!(event, Event::Intent(_)));
    assert!(ended < acted);
    scene.finish().await;
}

#[tokio::test]
async fn a_silence_hides_its_key_only_and_what_is_still_open_is_told_later() {
    let scene = Scene::new();
    let marked = scene.path("marked");
    let both = Script::sick(vec![Step::mark(&marked)], OnFailure::Stop).saying(Ok(vec![sick("a"), sick("b")]));
    scene.script(&both);
    let supervisor = scene.open();
    let (_, open) = supervisor.silence(&new_silence("a"), &alice()).unwrap();
    assert_eq!(open, 0, "nothing was observed yet");
    supervisor.run_once().await;
    assert_eq!(planned(&scene), ["b"]);
    let told = |key: &str, published: &[std::sync::Arc<ansai_events::Published>]| {
        published.iter().any(|one| match &one.event {
            Event::Incident { key: of, .. } => of == key && !one.event.is_routine(),
            _ => false,
        })
    };
    let published = scene.published();
    assert!(!told("a", &published) && told("b", &published));
    let opened = |event: &Event| {
        matches!(event, Event::Incident { key, change: Change::Opened, silenced: true, .. } if key == "a")
    };
    assert!(scene.events().iter().any(opened), "the audit log has it");
    let status = supervisor.status().unwrap();
    let listed: Vec<_> = status.incidents.iter().map(|one| (one.key.as_str(), &one.next)).collect();
    assert!(matches!(listed[1], ("a", NextStep::Silenced(_))), "{listed:?}");
    assert_eq!(supervisor.silence(&new_silence("a"), &alice()).unwrap().1, 1);

    supervisor.resume(&named("a"), &alice()).unwrap();
    scene.published();
    supervisor.run_once().await;
    assert!(told("a", &scene.published()), "it is news");
    assert!(planned(&scene).contains(&"a".to_owned()));
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_with_a_code() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    let supervisor = scene.open();
    let pause = |duration, reason: &str| {
        let new = NewPause { reason: reason.into(), ..new_pause(None, duration) };
        supervisor.pause(&new, &alice()).unwrap_err()
    };
    let word = |error: &OrderError| error.code().word();
    for duration in [Millis::ZERO, Millis::new(999), Millis::from_hours(31 * 24 + 1), Millis::MAX] {
        assert_eq!(word(&pause(duration, "x")), "bad-order");
    }
    for reason in ["", "  ", &"x".repeat(501)] {
        assert_eq!(word(&pause(HOUR, reason)), "bad-order");
    }
    for key in ["", &"k".repeat(1_001)] {
        assert_eq!(word(&supervisor.silence(&new_silence(key), &alice()).unwrap_err()), "bad-order");
    }
    for what in [Resume::All, named(ONE), named(KEY)] {
        assert_eq!(word(&supervisor.resume(&what, &alice()).unwrap_err()), "nothing-to-resume");
    }
    for number in 0..1_000 {
        supervisor.silence(&new_silence(&number.to_string()), &alice()).unwrap();
    }
    assert!(matches!(supervisor.silence(&new_silence("more"), &alice()), Err(OrderError::TooMany)));
    // The same once more is no more.
    supervisor.silence(&new_silence("7"), &alice()).unwrap();
    assert_eq!(supervisor.orders().silences.len(), 1_000);
    supervisor.run_once().await;
    drop(supervisor);
    scene.finish().await;
}

/// A reason is text of a person, who may have copied it from anywhere.
#[tokio::test]
async fn a_reason_is_one_safe_line() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![], OnFailure::Stop));
    let supervisor = scene.open();
    let new = NewPause { reason: "one\ntwo \u{1b}[31m".into(), ..new_pause(None, HOUR) };
    let pause = supervisor.pause(&new, &alice()).unwrap();
    assert!(pause.order.reason.starts_with("one two ") && !pause.order.reason.contains('\u{1b}'));
    supervisor.run_once().await;
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn the_status_of_a_state_without_a_daemon_changes_nothing() {
    let scene = Scene::new();
    scene.script(&Script::sick(vec![Step::mark(scene.path("marked"))], OnFailure::Stop));
    let directory = Directory::create(scene.state_dir()).unwrap();
    assert!(status_of(&directory).unwrap().is_none(), "nothing ran yet");
    let supervisor = scene.open();
    supervisor.pause(&new_pause(None, HOUR), &alice()).unwrap();
    supervisor.run_once().await;
    // Beside a run that has it open.
    assert_eq!(status_of(&directory).unwrap().unwrap().orders, supervisor.orders());
    drop(supervisor);
    let before = scene.events().len();
    let status = status_of(&directory).unwrap().unwrap();
    assert!(!status.is_running);
    assert_eq!((status.incidents.len(), status.instances.len()), (1, 1));
    assert!(matches!(status.incidents[0].next, NextStep::Paused(_)));
    assert_eq!(scene.events().len(), before);
    scene.finish().await;
}
