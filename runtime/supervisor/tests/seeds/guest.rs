//! The component of the instances. Its code never runs: the simulation evaluates in its place.

use std::sync::OnceLock;

use ansai_engine::{Compiler, Engine, Policy};
use ansai_harness::guest::in_world;

const WIT: &str = "package ansai:test@0.2.0; world guest { include ansai:policy/policy@0.2.0; }";
const MODULE: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "detect") (result i32) unreachable)
  (func (export "plan") (param i32) (result i32) unreachable))"#;

/// Compiled once in this process.
pub(crate) fn policy() -> Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    let load = || {
        let engine = Engine::new(ansai_host_functions::builtin(), None, Compiler::InProcess).unwrap();
        engine.load(&in_world(WIT, MODULE)).unwrap()
    };
    POLICY.get_or_init(load).clone()
}
