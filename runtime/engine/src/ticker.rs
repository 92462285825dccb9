//! Advances the epoch while evaluations run, so that endless guest code yields; sleeps when none does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Thread;
use std::time::Duration;

/// How long guest code runs before others get a turn.
const TICK: Duration = Duration::from_millis(10);
/// Ticks without an evaluation before the thread sleeps: waking it costs more than a small evaluation.
const IDLE_TICKS: u32 = 100;
/// No sleep for ever: the engine may have been dropped meanwhile.
const SLEEP: Duration = Duration::from_secs(60);

struct Shared {
    engine: wasmtime::Engine,
    running: AtomicUsize,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

/// Cheap to clone; the thread ends when the last clone is gone.
#[derive(Clone)]
pub(crate) struct Ticker(Arc<Shared>);

/// An evaluation runs while this lives.
pub(crate) struct Ticking(Arc<Shared>);

impl Ticker {
    /// Fails without a thread: nothing would yield then, and the wall-clock limit alone could not stop a loop.
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

    pub(crate) fn run(&self) -> Ticking {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        if self.0.asleep.load(Ordering::SeqCst)
            && let Some(thread) = self.0.thread.get()
        {
            thread.unpark();
        }
        Ticking(self.0.clone())
    }
}

impl Drop for Ticking {
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
        // Said before it is looked at again, so that an evaluation that begins in between either sees it or is seen.
        alive.asleep.store(idle >= IDLE_TICKS, Ordering::SeqCst);
        let sleeps = idle >= IDLE_TICKS && alive.running.load(Ordering::SeqCst) == 0;
        drop(alive);
        std::thread::park_timeout(if sleeps { SLEEP } else { TICK });
    }
}
