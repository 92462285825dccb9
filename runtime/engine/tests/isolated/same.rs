//! A worker gives what this process gives, for policies that behave and for such as do not.

use std::sync::Arc;

use ansai_engine::Engine;
use ansai_engine::component::inspect;
use ansai_engine::memory::MemoryInit;
use ansai_kit::evaluation_state::EvaluationState;

use crate::support::*;
use crate::*;
use ansai_engine::Answer;

/// Would break: an answer, an error, a figure or a recorded call that depends on where the guest runs.
pub(crate) async fn a_worker_gives_what_this_process_gives() {
    let workers = child::workers("honest");
    let engine: Engine = engine();
    let now = "(drop (call $now))";
    let cases = [
        "",
        now,
        "(loop $l (drop (call $now)) (br $l))",
        "(loop $l (br $l))",
        "unreachable",
        "(drop (i32.load (i32.const -4)))",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(call $f)",
        "(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))",
        "(i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 1))",
        "(i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 0x7fffffff))",
    ];
    for body in cases {
        let bytes = policy(&format!("{NOW} (func $f (call $f))"), body, "");
        let here = detect(&engine.load(&bytes).unwrap(), &limits()).await;
        let isolated = engine.load_isolated((&workers, TrustLevel::Unsigned), &bytes, None).unwrap();
        let there = detect(&isolated, &limits()).await;
        assert_eq!(here.answer, there.answer, "{body}");
        let text = |evaluation: &Evaluation<Live>| serde_json::to_string(&evaluation.calls).unwrap();
        assert_eq!(text(&here), text(&there), "{body}");
        // How deep a guest gets before its stack is full depends on where the stack begins.
        let is_deep = body == "(call $f)";
        let usage = |Evaluation { usage, .. }: Evaluation<Live>| ansai_core::Usage {
            wall_us: 0,
            fuel: if is_deep { 0 } else { usage.fuel },
            ..usage
        };
        assert_eq!(usage(here), usage(there), "{body}");
    }
}

/// Would break: a worker that copies data, so that a replay in another process reports other fuel.
pub(crate) async fn much_data_costs_the_same_fuel_everywhere() {
    let workers = child::workers("honest");
    let engine: Engine = engine();
    let data = format!(r#"(data (i32.const 4096) "{}")"#, "x".repeat(1 << 20));
    let reads = "(if (i32.ne (i32.load8_u (i32.const 1000000)) (i32.const 120)) (then unreachable))
        (i32.store8 (i32.const 1000000) (i32.const 121))";
    let memory = r#"(memory (export "memory") 32)"#;
    let text = format!(
        r#"(module {data} {memory}
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "detect") (result i32) {reads} i32.const 1024)
        (func (export "plan") (param i32) (result i32) i32.const 1024))"#
    );
    let bytes = ansai_harness::guest::in_world(WORLD, &text);
    assert_eq!(inspect(&bytes).unwrap().memory, MemoryInit::Mapped);
    let small = engine.load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    let here = engine.load(&bytes).unwrap();
    let there = engine.load_isolated((&workers, TrustLevel::Unsigned), &bytes, None).unwrap();
    // In the worker that loaded both, and in new ones: one that has run guest code makes no memory files.
    for _ in 0..2 {
        assert_eq!(detect(&small, &limits()).await.answer, Ok(Answer::Observed(vec![])));
        for _ in 0..3 {
            let (here, there) = (detect(&here, &limits()).await, detect(&there, &limits()).await);
            assert_eq!(there.answer, Ok(Answer::Observed(vec![])));
            assert_eq!((here.answer, here.usage.fuel), (there.answer, there.usage.fuel));
        }
        for worker in workers.idle() {
            let pid = rustix::process::Pid::from_raw(worker).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            killed::gone(worker).await;
        }
    }
}

/// Functions of the store, the series and the log, as core modules import them.
pub(crate) const BASE: &str = r#"
    (import "ansai:policy/context@0.2.0" "now" (func $now (result i64)))
    (import "ansai:policy/log@0.2.0" "write" (func $log (param i32 i32 i32)))
    (import "ansai:policy/store@0.2.0" "get" (func $get (param i32 i32 i32)))
    (import "ansai:policy/store@0.2.0" "set" (func $set (param i32 i32 i32 i32 i32)))
    (import "ansai:policy/store@0.2.0" "remove" (func $remove (param i32 i32 i32)))
    (import "ansai:policy/series@0.2.0" "append" (func $append (param i32 i32 f64 i32)))
    (import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))
    (data (i32.const 512) "old-key-and-other-texts-of-this-guest")"#;

