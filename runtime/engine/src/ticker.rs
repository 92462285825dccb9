//! The epoch ticker: a thread that advances the epoch while evaluations run, so that endless guest code yields. It sleeps
//! while no evaluation runs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Thread;
use std::time::Duration;

/// How long guest code runs before it yields.
const TICK: Duration = Duration::from_millis(10);
/// Ticks without an evaluation before the thread sleeps. Waking it costs as much as a tick, so it stays awake between
/// evaluations that follow each other closely. After longer, each tick costs more than it saves: with ten small instances, a
/// second of ticks was a third of what ansai used.
const IDLE_TICKS: u32 = 3;
/// Wake up at least once a minute to notice that the engine was dropped.
const MAX_SLEEP: Duration = Duration::from_secs(60);

struct Shared {
    engine: wasmtime::Engine,
    running: AtomicUsize,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

/// Handle of the ticker, cheap to clone. The thread ends after the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Ticker(Arc<Shared>);

/// Keeps the epoch ticking until it is dropped.
pub(crate) struct TickGuard(Arc<Shared>);

impl Ticker {
    /// Starts the thread. Without it guest code would never yield, and the deadline could not stop a loop.
    pub(crate) fn new(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            engine,
            running: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            thread: OnceLock::new(),
        });
        let weak = Arc::downgrade(&shared);
        let handle = std::thread::Builder::new().name("epoch".into()).spawn(move || tick(&weak))?;
        let _ = shared.thread.set(handle.thread().clone());
        Ok(Ticker(shared))
    }

    pub(crate) fn run(&self) -> TickGuard {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        if self.0.asleep.load(Ordering::SeqCst)
            && let Some(thread) = self.0.thread.get()
        {
            thread.unpark();
        }
        TickGuard(self.0.clone())
    }
}

impl Drop for TickGuard {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(shared: &Weak<Shared>) {
    let mut idle = 0;
    loop {
        let Some(alive) = shared.upgrade() else { return };
        alive.engine.increment_epoch();
        idle = if alive.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        // Set before `running` is read again, so that an evaluation that begins in between either sees it or is seen.
        alive.asleep.store(idle >= IDLE_TICKS, Ordering::SeqCst);
        let sleeps = idle >= IDLE_TICKS && alive.running.load(Ordering::SeqCst) == 0;
        drop(alive);
        std::thread::park_timeout(if sleeps { MAX_SLEEP } else { TICK });
    }
}
