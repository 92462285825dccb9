//! Places for guests are used again: nothing that one evaluation leaves may be seen by the next.

use std::collections::BTreeSet;

use crate::support::*;
use ansai_core::Limits;
use ansai_core::event::Phase;
use ansai_engine::component::inspect;
use ansai_engine::memory::Memory;
use ansai_engine::{Answer, Compiler, Engine, EvaluationError, Policy};

/// Traps (`unreachable`) when memory, table or global hold anything that the component itself has not put there, then
/// leaves something everywhere. `$own` bytes from 131072 on are the component's data.
fn nosy(data: &str, first_word: u64) -> Vec<u8> {
    policy(
        &format!(
            r#"(table $table 5000 funcref)
            (global $mark (mut i64) (i64.const 7))
            (elem declare func $mark_all)
            {data}
            (func $clean (local $at i32)
              (if (i64.ne (global.get $mark) (i64.const 7)) (then unreachable))
              (if (i64.ne (i64.load (i32.const 4096)) (i64.const {first_word})) (then unreachable))
              (local.set $at (i32.const 4104))
              (loop $words
                (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br_if $words (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
              (local.set $at (i32.const 0))
              (loop $elements
                (if (i32.eqz (ref.is_null (table.get $table (local.get $at)))) (then unreachable))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br_if $elements (i32.lt_u (local.get $at) (i32.const 5000)))))
            (func $mark_all
              (memory.fill (i32.const 0) (i32.const 0xaa) (i32.mul (memory.size) (i32.const 65536)))
              (memory.fill (i32.const 1024) (i32.const 0) (i32.const 16))
              (table.fill $table (i32.const 0) (ref.func $mark_all) (i32.const 5000))
              (global.set $mark (i64.const 9)))"#
        ),
        // What is grown is part of the place too, and lies beyond what stays resident.
        "(drop (memory.grow (i32.const 30))) (call $clean) (call $mark_all)",
        "",
    )
}

/// Answers the fuel.
async fn sees_nothing(policy: &Policy) -> u64 {
    let enough = Limits { fuel: 100_000_000, ..limits() };
    let evaluation = policy.detect(live(Phase::Detect, &[]), &enough).await;
    assert_eq!(evaluation.answer, Ok(Answer::Observed(vec![])), "something was left from another evaluation");
    evaluation.usage.fuel
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_for_the_next_evaluation() {
    let engine = engine();
    let empty = engine.load(&nosy("", 0)).unwrap();
    let filled =
        engine.load(&nosy(r#"(data (i32.const 4096) "\01\02\03\04\05\06\07\08")"#, 0x0807_0605_0403_0201)).unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (empty, filled) = (empty.clone(), filled.clone());
            tokio::spawn(async move {
                for round in 0..40 {
                    sees_nothing(if (round + task) % 3 == 0 { &filled } else { &empty }).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// One that is stopped in the middle leaves nothing either.
#[tokio::test]
async fn nothing_is_left_by_one_that_was_stopped() {
    let engine = engine();
    let nosy = engine.load(&nosy("", 0)).unwrap();
    let dirty = "(memory.fill (i32.const 0) (i32.const 0xaa) (i32.const 131072)) (loop $l (br $l))";
    let stopped = engine.load(&policy("", dirty, "")).unwrap();
    for _ in 0..20 {
        let evaluation = stopped.detect(live(Phase::Detect, &[]), &limits()).await;
        assert_eq!(evaluation.answer, Err(EvaluationError::Fuel(limits().fuel)));
        sees_nothing(&nosy).await;
    }
}

/// Memory that is mapped is made anew each time: what one evaluation writes reaches neither the next one nor the compiled
/// code, and how it begins costs the same fuel wherever that comes from.
#[tokio::test]
async fn nothing_is_written_to_what_is_mapped() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let much = format!(r#"(data (i32.const 4096) "\01\02\03\04\05\06\07\08") (data "{}")"#, "x".repeat(1 << 20));
    let bytes = nosy(&much, 0x0807_0605_0403_0201);
    assert_eq!(inspect(&bytes).unwrap().memory, Memory::Mapped);
    let compiled = || {
        let files = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
        let code = files.filter(|path| path.extension().is_some_and(|extension| extension == "bin"));
        code.map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    let (mut kept, mut fuel) = (Vec::new(), BTreeSet::new());
    for _ in ["compiled", "from the cache"] {
        let engine = Engine::new(ansai_host_functions::builtin(), Some(&cache), Compiler::InProcess).unwrap();
        let policy = engine.load(&bytes).unwrap();
        kept.push(compiled());
        for _ in 0..20 {
            fuel.insert(sees_nothing(&policy).await);
        }
        kept.push(compiled());
    }
    assert_eq!(kept[0].len(), 1);
    assert!(kept.iter().all(|code| *code == kept[0]), "the compiled code has changed");
    assert_eq!(fuel.len(), 1, "{fuel:?}");
}

/// Data that is copied costs fuel for each byte, data that is mapped does not.
#[tokio::test]
async fn much_data_costs_no_fuel() {
    let fuel = async |segments: usize| {
        let data = format!(r#"(data (i32.const 4096) "{}")"#, "x".repeat(120_000)).repeat(segments);
        let policy = engine().load(&policy(&data, "", "")).unwrap();
        let evaluation = policy.detect(live(Phase::Detect, &[]), &limits()).await;
        assert_eq!(evaluation.answer, Ok(Answer::Observed(vec![])));
        evaluation.usage.fuel
    };
    let (copied, mapped) = (fuel(4).await, fuel(5).await);
    assert!(copied > 480_000 && mapped < 10_000, "{copied} and {mapped}");
}

/// More evaluations than there are places wait for their turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_there_are_places_wait() {
    let policy = engine().load(&policy("", "", "")).unwrap();
    let many: Vec<_> = (0..1_000)
        .map(|_| {
            let policy = policy.clone();
            tokio::spawn(async move { policy.detect(live(Phase::Detect, &[]), &limits()).await.answer })
        })
        .collect();
    for one in many {
        assert_eq!(one.await.unwrap(), Ok(Answer::Observed(vec![])));
    }
}
