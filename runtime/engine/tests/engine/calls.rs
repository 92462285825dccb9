//! Calls that misbehave, or whose answers do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::support::*;
use ansai_core::event::Phase;
use ansai_core::{
    Bytes, InstanceName, Interface, InterfaceKind, InterfaceName, Limits, Preview, Refusal, Scope, Sensitivity,
    Subject, Timestamp, Value,
};
use ansai_engine::compile::Compiler;
use ansai_engine::engine::ENGINE_VERSION;
use ansai_engine::recording::RECORDING_VERSION;
use ansai_engine::replay::{Replayed, replay};
use ansai_engine::{Answer, Engine, Evaluation, EvaluationError, Policy, RecordedReply, Recording};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_kit::backend::{self, Backend};
use ansai_kit::call::{Call, NoArguments};
use ansai_kit::evaluation_state::{EvaluationState, NoMemory};
use ansai_kit::function::{Costly, Probe};
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::registry::{Body, Function, InterfaceDef};
use serde_json::value::RawValue;

const LIST: &str = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;
const APPEND: &str = r#"(import "ansai:policy/series@0.2.0" "append" (func $append (param i32 i32 f64 i32)))"#;

/// Never answers.
struct Silent;

impl Backend for Silent {
    fn ask<'a>(&'a mut self, _: Call<'a>) -> backend::Answer<'a> {
        backend::Answer::Later(Box::pin(std::future::pending()))
    }
}

#[tokio::test]
async fn a_backend_that_never_answers_is_not_waited_for() {
    let policy = engine().load(&policy(LIST, "(call $list (i32.const 2048))", "")).unwrap();
    let impatient = Limits { call_deadline_ms: 1, ..limits() };
    let evaluation = policy.detect(Silent, &impatient).await;
    assert_eq!(evaluation.answer, Ok(Answer::Observed(vec![])), "a call that hangs is refused, and no more");
    let RecordedReply::Refused(refusal) = &evaluation.calls[0].reply else { panic!() };
    assert!(matches!(refusal, Refusal::TimedOut(_)), "{refusal}");
    let impatient = Limits { deadline_ms: 50, ..limits() };
    let evaluation = policy.detect(Silent, &impatient).await;
    assert_eq!(evaluation.answer, Err(EvaluationError::Deadline(50)));
}

/// Answers that there are no file systems, in so many bytes more than needed.
struct Wordy(usize);

const NO_FILESYSTEMS: &str = r#"{"entries":[],"skipped":0}"#;

impl Backend for Wordy {
    fn ask<'a>(&'a mut self, _: Call<'a>) -> backend::Answer<'a> {
        let text = NO_FILESYSTEMS.replacen(',', &format!(",{}", " ".repeat(self.0)), 1);
        backend::Answer::Now(Ok(Ok(RawValue::from_string(text).unwrap().into())))
    }
}

#[tokio::test]
async fn each_call_and_each_byte_is_paid_for_with_fuel() {
    let twice = "(call $list (i32.const 2048)) (call $list (i32.const 2048))";
    let twice = engine().load(&policy(LIST, twice, "")).unwrap();
    let plain = twice.detect(Wordy(0), &limits()).await;
    let wordy = twice.detect(Wordy(100), &limits()).await;
    assert_eq!(plain.answer, Ok(Answer::Observed(vec![])));
    let bytes = 2 * ("{}".len() + NO_FILESYSTEMS.len()) as u64;
    assert_eq!((plain.usage.reply_bytes.get(), wordy.usage.reply_bytes.get()), (bytes, bytes + 200));
    assert_eq!(wordy.usage.fuel - plain.usage.fuel, 200);
    assert!((1_000 + bytes..1_500 + bytes).contains(&plain.usage.fuel), "{}", plain.usage.fuel);
}

