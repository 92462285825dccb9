//! Scans beside other calls: a long one holds up nobody, and ends when nobody waits for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ansai_core::event::Phase;
use ansai_core::{InstanceName, Interface, InterfaceKind, InterfaceName, Refusal, Scope, Sensitivity, Timestamp};
use ansai_host_functions::live::{Live, LiveHost};
use ansai_kit::backend::{Answer, Backend as _};
use ansai_kit::call::{Call, NoArguments, Reply};
use ansai_kit::evaluation_state::{Context, EvaluationState, NoMemory};
use ansai_kit::function::Probe;
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::registry::{Body, Function, InterfaceDef};
use serde_json::value::RawValue;

/// Scans run until somebody made a quick call, or nobody waits any more.
static QUICK: AtomicBool = AtomicBool::new(false);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
/// Whether the last scan ended because nobody waited for it.
static CANCELLED: AtomicBool = AtomicBool::new(false);
static ORDER: Mutex<Vec<&str>> = Mutex::new(Vec::new());

static SCANS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("test:scans/scans-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "wait",
        fields: &[],
    },
    doctor: &[],
    functions: &[
        Function { name: "scan", checks: &[], body: Body::Scan(&Probe(scan)) },
        Function { name: "share", checks: &[], body: Body::Scan(&Probe(share)) },
        Function { name: "free", checks: &[], body: Body::Scan(&Probe(|_, _: NoArguments| Ok(()))) },
        Function { name: "stuck", checks: &[], body: Body::Scan(&Probe(stuck)) },
        Function { name: "quick", checks: &[], body: Body::Probe(&Probe(quick)) },
    ],
};

fn scan(ask: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
    RUNNING.fetch_add(1, Ordering::SeqCst);
    while !QUICK.load(Ordering::SeqCst) && !ask.deadline.is_over() {
        std::thread::sleep(Duration::from_millis(1));
    }
    ORDER.lock().unwrap().push("scan");
    CANCELLED.store(ask.deadline.is_cancelled(), Ordering::SeqCst);
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

fn share(ask: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
    let given = ask.deadline.remaining().as_millis();
    GIVEN.store(u64::try_from(given).unwrap(), Ordering::SeqCst);
    Ok(())
}

/// A system call that does not return, whatever its deadline.
fn stuck(_: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
    STUCK.fetch_add(1, Ordering::SeqCst);
    while !LET_GO.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(1));
    }
    STUCK.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

fn quick(_: &ProbeContext<'_>, _: NoArguments) -> Result<(), Refusal> {
    ORDER.lock().unwrap().push("quick");
    QUICK.store(true, Ordering::SeqCst);
    Ok(())
}

static STUCK: AtomicUsize = AtomicUsize::new(0);
static LET_GO: AtomicBool = AtomicBool::new(false);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_never_return_take_no_thread_from_the_others() {
    const THREADS: usize = 2;
    const SPARE: usize = 16;
    let registry = ansai_host_functions::builtin().with(&SCANS);
    let shared = LiveHost::new(Host::at("/"), registry, THREADS, Duration::from_millis(20));
    // One after the other takes the only place of scans, and is left behind.
    for left_behind in 1..=SPARE {
        assert!(matches!(call(shared.clone(), "stuck").await, Err(Refusal::TimedOut(_))));
        assert_eq!(STUCK.load(Ordering::SeqCst), left_behind);
        assert_eq!((shared.pool.available_permits(), shared.scans.available_permits()), (THREADS, THREADS - 1));
    }
    assert!(call(shared.clone(), "free").await.is_ok());
    // Their number is bounded: the next one keeps its place.
    assert!(call(shared.clone(), "stuck").await.is_err());
    assert_eq!((shared.pool.available_permits(), shared.scans.available_permits()), (THREADS - 1, THREADS - 2));
    assert!(call(shared.clone(), "stuck").await.is_err());
    assert_eq!(STUCK.load(Ordering::SeqCst), SPARE + 1);
    LET_GO.store(true, Ordering::SeqCst);
    until(|| STUCK.load(Ordering::SeqCst) == 0 && shared.spare.available_permits() == SPARE).await;
    assert!(call(shared.clone(), "free").await.is_ok());
}

async fn call(shared: LiveHost, function: &'static str) -> Reply {
    call_within(shared, function, Duration::from_secs(600)).await
}

async fn call_within(shared: LiveHost, function: &'static str, evaluation: Duration) -> Reply {
    let scopes = [(SCANS.interface.name.clone(), Scope::default().into())].into();
    let context = Context::at(Timestamp::from_millis(1_790_000_000_000));
    let base = EvaluationState::new(Phase::Detect, context, Arc::new(NoMemory));
    let mut live =
        Live::new(shared, InstanceName::from_static("test"), Arc::new(scopes), base).ending_after(evaluation);
    let arguments = Arc::from(RawValue::from_string("{}".into()).unwrap());
    let answer = live.ask(Call { interface: &SCANS.interface.name, function, arguments: &arguments });
    match answer {
        Answer::Now(reply) => reply.unwrap(),
        Answer::Later(later) => later.await.unwrap(),
    }
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// How much time a scan was given, milliseconds.
static GIVEN: AtomicU64 = AtomicU64::new(0);

/// One test: its parts share what the scans look at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_scans_hold_up_nobody() {
    const THREADS: usize = 3;
    let registry = ansai_host_functions::builtin().with(&SCANS);
    let shared = LiveHost::new(Host::at("/"), registry, THREADS, Duration::from_secs(30));
    // Four evaluations scan, which is more than there are threads. Each of them would go on for the whole of its time.
    let scans: Vec<_> = (0..4).map(|_| tokio::spawn(call(shared.clone(), "scan"))).collect();
    until(|| RUNNING.load(Ordering::SeqCst) > 0).await;
    assert!(call(shared.clone(), "quick").await.is_ok());
    for scan in scans {
        assert!(scan.await.unwrap().is_ok());
    }
    assert_eq!(ORDER.lock().unwrap().first(), Some(&"quick"), "it waited for the scans");

    // An evaluation that is ended takes its scan with it; the thread comes back when the scan has really ended.
    QUICK.store(false, Ordering::SeqCst);
    let scan = tokio::spawn(call(shared.clone(), "scan"));
    until(|| RUNNING.load(Ordering::SeqCst) == 1).await;
    assert_eq!((shared.pool.available_permits(), shared.scans.available_permits()), (THREADS - 1, THREADS - 2));
    scan.abort();
    assert!(scan.await.unwrap_err().is_cancelled());
    until(|| RUNNING.load(Ordering::SeqCst) == 0).await;
    assert!(CANCELLED.load(Ordering::SeqCst), "it went on until its time was over");
    until(|| shared.pool.available_permits() == THREADS && shared.scans.available_permits() == THREADS - 1).await;

    // An evaluation that has not long to go is not used up by one scan.
    assert!(call_within(shared.clone(), "share", Duration::from_secs(9)).await.is_ok());
    assert!(GIVEN.load(Ordering::SeqCst) <= 3000);
    assert!(call_within(shared.clone(), "share", Duration::from_secs(600)).await.is_ok());
    assert!(GIVEN.load(Ordering::SeqCst) > 3000);
}
