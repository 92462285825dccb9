//! Random calls: by guests with a generated list of calls, and by guests made of random instructions.

use ansai_core::{Bytes, Limits};
use ansai_fuzz::random::Random;
use ansai_harness::guest::{of_module, of_text};

use crate::guest::{Contract, text};
use crate::rounds::{case, generated, rounds};
use crate::scene::{Scene, Seen};

/// Number of guests in one round.
const GUESTS: usize = 250;
const MODULES: usize = 200;

/// Limits that are usually sufficient and sometimes exceeded.
fn limits(random: &mut Random) -> Limits {
    let mut pick = |ample: u64, tight: u64| if random.once_in(5) { tight } else { ample };
    Limits {
        fuel: pick(20_000_000, 30_000),
        memory_bytes: Bytes::new(pick(64 << 20, 5 << 20)),
        deadline_ms: 60_000,
        call_deadline_ms: 10_000,
        calls: pick(1_000, 5),
        argument_bytes: Bytes::new(pick(1 << 20, 100)),
        reply_bytes: Bytes::new(pick(16 << 20, 2_000)),
        proposals: u32::try_from(pick(100, 2)).unwrap(),
        observations: 100,
        series: 64,
    }
}

#[test]
fn random_calls_stay_within_the_grant() {
    let contract = Contract::read();
    rounds("random calls", |seed| {
        let scene = Scene::new();
        let mut seen = Seen::default();
        for index in 0..GUESTS {
            let mut random = Random::new(seed, index as u64);
            seen += case(index, || {
                let policy = scene.engine.load(&of_text(&text(&contract, &scene, &mut random, 12))).unwrap();
                let grant = scene.grant(&mut random);
                scene.evaluate(&policy, &grant, &limits(&mut random))
            });
        }
        println!("seed {seed}: {seen:?}");
        assert!(seen.is_worth_something(), "{seen:?}");
        scene.check_unchanged();
    });
}

/// Imports and exports of a random module: those of a policy, and enough functions to call.
const SHAPE: &str = r#"(module
  (import "ansai:policy/context@0.2.0" "now" (func (result i64)))
  (import "ansai:policy/context@0.2.0" "settings" (func (param i32)))
  (import "ansai:policy/log@0.2.0" "write" (func (param i32 i32 i32)))
  (import "ansai:policy/series@0.2.0" "append" (func (param i32 i32 f64 i32)))
  (import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func (param i32)))
  (import "ansai:disk/disk-check-actions@0.2.0" "check-available" (func (param i32 i32 i64 i32 i32 i32)))
  (import "ansai:files/files-probe@0.2.0" "largest-directories" (func (param i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 2 20)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "detect") (result i32) unreachable)
  (func (export "plan") (param i32) (result i32) unreachable))"#;

#[test]
fn random_code_ends_with_an_error_kind() {
    let shape = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(shape.path(), wat::parse_str(SHAPE).unwrap()).unwrap();
    rounds("random code", |seed| {
        let scene = Scene::new();
        for (index, module) in generated("modules", seed, MODULES, Some(shape.path())).into_iter().enumerate() {
            let mut random = Random::new(seed, index as u64);
            case(index, || {
                let policy = scene.engine.load(&of_module(module, "", Default::default())).unwrap();
                let limits = Limits { fuel: 1_000_000, ..limits(&mut random) };
                scene.evaluate(&policy, &scene.grant(&mut random), &limits);
            });
        }
        scene.check_unchanged();
    });
}