#[tokio::test]
async fn bytes_are_bounded_to_the_byte() {
    let twice = "(call $list (i32.const 2048)) (call $list (i32.const 2048))";
    let twice = engine().load(&policy(LIST, twice, "")).unwrap();
    let one = Bytes::from("{}".len() + NO_FILESYSTEMS.len());
    for (limits, refused) in [
        (Limits { argument_bytes: Bytes::new(2), ..limits() }, 0),
        (Limits { argument_bytes: Bytes::new(1), ..limits() }, 2),
        // What is used up is found out by the next call.
        (Limits { reply_bytes: one, ..limits() }, 0),
        (Limits { reply_bytes: one - Bytes::new(1), ..limits() }, 1),
        (Limits { calls: 1, ..limits() }, 1),
    ] {
        let evaluation = twice.detect(Wordy(0), &limits).await;
        let usage = &evaluation.usage;
        assert_eq!((usage.refused_calls, usage.calls), (refused, 2 - refused), "{limits:?}");
    }
}

/// Refuses the first proposal, and answers all else.
struct Fussy(bool);

impl Backend for Fussy {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> backend::Answer<'a> {
        let reply = if call.function == "list-filesystems" {
            NO_FILESYSTEMS.to_owned()
        } else if std::mem::replace(&mut self.0, true) {
            serde_json::to_string(&Preview::nothing(Subject::new("filesystem", "/"))).unwrap()
        } else {
            return backend::Answer::Now(Ok(Err(Refusal::Busy(String::new()))));
        };
        backend::Answer::Now(Ok(Ok(RawValue::from_string(reply).unwrap().into())))
    }
}

#[tokio::test]
async fn only_proposals_that_were_taken_count() {
    let imports = format!(
        r#"{LIST} (import "ansai:disk/disk-check-actions@0.2.0" "check-available"
            (func $check (param i32 i32 i64 i32 i32 i32)))"#
    );
    let check = "(call $check (i32.const 0) (i32.const 0) (i64.const 1) (i32.const 0) (i32.const 0) (i32.const 2048))";
    let calls = format!("(call $list (i32.const 4096)) {check} {check} {check}");
    let policy = engine().load(&policy(&imports, &calls, "")).unwrap();
    let limits = Limits { proposals: 1, ..limits() };
    let evaluation = policy.detect(Fussy(false), &limits).await;
    let usage = &evaluation.usage;
    assert_eq!((usage.proposals, usage.calls, usage.refused_calls), (1, 3, 1), "{:?}", evaluation.answer);
}

static RELEASED: AtomicBool = AtomicBool::new(false);

/// As on a file system that hangs: it does not look at its deadline.
fn hang(_: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
    while !RELEASED.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

static HANG: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:test/hang-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "hang",
        fields: &[],
    },
    doctor: &[],
    functions: &[Function { name: "hang", checks: &[], body: Body::Probe(&Probe(hang)) }],
};

#[tokio::test]
async fn a_probe_that_hangs_is_left_behind_and_others_are_answered() {
    const WORLD: &str = "package ansai:test@0.2.0; interface hang-probe { hang: func(); }
        world guest { include ansai:policy/policy@0.2.0; import hang-probe; import ansai:disk/disk-probe@0.2.0; }";
    let plan = "(param i32)";
    let hanging = component_for(
        WORLD,
        &format!(
            r#"(import "ansai:test/hang-probe@0.2.0" "hang" (func $hang))
            (func (export "detect") (result i32) (call $hang) i32.const 1024)
            (func (export "plan") {plan} (result i32) i32.const 1024)"#
        ),
    );
    let registry = ansai_host_functions::builtin().with(&HANG);
    let engine = Engine::new(registry.clone(), None, Compiler::InProcess).unwrap();
    let live_host = LiveHost::new(Host::at("/"), registry, 2, Duration::from_millis(10));
    let live = |granted: &str| {
        let scopes = [(granted.parse().unwrap(), Scope::default().into())].into_iter().collect();
        let state = EvaluationState::new(Phase::Detect, context(), Arc::new(NoMemory));
        Live::new(live_host.clone(), InstanceName::from_static("test"), Arc::new(scopes), state)
    };
    let (hanging, other) =
        (engine.load(&hanging).unwrap(), engine.load(&policy(LIST, "(call $list (i32.const 2048))", "")).unwrap());
    let limits = limits();
    let (hung, answered) = tokio::join!(
        hanging.detect(live("ansai:test/hang-probe"), &limits),
        other.detect(live("ansai:disk/disk-probe"), &limits)
    );
    RELEASED.store(true, Ordering::SeqCst);
    let Err(EvaluationError::Budget(text)) = &hung.answer else { panic!("{:?}", hung.answer) };
    assert!(text.contains("timed out: ansai:test/hang-probe did not answer"), "{text}");
    assert!(matches!(answered.calls[0].reply, RecordedReply::Ok(_)), "{:?}", answered.calls[0].reply);
}

