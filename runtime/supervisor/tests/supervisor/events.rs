//! What wakes an instance between its scheduled evaluations: watches, whose sources are a channel here, and people.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ansai_core::event::Phase;
use ansai_core::watch::{Wanted, WantedBy};
use ansai_core::{Event, InstanceName, Millis, Mode, Refusal, Status, Subject, Watch};
use ansai_engine::RecordedReply;
use ansai_host_functions::live::LiveHost;
use ansai_kit::authorize::Scopes;
use ansai_kit::evaluation_state::{Occurrence, Trigger};
use ansai_kit::watch::{Sink, Source, WatchError};
use ansai_supervisor::{Instance, Supervisor};
use tokio::task::JoinHandle;

use crate::over_live::{OverLive, host};
use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{Script, observation};
use crate::shares::used_log_lines;

/// The sinks of the sources that were opened so far. Each test has a process of its own.
static SINKS: Mutex<Vec<Arc<dyn Sink>>> = Mutex::new(Vec::new());
/// So many sources cannot be opened.
static FAILURES: AtomicUsize = AtomicUsize::new(0);
/// Whether the grants of now permit the watches of policies.
static IS_PERMITTED: AtomicBool = AtomicBool::new(true);
/// How often they did not.
static REFUSED: AtomicU32 = AtomicU32::new(0);

/// The live host with sources that the test feeds.
struct Fed(LiveHost);

struct Nothing;

impl Source for Nothing {}

impl OverLive for Fed {
    fn live(&self) -> &LiveHost {
        &self.0
    }

    fn may_watch(&self, _: &InstanceName, _: &Watch, _: &Scopes) -> Result<(), Refusal> {
        match IS_PERMITTED.load(Ordering::SeqCst) {
            true => Ok(()),
            false => {
                REFUSED.fetch_add(1, Ordering::SeqCst);
                Err(Refusal::Denied("not any more".into()))
            }
        }
    }

    fn watch(&self, _: &Watch, sink: Arc<dyn Sink>) -> Result<Box<dyn Source>, WatchError> {
        let fails = |left: usize| left.checked_sub(1);
        if FAILURES.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(WatchError::Unavailable(Refusal::NotFound("no such directory".into())));
        }
        SINKS.lock().unwrap().push(sink);
        Ok(Box::new(Nothing))
    }
}

fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.host = |live| host(Fed(live));
    for instance in [ONE, "two"] {
        scene.script_of(instance, &healthy());
    }
    scene
}

fn healthy() -> Script {
    Script::sick(vec![], ansai_core::OnFailure::Stop).saying(Ok(vec![observation(Status::Healthy)]))
}

fn watching(scene: &Scene, watch: Watch, by: WantedBy) -> Instance {
    Instance { watches: Arc::new([Wanted { watch, by }]), ..scene.instance(ONE) }
}

fn start(scene: &Scene, instances: Vec<Instance>) -> (Supervisor, JoinHandle<()>) {
    let supervisor = scene.open_all(fixed(Mode::Enforce), instances).unwrap();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    (supervisor, running)
}

async fn stop(supervisor: Supervisor, running: JoinHandle<()>) {
    supervisor.stop("a test");
    running.await.unwrap();
}

/// The sink of the source that was opened as this one.
async fn sink(number: usize) -> Arc<dyn Sink> {
    eventually(|| SINKS.lock().unwrap().get(number).cloned()).await
}

/// What the policy was told in evaluations because of events so far.
fn told(scene: &Scene) -> Vec<Vec<Occurrence>> {
    let detected = scene.recorded(Phase::Detect, "event");
    let calls = detected.into_iter().flat_map(|recording| recording.calls);
    let triggers = calls.filter(|call| call.name() == "ansai:policy/context.triggered-by").map(|call| call.reply);
    let read = |reply| match reply {
        RecordedReply::Ok(reply) => match serde_json::from_str(reply.get()).unwrap() {
            Trigger::Event(occurrences) => occurrences,
            other => panic!("{other:?}"),
        },
        RecordedReply::Refused(refusal) => panic!("{refusal}"),
    };
    triggers.map(read).collect()
}

/// Evaluations because of events so far.
fn woken(scene: &Scene) -> usize {
    let is_event = |event: &Event| match event {
        Event::Evaluated { trigger, phase, .. } => trigger == "event" && *phase == Phase::Detect,
        _ => false,
    };
    scene.events().iter().filter(|event| is_event(event)).count()
}

async fn until_woken(scene: &Scene) {
    eventually(|| (woken(scene) > 0).then_some(())).await;
}

