//! Workers that are killed at each step of the protocol, while another instance goes on.

use crate::scene::{HONEST, Scene, few, instance};

/// When the worker ends, the code in the audit log, and how many calls the recording may have: the end can overtake a call that
/// was sent just before it.
const STEPS: &[(&str, Option<&str>, std::ops::RangeInclusive<usize>)] = &[
    ("dies", Some("worker-ended"), 0..=0),
    ("dies-in-a-frame", Some("worker-ended"), 0..=0),
    ("dies-after-a-call", Some("worker-ended"), 0..=1),
    ("dies-after-a-reply", Some("worker-ended"), 1..=1),
    // It has answered. The next evaluation has a new one.
    ("dies-after-the-end", None, 0..=0),
];

/// Would break: an evaluation that hangs with its worker, a call that is not recorded, or a worker that is not replaced.
pub(crate) fn a_worker_can_be_killed_at_each_step() {
    let scene = Scene::new();
    let names = STEPS.iter().map(|(name, ..)| *name).chain([HONEST]);
    let supervisor = scene.open(names.map(|name| instance(name, few())).collect());
    supervisor.limit_evaluations(2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(supervisor.run_once());
    for (name, kind, calls) in STEPS {
        let evaluated = scene.evaluated(name);
        let [one] = &evaluated[..] else { panic!("{name}: {evaluated:?}") };
        assert_eq!(one.kind.as_deref(), *kind, "{name}: {one:?}");
        let recording = scene.recording(one.recording.as_ref().unwrap());
        assert!(calls.contains(&recording.calls.len()), "{name}: {:?}", recording.calls);
    }
    // Each once more: a new worker does the same.
    let reports = runtime.block_on(supervisor.run_once());
    for (name, kind, _) in STEPS {
        let report = reports.iter().find(|report| report.instance.as_str() == *name).unwrap();
        let found = report.error_kind.map(|kind| kind.to_string());
        assert_eq!(found.as_deref(), *kind, "{name}: {report:?}");
    }
    assert!(scene.evaluated(HONEST).iter().all(|one| one.kind.is_none()));
    drop(supervisor);
    scene.verify();
}