/// A store with one key.
struct OneKey;

impl ansai_kit::evaluation_state::Memory for OneKey {
    fn get(&self, key: &str) -> Result<Option<String>, ansai_core::Refusal> {
        Ok((key == "old-key").then(|| "value".to_owned()))
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, ansai_core::Refusal> {
        Ok(vec![("old-key".into(), 5)])
    }
    fn samples(
        &self,
        _: &str,
        _: std::ops::Range<ansai_core::Timestamp>,
    ) -> Result<Vec<ansai_kit::policy::aggregate::Aggregate>, ansai_core::Refusal> {
        Ok(vec![])
    }
    fn series(&self) -> Result<Vec<String>, ansai_core::Refusal> {
        Ok(vec!["old".into()])
    }
    fn history(
        &self,
        _: &ansai_core::Subject,
        _: ansai_core::Timestamp,
        _: usize,
    ) -> Result<Vec<ansai_core::Attempt>, ansai_core::Refusal> {
        Ok(vec![])
    }
}

/// With a store that has one key.
pub(crate) fn with_a_key() -> Live {
    let mut live = live(Phase::Detect, &["ansai:disk/disk-probe"]);
    live.base = EvaluationState::new(Phase::Detect, context(), Arc::new(OneKey)).limited(&limits());
    live
}

/// Would break: calls that the worker answers itself and that are recorded, refused, counted or kept differently.
pub(crate) async fn calls_that_a_worker_answers_itself_leave_the_same() {
    let workers = child::workers("honest");
    let engine: Engine = engine();
    let get = "(call $get (i32.const 512) (i32.const 7) (i32.const 2048))";
    let set = "(call $set (i32.const 520) (i32.const 3) (i32.const 512) (i32.const 9) (i32.const 2048))";
    let log = "(call $log (i32.const 1) (i32.const 512) (i32.const 20))";
    let large = "(call $set (i32.const 520) (i32.const 3) (i32.const 4096) (i32.const 60000) (i32.const 2048))";
    let too_large = "(call $set (i32.const 520) (i32.const 3) (i32.const 4096) (i32.const 66000) (i32.const 2048))";
    let remove = "(call $remove (i32.const 512) (i32.const 7) (i32.const 2048))";
    let append = "(call $append (i32.const 512) (i32.const 7) (f64.const 0.1) (i32.const 2048))";
    let nameless = "(call $append (i32.const 512) (i32.const 0) (f64.const 0.1) (i32.const 2048))";
    let list = "(call $list (i32.const 4096))";
    let cases = [
        [get, set, log, get, remove, get].concat(),
        [log, list, log, append, nameless, "unreachable"].concat(),
        [large, get, too_large, log, list].concat(),
        [log, set, "(loop $l (br $l))"].concat(),
        format!("(loop $l {log} (br $l))"),
        format!("(loop $l {append} {get} (br $l))"),
    ];
    for body in &cases {
        let bytes = policy(BASE, body, "");
        let here = engine.load(&bytes).unwrap().detect(with_a_key(), &few_calls()).await;
        let isolated = engine.load_isolated((&workers, TrustLevel::Unsigned), &bytes, None).unwrap();
        let there = isolated.detect(with_a_key(), &few_calls()).await;
        assert_eq!(here.answer, there.answer, "{body}");
        // What a file system has free changes.
        let stable = |evaluation: &Evaluation<Live>| -> Vec<String> {
            let calls = evaluation.calls.iter().filter(|call| &*call.function != "list-filesystems");
            calls.map(|call| serde_json::to_string(call).unwrap()).collect()
        };
        assert_eq!(stable(&here), stable(&there), "{body}");
        assert_eq!((here.calls.len(), here.usage.proposals), (there.calls.len(), there.usage.proposals), "{body}");
        assert_eq!(here.usage.refused_calls, there.usage.refused_calls, "{body}");
        if !body.contains("$list") {
            assert_eq!(
                (here.usage.fuel, here.usage.reply_bytes),
                (there.usage.fuel, there.usage.reply_bytes),
                "{body}"
            );
        }
        let left = |evaluation: Evaluation<Live>| {
            let (_, state) = evaluation.backend.unwrap().finish();
            (state.writes, state.log, state.log_dropped)
        };
        assert_eq!(left(here), left(there), "{body}");
    }
}

fn few_calls() -> ansai_core::Limits {
    ansai_core::Limits { calls: 1_000, ..limits() }
}
