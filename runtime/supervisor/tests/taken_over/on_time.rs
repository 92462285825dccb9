//! What other instances notice of a worker that was taken over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ansai_core::{ErrorKind, Event, Limits, Millis};
use ansai_events::Item;
use ansai_harness::until;
use ansai_supervisor::{Instance, Supervisor};

use crate::child;
use crate::scene::{HONEST, Scene, few, instance, instance_in};

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

/// Would break: an evaluation that waits for another one's worker, which is silent for ten minutes here, or floods. All share
/// their workers: which instance gets which of them does not matter.
pub(crate) fn others_are_on_time() {
    let scene = Scene::new();
    let patient = Limits { deadline_ms: 600_000, calls: 1_000_000, ..few() };
    let started = AtomicUsize::new(0);
    let workers = child::workers_that(move || {
        let behaviours = ["silent", "half-a-frame", "million-calls"];
        behaviours.get(started.fetch_add(1, Ordering::Relaxed)).copied().unwrap_or("honest")
    });
    let names = ["first", "second", "third", "fourth"];
    let due = |name| Instance { every: EVERY, ..instance_in(&workers, name, patient.clone()) };
    let supervisor = scene.open(names.map(due).into());
    supervisor.limit_evaluations(8);
    running(&supervisor, || {
        let mut events = supervisor.events().subscribe("test", 10_000);
        let mut seen = BTreeMap::<String, usize>::new();
        until("one of them is evaluated again and again", PATIENCE, || {
            while let Some(item) = events.try_next() {
                if let Item::Event(published) = item
                    && let Event::Observed { instance, .. } = &published.event
                {
                    *seen.entry(instance.as_str().to_owned()).or_default() += 1;
                }
            }
            seen.values().any(|times| *times >= 20).then_some(())
        });
        let never = names.into_iter().filter(|name| scene.evaluated(name).is_empty()).count();
        assert!(never >= 2, "{never}: two of the workers do not answer");
    });
    let has_failed = |name: &&str| scene.evaluated(name).iter().any(|one| one.kind.is_some());
    let failed = names.into_iter().filter(has_failed).count();
    // The end of ansai may be an error for the silent ones.
    assert!(failed <= 3, "{failed}: one of the workers is honest");
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
