//! Advances the epoch while evaluations run, so that endless guest code yields; sleeps when none does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long guest code runs before others get a turn.
const TICK: Duration = Duration::from_millis(10);

struct Shared {
    engine: wasmtime::Engine,
    running: AtomicUsize,
    thread: std::sync::OnceLock<std::thread::Thread>,
}

/// Cheap to clone; the thread ends when the last clone is gone.
#[derive(Clone)]
pub(crate) struct Ticker(Arc<Shared>);

/// An evaluation runs while this lives.
pub(crate) struct Ticking(Arc<Shared>);

impl Ticker {
    pub(crate) fn new(engine: wasmtime::Engine) -> Self {
        let shared = Arc::new(Shared { engine, running: AtomicUsize::new(0), thread: std::sync::OnceLock::new() });
        let weak = Arc::downgrade(&shared);
        // Without the thread nothing would yield: the wall-clock limit alone could not stop a loop.
        let spawned = std::thread::Builder::new().name("epoch".into()).spawn(move || tick(&weak));
        if let Ok(handle) = spawned {
            let _ = shared.thread.set(handle.thread().clone());
        }
        Ticker(shared)
    }

    pub(crate) fn run(&self) -> Ticking {
        if self.0.running.fetch_add(1, Ordering::AcqRel) == 0
            && let Some(thread) = self.0.thread.get()
        {
            thread.unpark();
        }
        Ticking(self.0.clone())
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

fn tick(shared: &Weak<Shared>) {
    loop {
        let Some(alive) = shared.upgrade() else { return };
        let idle = alive.running.load(Ordering::Acquire) == 0;
        if !idle {
            alive.engine.increment_epoch();
        }
        drop(alive);
        // A long sleep and no wait for ever: the engine may have been dropped meanwhile.
        std::thread::park_timeout(if idle { Duration::from_secs(60) } else { TICK });
    }
}
