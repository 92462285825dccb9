//! System calls that may never return, on threads that can be left behind.
//!
//! A call is named by what may keep it waiting: a mount, or a process. At most one call of a name runs. If it does not
//! return in time, its thread is left behind, and nobody calls that name again until the thread has returned. So what
//! hangs costs one thread, once, and never one of the shared pool.

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::Refusal;

/// How long a call may take before its thread is left behind.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);
/// The same for a step of a sweep in which another one did not return.
const SHORT: Duration = Duration::from_millis(250);
/// The least that a call gets that had to wait for its turn.
const LEAST: Duration = Duration::from_millis(250);
/// The most threads that run or are left behind.
const MOST: usize = 64;
/// How often who waits for a sweep looks at its progress.
const TICK: Duration = Duration::from_millis(50);
/// Calls are shallow.
const STACK: usize = 256 << 10;

/// Why a call has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hung {
    /// It did not return in time.
    Now,
    /// An earlier call has not returned yet.
    Still,
    /// There are no more threads.
    NoThread,
}

impl Hung {
    /// As the answer of a probe about this.
    pub(crate) fn refusal(self, what: impl fmt::Display) -> Refusal {
        match self {
            Hung::Now => Refusal::TimedOut(format!("{what} does not answer")),
            Hung::Still => Refusal::Unavailable(format!("{what} has not answered an earlier call yet")),
            Hung::NoThread => Refusal::Busy(format!("{what} was not asked: too many other calls hang")),
        }
    }
}

/// The names of the calls that run; true for one that was left behind.
static RUNNING: Running = Running { names: Mutex::new(None), changed: Condvar::new() };

struct Running {
    names: Mutex<Option<HashMap<String, bool>>>,
    changed: Condvar,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, Option<HashMap<String, bool>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_no_thread(&self) -> bool {
        self.lock().get_or_insert_default().len() >= MOST
    }

    fn ended(&self, name: &str) {
        self.lock().get_or_insert_default().remove(name);
        self.changed.notify_all();
    }

    fn is_left_behind(&self, name: &str) -> bool {
        self.lock().get_or_insert_default().get(name) == Some(&true)
    }
}

/// Removes a name when its call has returned, or panicked.
struct Ends(String);

impl Drop for Ends {
    fn drop(&mut self) {
        RUNNING.ended(&self.0);
    }
}

/// A call that runs.
struct Pending<T> {
    name: String,
    result: Receiver<T>,
    until: Instant,
}

impl<T> Pending<T> {
    fn wait(self) -> Result<T, Hung> {
        match self.result.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
            Ok(found) => Ok(found),
            // It panicked, or returned just now.
            Err(RecvTimeoutError::Disconnected) => Err(Hung::Now),
            Err(RecvTimeoutError::Timeout) => {
                let mut names = RUNNING.lock();
                if let Some(left_behind) = names.get_or_insert_default().get_mut(&self.name) {
                    *left_behind = true;
                    RUNNING.changed.notify_all();
                }
                Err(Hung::Now)
            }
        }
    }
}

/// A call and its name.
pub(crate) struct Call<T> {
    pub(crate) name: String,
    pub(crate) work: Box<dyn FnOnce() -> T + Send>,
}

