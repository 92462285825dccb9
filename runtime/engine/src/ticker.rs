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
/// How long no evaluation must run before memory is given back. Less, and evaluations that follow each other pay for it: what
/// they use has to be mapped again, a few hundred microseconds.
const REST: Duration = Duration::from_secs(2);
/// Wake up at least once a minute to notice that the engine was dropped.
const MAX_SLEEP: Duration = Duration::from_secs(60);

struct Shared {
    engine: wasmtime::Engine,
    running: AtomicUsize,
    /// Evaluations that ever began.
    begun: AtomicUsize,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

/// What is done once after evaluations, when none has run for some seconds: on the ticker's thread, which has nothing to do
/// then.
pub(crate) type AtRest = Arc<dyn Fn() + Send + Sync>;

/// Handle of the ticker, cheap to clone. The thread ends after the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Ticker(Arc<Shared>);

/// Keeps the epoch ticking until it is dropped.
pub(crate) struct TickGuard(Arc<Shared>);

impl Ticker {
    /// Starts the thread. Without it guest code would never yield, and the deadline could not stop a loop.
    pub(crate) fn new(engine: wasmtime::Engine, at_rest: Option<AtRest>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            engine,
            running: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            thread: OnceLock::new(),
        });
        let weak = Arc::downgrade(&shared);
        let handle = std::thread::Builder::new().name("epoch".into()).spawn(move || tick(&weak, at_rest.as_ref()))?;
        let _ = shared.thread.set(handle.thread().clone());
        Ok(Ticker(shared))
    }

    pub(crate) fn run(&self) -> TickGuard {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
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

fn tick(shared: &Weak<Shared>, at_rest: Option<&AtRest>) {
    let mut idle = 0_u32;
    // How many evaluations had begun when memory was given back.
    let mut rested = 0;
    loop {
        let Some(alive) = shared.upgrade() else { return };
        alive.engine.increment_epoch();
        // Read before `running`: an evaluation that begins in between is not one that is over.
        let begun = alive.begun.load(Ordering::SeqCst);
        idle = if alive.running.load(Ordering::SeqCst) == 0 { idle.saturating_add(1) } else { 0 };
        // Set before `running` is read again, so that an evaluation that begins in between either sees it or is seen.
        alive.asleep.store(idle >= IDLE_TICKS, Ordering::SeqCst);
        let sleeps = idle >= IDLE_TICKS && alive.running.load(Ordering::SeqCst) == 0;
        drop(alive);
        let Some(at_rest) = at_rest.filter(|_| sleeps && begun != rested) else {
            std::thread::park_timeout(if sleeps { MAX_SLEEP } else { TICK });
            continue;
        };
        std::thread::park_timeout(REST);
        // One that began meanwhile has woken this thread.
        if shared.upgrade().is_some_and(|alive| alive.begun.load(Ordering::SeqCst) == begun) {
            at_rest();
            rested = begun;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    /// Far longer than it takes.
    const LONG: Duration = Duration::from_secs(60);

    /// Would break: memory that is given back before anything ran, never, or again and again.
    #[test]
    fn after_each_row_of_evaluations_memory_is_given_back_once() {
        let (given, back) = channel();
        let given = Mutex::new(given);
        let at_rest: AtRest = Arc::new(move || given.lock().unwrap().send(()).unwrap());
        let ticker = Ticker::new(wasmtime::Engine::default(), Some(at_rest)).unwrap();
        for _ in 0..2 {
            // It has slept for longer than the pause.
            assert!(back.recv_timeout(REST * 2).is_err());
            let first = ticker.run();
            drop(ticker.run());
            drop(first);
            back.recv_timeout(LONG).unwrap();
        }
    }

    /// Would break: memory that is given back while an evaluation needs it.
    #[test]
    fn while_an_evaluation_runs_nothing_is_given_back() {
        let (given, back) = channel();
        let given = Mutex::new(given);
        let at_rest: AtRest = Arc::new(move || given.lock().unwrap().send(()).unwrap());
        let ticker = Ticker::new(wasmtime::Engine::default(), Some(at_rest)).unwrap();
        let running = ticker.run();
        assert!(back.recv_timeout(REST * 2).is_err());
        drop(running);
        back.recv_timeout(LONG).unwrap();
    }
}