static ANSWERED: AtomicU32 = AtomicU32::new(0);

fn answered(_: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
    ANSWERED.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

static COSTLY: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:test/costly-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "cost",
        fields: &[],
    },
    doctor: &[],
    functions: &[
        Function { name: "cheap", checks: &[], body: Body::Probe(&Probe(answered)) },
        Function { name: "dear", checks: &[], body: Body::Scan(&Costly { probe: answered, cost: |_| 1_000_000 }) },
    ],
};

/// Would break: a gate that charges for the bytes of a call only, or after the host has done the work.
#[tokio::test]
async fn work_of_the_host_is_paid_for_before_it_is_done() {
    const WORLD: &str = "package ansai:test@0.2.0; interface costly-probe { cheap: func(); dear: func(); }
        world guest { include ansai:policy/policy@0.2.0; import costly-probe; }";
    let registry = ansai_host_functions::builtin().with(&COSTLY);
    let engine = Engine::new(registry.clone(), None, Compiler::InProcess).unwrap();
    let policy = |function: &str| {
        let body = format!(
            r#"(import "ansai:test/costly-probe@0.2.0" "{function}" (func $ask))
            (func (export "detect") (result i32) (call $ask) (call $ask) i32.const 1024)
            (func (export "plan") (param i32) (result i32) i32.const 1024)"#
        );
        engine.load(&component_for(WORLD, &body)).unwrap()
    };
    let live = || {
        let live_host = LiveHost::new(Host::at("/"), registry.clone(), 2, Duration::from_secs(10));
        let scopes = [("ansai:test/costly-probe".parse().unwrap(), Scope::default().into())].into_iter().collect();
        let state = EvaluationState::new(Phase::Detect, context(), Arc::new(NoMemory));
        Live::new(live_host, InstanceName::from_static("test"), Arc::new(scopes), state)
    };
    let (cheap, dear) = (policy("cheap"), policy("dear"));
    let cheap = cheap.detect(live(), &limits()).await;
    let whole = dear.detect(live(), &limits()).await;
    assert_eq!((&cheap.answer, &whole.answer), (&Ok(Answer::Observed(vec![])), &Ok(Answer::Observed(vec![]))));
    assert_eq!(whole.usage.fuel - cheap.usage.fuel, 2_000_000);
    let (replayed, _) = replay(&dear, &recording(&dear, &limits(), &whole)).await;
    assert_eq!(replayed, Replayed::Identical { fuel_compared: true });
    let before = ANSWERED.load(Ordering::SeqCst);
    let poor = Limits { fuel: 1_500_000, ..limits() };
    assert_eq!(dear.detect(live(), &poor).await.answer, Err(EvaluationError::Fuel(1_500_000)));
    assert_eq!(ANSWERED.load(Ordering::SeqCst) - before, 1, "the second call is not begun");
}

fn recording(policy: &Policy, limits: &Limits, evaluation: &Evaluation<Live>) -> Recording {
    Recording {
        version: RECORDING_VERSION,
        engine: ENGINE_VERSION.into(),
        component: policy.info().digest.clone(),
        instance: InstanceName::from_static("test"),
        phase: Phase::Detect,
        trigger: "schedule".into(),
        at: Timestamp::from_millis(1),
        finding: None,
        limits: limits.clone(),
        calls: evaluation.calls.clone(),
        end: evaluation.end(),
        fuel: evaluation.usage.fuel,
    }
}

#[tokio::test]
async fn what_the_gate_refuses_is_counted_and_replayed_but_not_kept() {
    let nan = "(call $append (i32.const 16) (i32.const 1) (f64.const nan) (i32.const 2048))";
    let list = "(call $list (i32.const 2048))".repeat(5);
    let bytes = policy(&format!("{APPEND} {LIST}"), &format!("{nan} {list}"), "");
    let policy = engine().load(&bytes).unwrap();
    let frugal = Limits { calls: 3, ..limits() };
    let evaluation = policy.detect(live(Phase::Detect, &["ansai:disk/disk-probe"]), &frugal).await;
    assert_eq!(evaluation.answer, Ok(Answer::Observed(vec![])));
    assert_eq!((evaluation.calls.len(), evaluation.usage.refused_calls), (3, 3));
    let (replayed, _) = replay(&policy, &recording(&policy, &frugal, &evaluation)).await;
    assert_eq!(replayed, Replayed::Identical { fuel_compared: true });
}