fn names(told: &[Occurrence]) -> Vec<&str> {
    told.iter().map(|one| one.what.as_str()).collect()
}

/// Problems of watches in the audit log: the code of each, and `None` where it was over.
fn problems(scene: &Scene) -> Vec<Option<String>> {
    let problem = |event| match event {
        Event::Watch { kind, error, .. } => {
            assert_eq!(kind.is_some(), error.is_some());
            Some(kind)
        }
        _ => None,
    };
    scene.events().into_iter().filter_map(problem).collect()
}

/// Would break: an evaluation for each event, a queue without a bound, or a storm that others must wait for.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_one_event_among_few_and_keeps_nobody_waiting() {
    let scene = scene();
    let storming = watching(&scene, Watch::Directory("/var/spool".into()), WantedBy::Policy);
    let other = Instance { every: Millis::new(50), ..scene.instance("two") };
    let (supervisor, running) = start(&scene, vec![storming, other]);
    let sink = sink(0).await;
    let storm = std::thread::spawn(move || {
        for number in 0..100_000 {
            sink.occurred("file-created", Subject::new("file", format!("/var/spool/{number}")), vec![]);
        }
    });
    until_woken(&scene).await;
    tokio::task::spawn_blocking(move || storm.join().unwrap()).await.unwrap();
    eventually(|| problems(&scene).contains(&Some("event-storm".into())).then_some(())).await;
    // The other one goes on by time.
    let mut passes = 0;
    eventually(|| {
        let is_two = |event: &Event| matches!(event, Event::Observed { instance, .. } if instance.as_str() == "two");
        passes += scene.published().iter().filter(|published| is_two(&published.event)).count();
        (passes >= 3).then_some(())
    })
    .await;
    stop(supervisor, running).await;
    let storms = problems(&scene).into_iter().filter(|kind| kind.as_deref() == Some("event-storm")).count();
    assert_eq!(storms, 1, "told once");
    let first = told(&scene).swap_remove(0);
    assert!(first.len() <= 65, "{}", first.len());
    assert!(names(&first).contains(&"events-lost"));
    scene.finish().await;
}

/// Would break: a watch that is gone without a word, or what happened meanwhile that nobody looks for.
#[tokio::test]
async fn a_source_that_dies_is_told_once_and_opened_again_and_everything_is_looked_at() {
    let scene = scene();
    let watching = watching(&scene, Watch::File("/etc/hosts".into()), WantedBy::Policy);
    let (supervisor, running) = start(&scene, vec![watching]);
    sink(0).await.ended(WatchError::Ended("killed by a test".into()));
    sink(1).await;
    until_woken(&scene).await;
    stop(supervisor, running).await;
    assert_eq!(names(&told(&scene)[0]), ["events-lost"]);
    assert_eq!(problems(&scene), [Some("watch-failed".into()), None]);
    scene.finish().await;
}

/// Would break: occurrences that came before the grant was taken back, or that are not checked at all.
#[tokio::test]
async fn what_is_not_granted_any_more_reaches_no_policy() {
    let scene = scene();
    let watching = watching(&scene, Watch::File("/etc/shadow".into()), WantedBy::Policy);
    let (supervisor, running) = start(&scene, vec![watching]);
    let sink = sink(0).await;
    IS_PERMITTED.store(false, Ordering::SeqCst);
    sink.occurred("file-changed", Subject::new("file", "/etc/shadow"), vec![]);
    assert!(supervisor.wake(ONE) && !supervisor.wake("nobody"));
    until_woken(&scene).await;
    stop(supervisor, running).await;
    assert_eq!(names(&told(&scene)[0]), ["ping"]);
    scene.finish().await;
}

#[tokio::test]
async fn without_a_grant_a_policy_is_not_woken_and_runs_by_time() {
    let scene = scene();
    IS_PERMITTED.store(false, Ordering::SeqCst);
    let by_time =
        Instance { every: Millis::new(50), ..watching(&scene, Watch::File("/etc/shadow".into()), WantedBy::Policy) };
    let (supervisor, running) = start(&scene, vec![by_time]);
    eventually(|| (problems(&scene) == [Some("watch-not-granted".into())]).then_some(())).await;
    let observed = |event: &Event| matches!(event, Event::Observed { .. });
    eventually(|| scene.published().iter().any(|published| observed(&published.event)).then_some(())).await;
    // The third try to open it tells nothing more.
    eventually(|| (REFUSED.load(Ordering::SeqCst) > 2).then_some(())).await;
    assert_eq!(problems(&scene), [Some("watch-not-granted".into())], "told once");
    assert!(SINKS.lock().unwrap().is_empty(), "nothing was opened");
    stop(supervisor, running).await;
    scene.finish().await;
}

