//! A worker gives what this process gives, for policies that behave and for such as do not.

use ansai_engine::Engine;

use crate::support::*;
use crate::*;

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
