//! Many evaluations at the same time, and how a worker is kept small and fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ansai_engine::Answer;
use ansai_harness::until;

use crate::support::*;
use crate::*;

const EVALUATIONS: usize = 200;

/// Would break: evaluations that wait for the processor and have more and more processes started, which takes more of it.
pub(crate) async fn many_short_evaluations_share_a_few_workers() {
    let started = Arc::new(AtomicUsize::new(0));
    let count = started.clone();
    let workers = child::workers_that(move || {
        count.fetch_add(1, Ordering::Relaxed);
        "honest"
    });
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..EVALUATIONS {
        let policy = policy.clone();
        running.spawn(async move { detect(&policy, &limits()).await.answer });
    }
    while let Some(answer) = running.join_next().await {
        assert_eq!(answer.unwrap(), Ok(Answer::Observed(vec![])));
    }
    let started = started.load(Ordering::Relaxed);
    // At the beginning, one for each core.
    let most = (EVALUATIONS / 4).max(cores() + 20);
    assert!(started < most, "{started} workers for {EVALUATIONS} evaluations");
}

fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

/// Would break: policies that wait for their probes, and get no more workers than the machine has cores, because one becomes
/// free again and again.
pub(crate) async fn evaluations_that_wait_for_something_else_get_more_workers() {
    let started = Arc::new(AtomicUsize::new(0));
    let count = started.clone();
    let workers = child::workers_that(move || {
        count.fetch_add(1, Ordering::Relaxed);
        "takes-a-moment"
    });
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    let mut running = tokio::task::JoinSet::new();
    let patient = Limits { deadline_ms: 60_000, ..limits() };
    // With a worker for each core, they take 1.6 s.
    for _ in 0..40 * cores() {
        let (policy, limits) = (policy.clone(), patient.clone());
        running.spawn(async move { detect(&policy, &limits).await.answer });
    }
    while let Some(answer) = running.join_next().await {
        assert_eq!(answer.unwrap(), Ok(Answer::Observed(vec![])));
    }
    let started = started.load(Ordering::Relaxed);
    assert!(started > cores(), "{started} workers on {} cores", cores());
}

/// Would break: processor time that one policy has a worker use after its evaluation, and the next policy is charged with.
pub(crate) async fn what_a_worker_uses_without_work_is_charged_to_nobody() {
    let workers = child::workers("busy-without-work");
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    assert!(detect(&policy, &limits()).await.answer.is_ok());
    let [pid] = workers.idle()[..] else { panic!("{:?}", workers.idle()) };
    let used = until("it waits for work again", Duration::from_secs(60), || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        (fields[0] == "S" && ticks >= 20).then(|| Duration::from_millis(10 * ticks))
    });
    let evaluation = detect(&policy, &limits()).await;
    assert!(evaluation.answer.is_ok());
    assert_eq!(workers.idle(), [pid]);
    assert!(evaluation.elsewhere < used / 2, "{:?} of {used:?}", evaluation.elsewhere);
}

/// Would break: an evaluation that waits for ever behind one that was dropped while it waited.
pub(crate) async fn who_gives_up_waiting_gives_up_the_place() {
    let workers = child::workers("honest");
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    for _ in 0..20 {
        let mut running = tokio::task::JoinSet::new();
        for number in 0..10 {
            let policy = policy.clone();
            running.spawn(async move {
                let limits = limits();
                let evaluation = detect(&policy, &limits);
                match number % 2 {
                    0 => evaluation.await.answer.is_ok(),
                    // It is polled a few times, and then dropped.
                    _ => tokio::select! {
                        biased;
                        done = evaluation => done.answer.is_ok(),
                        () = async { for _ in 0..number { tokio::task::yield_now().await } } => true,
                    },
                }
            });
        }
        while let Some(answer) = running.join_next().await {
            assert!(answer.unwrap());
        }
    }
}

/// Would break: a pool of memory that does not fit into the limits of a worker, so that each evaluation maps its memory anew.
pub(crate) async fn a_worker_has_a_pool_of_memory() {
    let workers = child::workers("honest");
    let policy = engine().load_isolated((&workers, TrustLevel::Unsigned), &lists(), None).unwrap();
    assert!(detect(&policy, &limits()).await.answer.is_ok());
    let [pid] = workers.idle()[..] else { panic!("{:?}", workers.idle()) };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    // Memories that nobody uses are reserved.
    assert!(kib > 64 << 20, "{kib} KiB");
}
