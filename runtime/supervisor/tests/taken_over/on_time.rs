//! What other instances notice of a worker that was taken over.

use std::time::Duration;

use ansai_core::{ErrorKind, Event, Limits, Millis};
use ansai_events::Item;
use ansai_harness::until;
use ansai_supervisor::{Instance, Supervisor};

use crate::scene::{HONEST, Scene, few, instance};

/// How long something may take that surely happens: never waited for in full.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the instances of these tests are due.
const EVERY: Millis = Millis::new(20);

/// Runs a supervisor until `during` returns.
fn running(supervisor: &Supervisor, during: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let task = {
        let supervisor = supervisor.clone();
        runtime.spawn(async move { supervisor.run().await })
    };
    during();
    supervisor.stop("the test is over");
    runtime.block_on(task).unwrap();
}

/// Waits until an instance was evaluated so often from now on.
fn evaluated_again(supervisor: &Supervisor, name: &str, times: usize) {
    let mut events = supervisor.events().subscribe("test", 10_000);
    let is_pass = |item: &Item| {
        let Item::Event(published) = item else { return false };
        matches!(&published.event, Event::Observed { instance, .. } if instance.as_str() == name)
    };
    let mut seen = 0;
    until("the other instance is evaluated", PATIENCE, || {
        seen += std::iter::from_fn(|| events.try_next()).filter(is_pass).count();
        (seen >= times).then_some(())
    });
}

/// Would break: an evaluation that waits for another one's worker, which is silent for ten minutes here, or floods.
pub(crate) fn others_are_on_time() {
    let scene = Scene::new();
    let patient = Limits { deadline_ms: 600_000, calls: 1_000_000, ..few() };
    let due = |name, limits: &Limits| Instance { every: EVERY, ..instance(name, limits.clone()) };
    let supervisor = scene.open(vec![
        due("silent", &patient),
        due("half-a-frame", &patient),
        due("million-calls", &patient),
        due(HONEST, &few()),
    ]);
    supervisor.limit_evaluations(8);
    running(&supervisor, || {
        evaluated_again(&supervisor, HONEST, 20);
        for name in ["silent", "half-a-frame"] {
            assert!(scene.evaluated(name).is_empty(), "{name}: it does not answer");
        }
    });
    assert!(scene.evaluated(HONEST).iter().all(|one| one.kind.is_none()));
    drop(supervisor);
    scene.verify();
}

/// Would break: a worker that is started again and again for a policy that kills it each time.
pub(crate) fn a_flood_of_crashes_ends_in_back_off() {
    let scene = Scene::new();
    let due = |name| Instance { every: EVERY, ..instance(name, few()) };
    let supervisor = scene.open(vec![due("dies"), due(HONEST)]);
    supervisor.limit_evaluations(2);
    let backed_off = || {
        scene.events().into_iter().find_map(|event| match event {
            Event::BackedOff { instance, faults, kind, .. } if instance.as_str() == "dies" => Some((faults, kind)),
            _ => None,
        })
    };
    running(&supervisor, || {
        let (faults, kind) = until("it is backed off", PATIENCE, backed_off);
        assert_eq!((faults, kind), (3, ErrorKind::WorkerEnded));
        evaluated_again(&supervisor, HONEST, 20);
        let status = supervisor.status().unwrap();
        let dies = status.instances.iter().find(|one| one.instance.as_str() == "dies").unwrap();
        assert_eq!(dies.faults, 3, "it waits for two minutes");
    });
    drop(supervisor);
    scene.verify();
}
