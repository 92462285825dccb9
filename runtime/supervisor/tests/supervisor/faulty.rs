//! A policy that keeps failing is evaluated less and less often, then not at all, visibly; others never notice.

use ansai_core::control::{NewPause, Overall, Resume};
use ansai_core::order::Person;
use ansai_core::quarantine::Release;
use ansai_core::{ErrorKind, Event, Millis, Mode, OnFailure, Severity, Status, exit};
use ansai_storage::Directory;
use ansai_supervisor::{Instance, OrderError, Supervisor, status_of};

use crate::scene::{ONE, Scene, eventually, fixed};
use crate::script::{How, Script, observation};

fn saying(status: Status) -> Script {
    Script::sick(vec![], OnFailure::Stop).saying(Ok(vec![observation(status)]))
}

fn trapping() -> Script {
    Script { how: How::Traps, ..saying(Status::Healthy) }
}

fn resume(supervisor: &Supervisor) -> Result<(), OrderError> {
    let by = Person { uid: 0, name: Some("root".into()) };
    supervisor.resume(&Resume::Named { name: ONE.into() }, &by).map(drop)
}

/// The events of faults, in their order.
fn told(scene: &Scene) -> Vec<&'static str> {
    let is_told =
        |event: &Event| matches!(event, Event::BackedOff { .. } | Event::Quarantined(_) | Event::Released { .. });
    scene.events().iter().filter(|event| is_told(event)).map(Event::name).collect()
}

/// Ten runs by cron, each of which fails.
async fn quarantine(scene: &Scene) {
    scene.script(&trapping());
    for run in 0..10 {
        let report = scene.open().run_once().await.pop().unwrap();
        assert_eq!(report.error_kind, Some(ErrorKind::Trap), "{run}");
    }
}

/// Would break: a quarantine that nobody sees, one that a restart ends, or one that evaluates.
#[tokio::test]
async fn ten_faults_in_a_row_end_evaluations_until_a_person_resumes() {
    let scene = Scene::new();
    scene.script(&saying(Status::Unhealthy(Severity::Critical)));
    scene.open().run_once().await;
    quarantine(&scene).await;
    assert_eq!(told(&scene), ["backed-off", "quarantined"]);
    let evaluations = scene.recordings().len();
    // It would answer now.
    scene.script(&saying(Status::Healthy));
    let supervisor = scene.open();
    let report = supervisor.run_once().await.pop().unwrap();
    assert_eq!((report.error_kind, report.exit_code()), (Some(ErrorKind::Quarantined), exit::UNKNOWN));
    assert_eq!(scene.recordings().len(), evaluations, "it is not evaluated");
    let status = supervisor.status().unwrap();
    assert_eq!((status.orders.quarantines.len(), status.overall), (1, Overall::Unknown));
    assert!(status.incidents.iter().all(|one| one.unknown.is_some()) && !status.incidents.is_empty());
    drop(supervisor);
    let left = status_of(&Directory::create(scene.state_dir()).unwrap()).unwrap().unwrap();
    assert_eq!((left.orders.quarantines.len(), left.overall), (1, Overall::Unknown));
    assert_eq!(left.instances[0].faults, 10);
    let supervisor = scene.open();
    resume(&supervisor).unwrap();
    assert!(matches!(resume(&supervisor), Err(OrderError::NothingToResume(_))));
    let report = supervisor.run_once().await.pop().unwrap();
    assert_eq!(report.exit_code(), exit::FINE, "{report:?}");
    assert_eq!(told(&scene), ["backed-off", "quarantined", "released"]);
    let by_root =
        |event: &Event| matches!(event, Event::Released { why: Release::Resumed, by: Some(by), .. } if by.uid == 0);
    assert!(scene.events().iter().any(by_root));
    drop(supervisor);
    scene.finish().await;
}

/// Would break: an instance that is released, and evaluated only hours later.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_released_is_evaluated_also_if_the_rest_of_the_order_fails() {
    let scene = Scene::new();
    quarantine(&scene).await;
    scene.script(&saying(Status::Healthy));
    let supervisor = scene.open();
    let (instance, duration) = (Some(ONE.parse().unwrap()), Millis::from_hours(1));
    let pause = NewPause { instance, duration, reason: "a test".into() };
    supervisor.pause(&pause, &Person { uid: 0, name: None }).unwrap();
    let database = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    let broken = "CREATE TRIGGER broken BEFORE DELETE ON pause BEGIN SELECT RAISE(ABORT, 'a test'); END";
    database.execute_batch(broken).unwrap();
    drop(database);
    let running = {
        let supervisor = supervisor.clone();
        tokio::spawn(async move { supervisor.run().await })
    };
    let seen = &scene;
    let published = |wanted: fn(&Event) -> bool| {
        eventually(move || seen.published().iter().any(|one| wanted(&one.event)).then_some(()))
    };
    published(|event| matches!(event, Event::Failed { kind: Some(ErrorKind::Quarantined), .. })).await;
    assert!(matches!(resume(&supervisor), Err(OrderError::State(_))));
    published(|event| matches!(event, Event::Observed { .. })).await;
    supervisor.stop("the test is over");
    running.await.unwrap();
    drop(supervisor);
    scene.finish().await;
}

/// Would break: faults that are counted although the policy has answered in between, or an `unknown` that is a fault.
#[tokio::test]
async fn what_answers_in_between_or_says_unknown_is_never_quarantined() {
    let scene = Scene::new();
    for _ in 0..4 {
        scene.script(&trapping());
        for _ in 0..3 {
            scene.open().run_once().await;
        }
        scene.script(&saying(Status::Unknown("the server does not answer".into())));
        scene.open().run_once().await;
    }
    for _ in 0..11 {
        scene.open().run_once().await;
    }
    assert_eq!(told(&scene), ["backed-off", "released"].repeat(4));
    scene.finish().await;
}

/// The daemon: a failing instance that is due all the time is held back, and its neighbour goes on.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_backs_off_and_the_neighbour_goes_on() {
    let scene = Scene::new();
    scene.script(&trapping());
    scene.script_of("two", &saying(Status::Healthy));
    let eager = |name: &str| Instance { every: Millis::new(20), ..scene.instance(name) };
    let supervisor = scene.open_all(fixed(Mode::Enforce), vec![eager(ONE), eager("two")]).unwrap();
    let running = {
        let supervisor = supervisor.clone();
        tokio::spawn(async move { supervisor.run().await })
    };
    eventually(|| (!told(&scene).is_empty()).then_some(())).await;
    let evaluated = supervisor.status().unwrap();
    let one = evaluated.instances.iter().find(|one| one.instance.as_str() == ONE).unwrap();
    assert_eq!(one.faults, 3);
    let mut passes = 0;
    eventually(|| {
        let is_two = |event: &Event| matches!(event, Event::Observed { instance, .. } if instance.as_str() == "two");
        passes += scene.published().iter().filter(|published| is_two(&published.event)).count();
        (passes >= 10).then_some(())
    })
    .await;
    let one = supervisor.status().unwrap().instances.into_iter().find(|one| one.instance.as_str() == ONE).unwrap();
    assert_eq!(one.faults, 3, "it waits for two minutes");
    // A person who wakes it is not held back.
    assert!(supervisor.wake(ONE));
    eventually(|| {
        let status = supervisor.status().unwrap();
        status.instances.iter().any(|one| one.faults == 4).then_some(())
    })
    .await;
    supervisor.stop("the test is over");
    running.await.unwrap();
    assert_eq!(told(&scene), ["backed-off"]);
    drop(supervisor);
    scene.finish().await;
}
