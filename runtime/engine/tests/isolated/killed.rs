//! Workers that are killed, and what they are kept for.

use std::path::Path;

use ansai_core::{InstanceName, Limits};
use ansai_engine::{Answer, EvaluationError, Policy};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::*;
use crate::*;

/// Waits until a process is gone: killed and reaped.
pub(crate) async fn gone(pid: i32) {
    while Path::new(&format!("/proc/{pid}")).exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Would break: a worker that ended is used for the next evaluation.
pub(crate) async fn a_worker_that_is_killed_between_evaluations_is_replaced() {
    let workers = child::workers("honest");
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    for _ in 0..3 {
        assert_eq!(detect(&policy, &limits()).await.answer, Ok(Answer::Observed(vec![])));
        let [pid] = workers.idle()[..] else { panic!("{:?}", workers.idle()) };
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        gone(pid).await;
    }
    assert_eq!(detect(&policy, &limits()).await.answer, Ok(Answer::Observed(vec![])));
}

/// Each evaluation starts one worker, which is all that a flood of crashes does; the supervisor evaluates a policy that fails
/// again and again less and less often.
pub(crate) async fn a_flood_of_crashes_is_one_error_for_each_evaluation() {
    let workers = child::workers("dies");
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    for _ in 0..10 {
        let answer = detect(&policy, &limits()).await.answer;
        assert!(matches!(answer, Err(EvaluationError::WorkerEnded(_))), "{answer:?}");
    }
    assert!(workers.idle().is_empty());
}

pub(crate) async fn a_worker_that_dies_while_it_loads_is_an_error_of_loading() {
    let workers = child::workers("dies-at-load");
    let error = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("no worker process"), "{error}");
    assert!(error.hint().contains("isolation = \"thread\""), "{}", error.hint());
}

/// Would break: a policy that is quarantined for a worker in which none of its code ran.
pub(crate) async fn a_worker_that_dies_while_it_loads_for_an_evaluation_is_a_fault_of_the_host() {
    let started = std::sync::atomic::AtomicUsize::new(0);
    let workers = child::workers_that(move || match started.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => "honest",
        _ => "dies-at-load",
    });
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    let [pid] = workers.idle()[..] else { panic!("{:?}", workers.idle()) };
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    gone(pid).await;
    let answer = detect(&policy, &limits()).await.answer;
    let Err(EvaluationError::Host(why)) = &answer else { panic!("{answer:?}") };
    assert!(why.starts_with("a worker process ended while it loaded a policy: "), "{why}");
}

/// Would break: a worker that goes on after its evaluation was given up.
pub(crate) async fn a_worker_whose_evaluation_is_dropped_is_ended() {
    let workers = child::workers("honest");
    let endless = policy("", "(loop $l (br $l))", "");
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &endless, None).unwrap();
    let [pid] = workers.idle()[..] else { panic!() };
    let patient = Limits { fuel: u64::MAX / 2, deadline_ms: 600_000, ..limits() };
    let began = async {
        while workers.idle() == [pid] {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    tokio::select! {
        _ = detect(&policy, &patient) => panic!("it never answers"),
        () = began => {}
    }
    gone(pid).await;
}

/// Would break: a worker that serves two trust levels, or an instance's own worker that serves others.
pub(crate) async fn a_worker_serves_one_compartment_only() {
    let workers = child::workers("honest");
    let engine = engine();
    let load = |trust| engine.load_isolated((&workers, trust), &lists(), None).unwrap();
    let unsigned = load(TrustLevel::Unsigned);
    let operator = load(TrustLevel::Operator);
    let builtin = load(TrustLevel::BuiltIn);
    let own = unsigned.clone().owned_by(&InstanceName::from_static("own"));
    let also = unsigned.clone();
    for policy in [&unsigned, &operator, &builtin, &own, &also, &own] {
        assert_eq!(detect(policy, &limits()).await.answer, Ok(Answer::Observed(vec![])));
    }
    assert_eq!(workers.idle().len(), 4);
}

/// Would break: a new version that runs in the worker of the version that it runs beside.
pub(crate) async fn a_shadow_shares_no_worker_with_what_it_runs_beside() {
    for name in [None, Some(InstanceName::from_static("own"))] {
        let workers = child::workers("honest");
        let loaded = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
        let pinned = name.iter().fold(loaded, Policy::owned_by);
        let shadow = pinned.clone().as_shadow();
        let mut seen = Vec::new();
        for policy in [&pinned, &shadow, &pinned, &shadow] {
            assert_eq!(detect(policy, &limits()).await.answer, Ok(Answer::Observed(vec![])));
            // The one that became idle last.
            seen.push(*workers.idle().last().unwrap());
        }
        let [pinned, shadow, again, shadow_again] = seen[..] else { panic!("{seen:?}") };
        assert_ne!(pinned, shadow);
        assert_eq!((pinned, shadow), (again, shadow_again));
    }
}

pub(crate) async fn a_worker_is_kept_after_ordinary_errors_and_ended_after_strange_ones() {
    let workers = child::workers("honest");
    let engine = engine();
    for (body, kept) in [
        ("unreachable", true),
        ("(loop $l (br $l))", true),
        ("(drop (i32.load (i32.const -4)))", true),
        // A list outside its memory.
        ("(i32.store (i32.const 1028) (i32.const -8)) (i32.store (i32.const 1032) (i32.const 9))", false),
    ] {
        let policy = engine.load_isolated((&workers, TrustLevel::Unsigned), &policy("", body, ""), None).unwrap();
        // Each load starts one, which is the first to be used.
        let started = *workers.idle().last().unwrap();
        let error = detect(&policy, &limits()).await.answer.unwrap_err();
        assert_eq!(workers.idle().contains(&started), kept, "{body}: {error:?}");
    }
}