#[tokio::test]
async fn a_call_that_cannot_be_written_is_paid_for_too() {
    let nan = "(call $append (i32.const 65536) (i32.const 60000) (f64.const nan) (i32.const 2048))";
    let text = "(memory.fill (i32.const 65536) (i32.const 97) (i32.const 60000))";
    let evaluation = {
        let policy = engine().load(&policy(APPEND, &format!("{text} {nan} {nan}"), "")).unwrap();
        policy.detect(live(Phase::Detect, &[]), &limits()).await
    };
    assert_eq!(evaluation.usage.refused_calls, 2);
    // The filling costs as much as one of them.
    assert!(evaluation.usage.fuel > 3 * 60_000, "{}", evaluation.usage.fuel);
}

/// Answers each function with its own reply.
struct Prepared(&'static [(&'static str, Result<&'static str, &'static str>)]);

impl Backend for Prepared {
    fn ask<'a>(&'a mut self, call: Call<'a>) -> backend::Answer<'a> {
        let (_, reply) = self.0.iter().find(|(function, _)| *function == call.function).unwrap();
        backend::Answer::Now(Ok(match reply {
            Ok(text) => Ok(RawValue::from_string((*text).to_owned()).unwrap().into()),
            Err(why) => Err(Refusal::NotFound((*why).to_owned())),
        }))
    }
}

/// The first entry has its fields in another order; one text is escaped, one is empty.
const TWO: &str = r#"{"skipped": 7, "entries": [
    {"total-bytes": 18446744073709551615, "mount": "/\u00e9", "about": {"name": "", "kind": "file system"},
     "inodes": {"free": 3, "total": 4}, "reserved-bytes": 5, "available-bytes": 6, "remote": false,
     "read-only": true, "device": "/dev/\"a\"", "kind": "ext4"},
    {"about": {"kind": "b", "name": "c"}, "mount": "/d", "kind": "e", "device": "f", "read-only": false,
     "remote": true, "total-bytes": 1, "available-bytes": 2, "reserved-bytes": 3,
     "inodes": {"total": 4, "free": 4294967297}}]}"#;

/// Stores a count as evidence at an address: a measure without a name.
fn measure(address: u32, count: &str) -> String {
    format!("(i64.store (i32.const {}) {count})", address + 16)
}

#[tokio::test]
async fn every_part_of_a_reply_reaches_the_memory_of_the_guest() {
    // The reply is at 4096, its first entry where 4100 says. The observation is at 2048, its evidence at 3072.
    let text = |from: u32, to: u32| {
        format!("(i64.store (i32.const {to}) (i64.load offset={from} (i32.load (i32.const 4100))))")
    };
    let number = |offset: u32| format!("(i64.load offset={offset} (i32.load (i32.const 4100)))");
    let flag = |offset: u32| format!("(i64.load8_u offset={offset} (i32.load (i32.const 4100)))");
    let parts = [
        "(call $list (i32.const 4096))".to_owned(),
        "(i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 1))".to_owned(),
        text(16, 2048),
        text(0, 2056),
        text(8, 2064),
        text(32, 2084),
        "(i32.store (i32.const 2092) (i32.const 3072)) (i32.store (i32.const 2096) (i32.const 7))".to_owned(),
        measure(3072, &number(48)),
        measure(3104, &number(88)),
        measure(3136, &flag(40)),
        measure(3168, &flag(41)),
        measure(3200, &number(96 + 88)),
        measure(3232, &flag(96 + 41)),
        measure(3264, "(i64.load32_u (i32.const 4108))"),
    ];
    let policy = engine().load(&policy(LIST, &parts.concat(), "")).unwrap();
    let evaluation = policy.detect(Prepared(&[("list-filesystems", Ok(TWO))]), &limits()).await;
    let Ok(Answer::Observed(seen)) = evaluation.answer else { panic!("{:?}", evaluation.answer) };
    let [seen] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((seen.key.as_str(), seen.summary.as_str()), ("/é", "/dev/\"a\""));
    assert_eq!(seen.about, Subject::new("file system", ""));
    let counts: Vec<Value> = seen.evidence.iter().map(|measure| measure.value.clone()).collect();
    assert_eq!(counts, [u64::MAX, 3, 1, 0, 4_294_967_297, 1, 7].map(Value::Count));
    let RecordedReply::Ok(recorded) = &evaluation.calls[0].reply else { panic!() };
    assert_eq!(recorded.get(), TWO);
}

