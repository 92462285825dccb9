//! Policies from a few lines of WebAssembly text, and a backend that answers from a list.

use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{Bytes, InstanceName, Limits, Scope, Timestamp};
use ansai_engine::{Compiler, Engine};
use ansai_harness::guest::in_world;
use ansai_host_functions::live::{Live, LiveHost};
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory, WallClock};
use ansai_kit::host::Host;

/// Names of the functions that a guest may import, as the canonical ABI names them.
pub(crate) const WORLD: &str = r#"
package ansai:test;
world guest {
  include ansai:policy/policy@0.2.0;
  import ansai:disk/disk-probe@0.2.0;
  import ansai:disk/disk-check-actions@0.2.0;
}
"#;

/// Imports of functions, as core modules have them.
pub(crate) const NOW: &str = r#"(import "ansai:policy/context@0.2.0" "now" (func $now (result i64)))"#;
pub(crate) const LIST: &str = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;
pub(crate) const CHECK: &str = r#"(import "ansai:disk/disk-check-actions@0.2.0" "check-available"
    (func $check (param i32 i32 i64 i32 i32 i32)))"#;

/// A component with this core module inside. A memory and an allocator are added.
pub(crate) fn component(body: &str) -> Vec<u8> {
    component_for(WORLD, body)
}

/// The same for another world.
pub(crate) fn component_for(world: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {body}
        (memory (export "memory") 2)
        (global $top (mut i32) (i32.const 65536))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
          (local $at i32)
          (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
          (global.set $top (i32.add (local.get $at) (local.get 3)))
          (local.get $at)))"#
    );
    in_world(world, &text)
}

/// `detect` and `plan` with these bodies; both get a zeroed place for the result at 1024: `ok` of an empty list.
pub(crate) fn policy(imports: &str, detect: &str, plan: &str) -> Vec<u8> {
    component(&format!(
        r#"{imports}
        (func (export "detect") (result i32) {detect} i32.const 1024)
        (func (export "plan") (param i32) (result i32) {plan} i32.const 1024)"#
    ))
}

pub(crate) fn engine() -> Engine {
    Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess).expect("engine")
}

pub(crate) fn context() -> Context {
    Context {
        local_time: WallClock { minute_of_day: 60, weekday: 0, utc_offset_minutes: 0 },
        settings: Arc::new(serde_json::json!({"a": {"b": 1}})),
        ..Context::at(Timestamp::from_millis(1_790_000_000_000))
    }
}

/// The live backend of this machine, with everything granted that has no scope.
pub(crate) fn live(phase: Phase, granted: &[&str]) -> Live {
    let live_host =
        LiveHost::new(Host::at("/"), ansai_host_functions::builtin(), 2, std::time::Duration::from_secs(10));
    let scopes = granted.iter().map(|name| (name.parse().unwrap(), Scope::default().into())).collect();
    Live::new(
        live_host,
        InstanceName::from_static("test"),
        Arc::new(scopes),
        EvaluationState::new(phase, context(), Arc::new(NoMemory)),
    )
}

/// Small limits, so that tests end soon.
pub(crate) fn limits() -> Limits {
    Limits { memory_bytes: Bytes::from_mib(4), fuel: 5_000_000, deadline_ms: 5_000, ..Limits::default() }
}
