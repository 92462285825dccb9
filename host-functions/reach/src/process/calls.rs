//! The calls that one process has been sent.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::Refusal;
use ansai_kit::carrier::Lost;
use ansai_kit::host::Deadline;
use serde_json::value::RawValue;

/// Calls that nobody waits for any more and that the process has not replied to. With more, it is replaced.
const MOST_ABANDONED: usize = 16;
/// How much later than the deadline the process may answer. It ends at the deadline, so that its own answer is told. Who has
/// no more time cancels the deadline.
const GRACE: Duration = Duration::from_millis(200);
/// How often a call looks whether anybody waits for it.
const LOOK: Duration = Duration::from_millis(100);

/// What becomes of a call.
type Became = Result<Box<RawValue>, Refusal>;

/// The calls of one process.
#[derive(Debug)]
pub(super) struct Calls(Mutex<State>);

#[derive(Debug)]
struct State {
    waiting: HashMap<u64, SyncSender<Became>>,
    abandoned: HashSet<u64>,
    /// Why there are no more calls.
    ended: Option<Refusal>,
    /// When a call last began or ended.
    used: Instant,
    busy: bool,
}

/// A reply that belongs to no call, or too many calls without one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

/// A call that waits for its reply.
pub(super) struct Waits<'a> {
    calls: &'a Calls,
    number: u64,
    reply: Receiver<Became>,
}

impl Calls {
    pub(super) fn new() -> Calls {
        let state = State {
            waiting: HashMap::new(),
            abandoned: HashSet::new(),
            ended: None,
            used: Instant::now(),
            busy: false,
        };
        Calls(Mutex::new(state))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new call; `None` if the process has ended.
    pub(super) fn begin(&self, number: u64) -> Option<Waits<'_>> {
        let (tell, reply) = sync_channel(1);
        let mut state = self.state();
        if state.ended.is_some() {
            return None;
        }
        state.used = Instant::now();
        state.waiting.insert(number, tell);
        Some(Waits { calls: self, number, reply })
    }

    /// A reply came.
    ///
    /// # Errors
    /// It belongs to no call.
    pub(super) fn replied(&self, number: u64, busy: bool, answer: Box<RawValue>) -> Result<(), Broken> {
        let mut state = self.state();
        (state.used, state.busy) = (Instant::now(), busy);
        match state.waiting.remove(&number) {
            Some(call) => {
                // Who waited may have gone just now.
                let _gone = call.try_send(Ok(answer));
                Ok(())
            }
            None if state.abandoned.remove(&number) => Ok(()),
            None => Err(Broken("a reply to an unknown call, or a second reply")),
        }
    }

    /// The process has ended: so has each of its calls, for this reason.
    pub(super) fn end(&self, why: &Refusal) {
        let mut state = self.state();
        state.ended.get_or_insert_with(|| why.clone());
        for (_, call) in state.waiting.drain() {
            let _gone = call.try_send(Err(why.clone()));
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended.is_some()
    }

    /// Ends it if nothing needed it for so long; else how long it may still be unused.
    pub(super) fn end_if_idle(&self, idle: Duration) -> Option<Duration> {
        let mut state = self.state();
        let unused = state.used.elapsed();
        if !state.waiting.is_empty() || state.busy {
            return Some(idle);
        }
        if unused < idle {
            return Some(idle.saturating_sub(unused));
        }
        state.ended.get_or_insert_with(|| Refusal::Unavailable("the process that calls servers was idle".into()));
        None
    }

    /// Ends it if no call waits, whatever it says of itself; whether it has ended.
    pub(super) fn end_if_unused(&self) -> bool {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.ended.get_or_insert_with(|| Refusal::Unavailable("another process took its place".into()));
        }
        state.ended.is_some()
    }

    fn abandon(&self, number: u64) -> Result<(), Broken> {
        let mut state = self.state();
        if state.waiting.remove(&number).is_some() {
            state.abandoned.insert(number);
        }
        if state.abandoned.len() > MOST_ABANDONED {
            return Err(Broken("too many calls hang in it"));
        }
        Ok(())
    }
}

impl Waits<'_> {
    /// The request was not sent.
    pub(super) fn forget(self) {
        self.calls.state().waiting.remove(&self.number);
    }

    /// Waits for the reply. If nobody waits for it any more, `cancel` tells the process, or replaces it.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn wait(
        self,
        deadline: &Deadline,
        cancel: impl FnOnce(Result<(), Broken>),
    ) -> Result<Box<RawValue>, Lost> {
        let until = Instant::now() + deadline.remaining() + GRACE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.reply.recv_timeout(left.min(LOOK)) {
                Ok(became) => return became.map_err(Lost::Unanswered),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Lost::Unanswered(Refusal::Other("a call was lost".into())));
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() || deadline.is_cancelled() => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        cancel(self.calls.abandon(self.number));
        // It may have come just now.
        match self.reply.try_recv() {
            Ok(became) => became.map_err(Lost::Unanswered),
            Err(_) => {
                let why = "the process that calls servers did not answer in time";
                Err(Lost::Unanswered(Refusal::TimedOut(why.into())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_whose_place_was_taken_ends_after_its_last_call() {
        let calls = Calls::new();
        let waits = calls.begin(1).unwrap();
        assert!(!calls.end_if_unused() && !calls.has_ended());
        calls.replied(1, true, RawValue::NULL.to_owned()).unwrap();
        drop(waits);
        assert!(calls.end_if_idle(Duration::ZERO).is_some(), "it says that it is busy");
        assert!(calls.end_if_unused() && calls.has_ended() && calls.begin(2).is_none());
    }
}
