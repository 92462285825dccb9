//! Each attack of a worker is one evaluation in the audit log, with its reason and with the calls that were answered.

use ansai_engine::RecordedReply;
use ansai_harness::peak_memory;

use crate::scene::{HONEST, Scene, few, instance, soon};

/// What all attacks together may cost: two at a time, each at most one frame, received and read once.
const MOST_BYTES: u64 = 64 << 20;

/// A behaviour, the code and a part of the reason in the audit log, and the number of calls in the recording.
type Attack = (&'static str, &'static str, &'static str, usize);

const BROKEN: &str = "worker-ended";

const ATTACKS: &[Attack] = &[
    // Calls outside the component, of another evaluation, in a form that two readers read differently.
    ("not-imported", BROKEN, "a call of `ansai:files/files-probe`, which the component does not import", 0),
    ("with-version", BROKEN, "which the component does not import", 0),
    ("two-readers", BROKEN, "arguments that no guest can send", 0),
    ("with-spaces", BROKEN, "arguments that no guest can send", 0),
    ("other-number", BROKEN, "a call of another evaluation", 0),
    ("number-before", BROKEN, "a call of another evaluation", 0),
    ("done-other-number", BROKEN, "the end of another evaluation", 0),
    // Out of order.
    ("loaded-again", BROKEN, "a frame at the wrong time", 0),
    ("sequence-again", BROKEN, "protocol error", 0),
    ("decides-in-detect", BROKEN, "the answer of another export", 0),
    ("aborted", BROKEN, "an end that only the supervisor can cause", 0),
    // Sizes and numbers.
    ("gigabyte", BROKEN, "a frame of 1073741824 bytes", 0),
    ("over-budget", BROKEN, "the limit is", 0),
    ("million-calls", BROKEN, "over budget: 100 calls in one evaluation", 100),
    ("many-observations", "contract", "1001 observations, at most 1000", 0),
    ("garbage", BROKEN, "invalid frame", 0),
    ("deep", BROKEN, "invalid frame", 0),
    ("descriptor", BROKEN, "protocol error", 0),
    ("closes", BROKEN, "closed the channel", 0),
    ("dies", BROKEN, "closed the channel", 0),
    // Never an answer.
    ("half-a-frame", "deadline", "1500 ms", 0),
    ("silent", "deadline", "1500 ms", 0),
    ("no-function", "deadline", "1500 ms", 0),
    ("not-granted", "deadline", "1500 ms", 1),
];

/// Would break: an attack that is only in the log of the daemon, a reason that is not recorded, calls that are lost, or an
/// instance that is not evaluated because of others.
pub(crate) fn everything_is_in_the_audit_log_and_memory_is_bounded() {
    let scene = Scene::new();
    let of = |(name, kind, ..): &Attack| instance(name, if *kind == "deadline" { soon() } else { few() });
    let mut instances: Vec<_> = ATTACKS.iter().map(of).collect();
    instances.push(instance(HONEST, few()));
    let supervisor = scene.open(instances);
    supervisor.limit_evaluations(2);
    let before = peak_memory(std::process::id());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let reports = runtime.block_on(supervisor.run_once());
    let grown = peak_memory(std::process::id()).saturating_sub(before);
    eprintln!("all attacks: {} KiB", grown >> 10);
    assert!(grown < MOST_BYTES, "{grown} bytes");
    assert_eq!(reports.len(), ATTACKS.len() + 1);
    for (name, kind, reason, calls) in ATTACKS {
        let evaluated = scene.evaluated(name);
        let [one] = &evaluated[..] else { panic!("{name}: {evaluated:?}") };
        assert_eq!(one.kind.as_deref(), Some(*kind), "{name}: {one:?}");
        assert!(one.said.starts_with(r#"{"aborted""#) && one.said.contains(reason), "{name}: {one:?}");
        let recording = scene.recording(one.recording.as_ref().unwrap());
        assert_eq!(recording.calls.len(), *calls, "{name}");
        let is_refused = |reply: &RecordedReply| matches!(reply, RecordedReply::Refused(_));
        assert!(recording.calls.iter().all(|call| is_refused(&call.reply)), "{name}: {:?}", recording.calls);
    }
    let honest = scene.evaluated(HONEST);
    assert!(honest.len() == 1 && honest[0].kind.is_none(), "{honest:?}");
    let is_step = |event: &ansai_core::Event| event.plan().is_some();
    assert!(!scene.events().iter().any(is_step), "nothing was planned, so nothing is done");
    drop(supervisor);
    scene.verify();
}