/// A component whose answer has the text at an address as its only key.
fn key_at(address: u32, imports: &str, call: &str) -> Policy {
    let answer = format!(
        "{call} (i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 1))
        (i64.store (i32.const 2048) (i64.load (i32.const {address})))"
    );
    engine().load(&policy(imports, &answer, "")).unwrap()
}

#[tokio::test]
async fn refusals_and_plain_results_reach_the_memory_of_the_guest() {
    let settings = r#"(import "ansai:policy/context@0.2.0" "settings" (func $settings (param i32)))"#;
    let get = r#"(import "ansai:policy/store@0.2.0" "get" (func $get (param i32 i32 i32)))"#;
    let history = r#"(import "ansai:policy/context@0.2.0" "history" (func $history (param i32 i32 i32 i32 i64 i32)))"#;
    for (policy, backend, key) in [
        (
            key_at(
                4104,
                LIST,
                "(call $list (i32.const 4096)) (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 1)) (then unreachable))",
            ),
            Prepared(&[("list-filesystems", Err("/é"))]),
            "/é",
        ),
        (
            key_at(4096, settings, "(call $settings (i32.const 4096))"),
            Prepared(&[("settings", Ok(r#""{\"a\":1}""#))]),
            r#"{"a":1}"#,
        ),
        (
            key_at(4104, get, "(call $get (i32.const 0) (i32.const 0) (i32.const 4096))"),
            Prepared(&[("get", Ok(r#""value""#))]),
            "value",
        ),
        (
            key_at(
                4104,
                get,
                "(call $get (i32.const 0) (i32.const 0) (i32.const 4096)) (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 1)) (then unreachable))",
            ),
            Prepared(&[("get", Err("gone"))]),
            "gone",
        ),
        (
            key_at(
                4104,
                history,
                "(call $history (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 4096))
                (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 1)) (then unreachable))",
            ),
            Prepared(&[("history", Err("broken"))]),
            "broken",
        ),
        // Through a dynamic value.
        (
            key_at(
                4104,
                APPEND,
                "(call $append (i32.const 0) (i32.const 0) (f64.const 1) (i32.const 4096))
                (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 1)) (then unreachable))",
            ),
            Prepared(&[("append", Err("full"))]),
            "full",
        ),
    ] {
        let evaluation = policy.detect(backend, &limits()).await;
        let Ok(Answer::Observed(seen)) = &evaluation.answer else { panic!("{key}: {:?}", evaluation.answer) };
        assert_eq!(seen.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), [key]);
    }
}

#[tokio::test]
async fn a_reply_of_another_type_is_a_failure_of_the_host() {
    let policy = engine().load(&policy(LIST, "(call $list (i32.const 4096))", "")).unwrap();
    for (reply, why) in [
        (r#"{"entries":[]}"#, "field `skipped` is missing"),
        (r#"{"entries":[],"skipped":-1}"#, "invalid value"),
        (r#"{"entries":{},"skipped":0}"#, "expected a list"),
        ("[]", "expected a record"),
    ] {
        let evaluation = policy.detect(Text(reply), &limits()).await;
        let Err(EvaluationError::Host(text)) = &evaluation.answer else { panic!("{reply}: {:?}", evaluation.answer) };
        assert!(text.contains("ansai:disk/disk-probe.list-filesystems") && text.contains(why), "{text}");
        assert_eq!(evaluation.calls.len(), 1);
    }
}

/// Answers everything with one text.
struct Text(&'static str);

impl Backend for Text {
    fn ask<'a>(&'a mut self, _: Call<'a>) -> backend::Answer<'a> {
        backend::Answer::Now(Ok(Ok(RawValue::from_string(self.0.to_owned()).unwrap().into())))
    }
}