/// The live host: a file that is replaced by a rename, as editors and package managers do.
#[tokio::test]
async fn a_file_that_is_replaced_wakes_the_policy() {
    let scene = Scene::new();
    scene.script(&healthy());
    let path = std::fs::canonicalize(scene.path("")).unwrap().join("watched");
    // What the operator wrote needs no grant.
    let watching = watching(&scene, Watch::File(path.to_str().unwrap().to_owned()), WantedBy::Operator);
    let (supervisor, running) = start(&scene, vec![watching]);
    let new = path.with_extension("new");
    // As often as it takes: the first time may be before the watch.
    eventually(|| {
        std::fs::write(&new, "content").unwrap();
        std::fs::rename(&new, &path).unwrap();
        (woken(&scene) > 0).then_some(())
    })
    .await;
    stop(supervisor, running).await;
    let first = &told(&scene)[0][0];
    assert_eq!((first.what.as_str(), &first.about), ("file-created", &Subject::new("file", path.to_str().unwrap())));
    assert_eq!(problems(&scene), []);
    scene.finish().await;
}

/// As `ansai wake` asks.
#[tokio::test]
async fn a_request_wakes_the_policy_and_is_answered_by_its_end() {
    let scene = scene();
    let (supervisor, running) = start(&scene, vec![scene.instance(ONE)]);
    let requests = scene.state_dir().join("wake");
    eventually(|| requests.is_dir().then_some(())).await;
    for name in [ONE, "nobody"] {
        std::fs::write(requests.join(name), "").unwrap();
    }
    until_woken(&scene).await;
    assert!(!requests.join(ONE).exists());
    eventually(|| requests.join("nobody.unknown").exists().then_some(())).await;
    stop(supervisor, running).await;
    assert_eq!(names(&told(&scene)[0]), ["ping"]);
    scene.finish().await;
}

/// Would break: what happened before the directory was there, which nobody looks for until the next time.
#[tokio::test]
async fn a_watch_that_is_opened_late_looks_at_everything_once() {
    let scene = scene();
    FAILURES.store(1, Ordering::SeqCst);
    let watching = watching(&scene, Watch::File("/srv/later/file".into()), WantedBy::Policy);
    let (supervisor, running) = start(&scene, vec![watching]);
    sink(0).await;
    until_woken(&scene).await;
    stop(supervisor, running).await;
    assert_eq!(told(&scene).iter().map(|told| names(told)).collect::<Vec<_>>(), [["events-lost"]]);
    assert_eq!(problems(&scene), [Some("watch-failed".into()), None]);
    scene.finish().await;
}

/// Would break: a storm that uses what the schedule and people need, or that is told about each time.
#[tokio::test]
async fn events_wait_when_a_quarter_of_a_share_is_used_and_people_do_not() {
    let scene = scene();
    used_log_lines(&scene, 4_000, 0).await;
    let watching = watching(&scene, Watch::File("/etc/hosts".into()), WantedBy::Policy);
    let (supervisor, running) = start(&scene, vec![watching]);
    let sink = sink(0).await;
    let happens = || sink.occurred("file-changed", Subject::new("file", "/etc/hosts"), vec![]);
    happens();
    eventually(|| (problems(&scene) == [Some("event-storm".into())]).then_some(())).await;
    assert_eq!(woken(&scene), 0);
    happens();
    assert!(supervisor.wake(ONE));
    until_woken(&scene).await;
    stop(supervisor, running).await;
    assert!(names(&told(&scene)[0]).contains(&"ping"));
    assert_eq!(problems(&scene), [Some("event-storm".into())], "told once");
    scene.finish().await;
}

/// Would break: an event that is refused and forgotten.
#[tokio::test]
async fn events_that_waited_are_looked_for_when_there_is_room() {
    let scene = scene();
    used_log_lines(&scene, 2_503, 3_000).await;
    let watching = watching(&scene, Watch::File("/etc/hosts".into()), WantedBy::Policy);
    let (supervisor, running) = start(&scene, vec![watching]);
    let sink = sink(0).await;
    scene.published();
    sink.occurred("file-changed", Subject::new("file", "/etc/hosts"), vec![]);
    let is_later = |event: &Event| match event {
        Event::Evaluated { trigger, .. } => trigger == "follow-up" || trigger == "event",
        _ => false,
    };
    eventually(|| scene.published().iter().any(|published| is_later(&published.event)).then_some(())).await;
    stop(supervisor, running).await;
    scene.finish().await;
}