impl<T: Send + 'static> Call<T> {
    pub(crate) fn new(name: impl Into<String>, work: impl FnOnce() -> T + Send + 'static) -> Call<T> {
        Call { name: name.into(), work: Box::new(work) }
    }

    /// Runs it once no other call of its name runs, if that is before `until`.
    fn start(self, until: Instant) -> Result<Pending<T>, Hung> {
        let mut names = RUNNING.lock();
        loop {
            let running = names.get_or_insert_default();
            match running.get(&self.name) {
                Some(true) => return Err(Hung::Still),
                None if running.len() < MOST => break,
                Some(false) | None => {}
            }
            let why = if running.contains_key(&self.name) { Hung::Still } else { Hung::NoThread };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(why);
            }
            names = RUNNING.changed.wait_timeout(names, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        names.get_or_insert_default().insert(self.name.clone(), false);
        drop(names);
        let Call { name, work } = self;
        let (ends, (send, result)) = (Ends(name.clone()), sync_channel(1));
        let run = move || {
            let found = work();
            // First, so that who gets the result can call again at once.
            drop(ends);
            let _ = send.send(found);
        };
        spawn(run)?;
        Ok(Pending { name, result, until: until.max(Instant::now() + LEAST) })
    }

    fn is_free(&self) -> bool {
        let mut names = RUNNING.lock();
        let running = names.get_or_insert_default();
        !running.contains_key(&self.name) && running.len() < MOST
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> Result<(), Hung> {
    let thread = std::thread::Builder::new().name("ansai-detached".into()).stack_size(STACK);
    thread.spawn(run).map(drop).map_err(|_| Hung::NoThread)
}

/// Makes one call.
///
/// # Errors
/// If it does not return within [`LIMIT`].
pub(crate) fn call<T: Send + 'static>(
    name: impl Into<String>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Hung> {
    Call::new(name, work).start(Instant::now() + LIMIT)?.wait()
}

/// Makes several calls at the same time, each within `limit`. One that has to wait for its turn delays none of the
/// others.
pub(crate) fn all<T: Send + 'static>(calls: Vec<Call<T>>, limit: Duration) -> Vec<Result<T, Hung>> {
    let until = Instant::now() + limit;
    let start = |call: Call<T>| if call.is_free() { Ok(call.start(until)) } else { Err(call) };
    let first: Vec<_> = calls.into_iter().map(start).collect();
    let started: Vec<_> = first.into_iter().map(|one| one.unwrap_or_else(|waiting| waiting.start(until))).collect();
    started.into_iter().map(|pending| pending?.wait()).collect()
}

/// The state of a sweep, shared with its thread.
struct Progress<R> {
    /// The number of the item that is worked on.
    at: usize,
    results: Vec<(usize, Option<R>)>,
    has_ended: bool,
    /// Nobody waits for the thread any more.
    is_left_behind: bool,
}

/// Works on items one after the other, on one thread, and on a further one after each item that does not return: such
/// an item has no result, and is not worked on again until its thread has returned. `take` gets each item with its
/// result. False if `is_over` ended the sweep.
pub(crate) fn sweep<I, R>(
    items: Vec<I>,
    name: fn(&I) -> String,
    step: impl Fn(&I) -> R + Send + Sync + 'static,
    is_over: &dyn Fn() -> bool,
    mut take: impl FnMut(&I, Option<R>),
) -> bool
where
    I: Send + Sync + 'static,
    R: Send + 'static,
{
    let (items, step) = (Arc::new(items), Arc::new(step));
    let (mut next, mut limit) = (0, LIMIT);
    while next < items.len() {
        if is_over() {
            return false;
        }
        let progress = Progress { at: next, results: Vec::new(), has_ended: false, is_left_behind: false };
        let progress = Arc::new((Mutex::new(progress), Condvar::new()));
        let thread = Worker { items: items.clone(), step: step.clone(), name, progress: progress.clone() };
        if RUNNING.has_no_thread() || spawn(move || thread.run(next)).is_err() {
            items.iter().skip(next).for_each(|item| take(item, None));
            return true;
        }
        let (mut at, mut since) = (next, Instant::now());
        loop {
            let (lock, changed) = &*progress;
            let state = lock.lock().unwrap_or_else(PoisonError::into_inner);
            let mut state = changed
                .wait_timeout_while(state, TICK, |state| !state.has_ended)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if state.at != at {
                (at, since) = (state.at, Instant::now());
            }
            let hangs = !state.has_ended && since.elapsed() >= limit;
            let has_ended = state.has_ended;
            let over = !has_ended && is_over();
            state.is_left_behind = hangs || over;
            if state.is_left_behind
                && let Some(item) = items.get(at)
            {
                // The thread removes it when it has returned.
                RUNNING.lock().get_or_insert_default().insert(name(item), true);
            }
            let results = std::mem::take(&mut state.results);
            drop(state);
            for (number, result) in results {
                next = number + 1;
                if let Some(item) = items.get(number) {
                    take(item, result);
                }
            }
            if over {
                return false;
            }
            if hangs || has_ended {
                // It hangs, or its step panicked.
                if let Some(item) = items.get(next) {
                    take(item, None);
                }
                next += 1;
                limit = SHORT;
                break;
            }
        }
    }
    true
}

struct Worker<I, R, S> {
    items: Arc<Vec<I>>,
    step: Arc<S>,
    name: fn(&I) -> String,
    progress: Arc<(Mutex<Progress<R>>, Condvar)>,
}

impl<I, R, S: Fn(&I) -> R> Worker<I, R, S> {
    fn run(&self, from: usize) {
        let _ended = HasEnded(self);
        for (number, item) in self.items.iter().enumerate().skip(from) {
            if !self.begins(number) {
                return;
            }
            let result = (!RUNNING.is_left_behind(&(self.name)(item))).then(|| (self.step)(item));
            let mut progress = self.progress();
            if progress.is_left_behind {
                return;
            }
            progress.results.push((number, result));
        }
    }

    /// False if nobody waits any more.
    fn begins(&self, number: usize) -> bool {
        let mut progress = self.progress();
        if !progress.is_left_behind {
            progress.at = number;
        }
        !progress.is_left_behind
    }

    fn progress(&self) -> MutexGuard<'_, Progress<R>> {
        self.progress.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells who waits that the thread ends, also after a panic.
struct HasEnded<'a, I, R, S: Fn(&I) -> R>(&'a Worker<I, R, S>);

impl<I, R, S: Fn(&I) -> R> Drop for HasEnded<'_, I, R, S> {
    fn drop(&mut self) {
        let mut progress = self.0.progress();
        progress.has_ended = true;
        self.0.progress.1.notify_all();
        if progress.is_left_behind
            && let Some(item) = self.0.items.get(progress.at)
        {
            RUNNING.ended(&(self.0.name)(item));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::mpsc::channel;

    use super::*;

    /// Each test has names of its own, because the list is shared.
    fn names(test: &str) -> fn(&u32) -> String {
        match test {
            "hang" => |number| format!("test hang {number}"),
            "panic" => |number| format!("test panic {number}"),
            _ => |number| format!("test over {number}"),
        }
    }

    #[test]
    fn what_hangs_is_called_once_and_again_when_it_came_back() {
        let (let_go, held) = channel::<()>();
        let hangs = Call::new("test once", move || held.recv().is_ok());
        let neighbour = Call::new("test neighbour", || true);
        let answers = all(vec![hangs, neighbour], Duration::from_millis(50));
        assert_eq!(answers, [Err(Hung::Now), Ok(true)]);
        // A second thread would be lost too.
        assert_eq!(call("test once", || true), Err(Hung::Still));
        let_go.send(()).unwrap();
        while call("test once", || true).is_err() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_waits_for_its_turn_delays_nobody() {
        let (let_go, held) = channel::<()>();
        let first = std::thread::spawn(|| call("test turn", move || held.recv().is_ok()));
        while Call::new("test turn", || ()).is_free() {
            std::thread::yield_now();
        }
        let calls = vec![Call::new("test turn", || true), Call::new("test beside", || true)];
        assert_eq!(all(calls, Duration::ZERO), [Err(Hung::Still), Ok(true)]);
        let_go.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Ok(true));
    }

    #[test]
    fn a_call_that_panics_is_no_result_and_its_name_is_free() {
        let panics = || -> bool { std::panic::resume_unwind(Box::new(())) };
        assert_eq!(call("test panics", panics), Err(Hung::Now));
        assert_eq!(call("test panics", || true), Ok(true));
    }

    #[test]
    fn a_sweep_passes_over_what_hangs() {
        let (let_go, held) = channel::<()>();
        let held = Mutex::new(held);
        let step = move |number: &u32| {
            if *number == 3 {
                let _ = held.lock().unwrap().recv();
            }
            *number * 10
        };
        let mut seen = Vec::new();
        let in_time = sweep((0..6).collect(), names("hang"), step, &|| false, |number, result| {
            seen.push((*number, result));
        });
        assert!(in_time);
        let expected: Vec<_> = (0..6).map(|number| (number, (number != 3).then_some(number * 10))).collect();
        assert_eq!(seen, expected);
        // Another sweep does not touch it.
        let mut again = Vec::new();
        sweep((0..6).collect(), names("hang"), |number| *number, &|| false, |_, result| again.push(result));
        assert_eq!(again.iter().filter(|result| result.is_none()).count(), 1);
        let_go.send(()).unwrap();
        while RUNNING.is_left_behind("test hang 3") {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_sweep_passes_over_what_panics() {
        let step = |number: &u32| {
            if *number == 1 {
                std::panic::resume_unwind(Box::new(()));
            }
            *number
        };
        let mut seen = Vec::new();
        assert!(sweep((0..3).collect(), names("panic"), step, &|| false, |_, result| seen.push(result)));
        assert_eq!(seen, [Some(0), None, Some(2)]);
    }

    #[test]
    fn a_sweep_ends_when_its_time_is_over() {
        let (let_go, held) = channel::<()>();
        let held = Mutex::new(held);
        let has_begun = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let begins = has_begun.clone();
        let step = move |_: &u32| {
            begins.store(true, std::sync::atomic::Ordering::SeqCst);
            held.lock().unwrap().recv().is_ok()
        };
        let is_over = || has_begun.load(std::sync::atomic::Ordering::SeqCst);
        assert!(!sweep(vec![0], names("over"), step, &is_over, |_, _| ()));
        let_go.send(()).unwrap();
        while RUNNING.is_left_behind("test over 0") {
            std::thread::yield_now();
        }
    }
}
