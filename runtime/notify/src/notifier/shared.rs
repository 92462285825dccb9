//! What the threads tell each other.

use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Flags {
    pub(super) has_news: bool,
    pub(super) has_missed: bool,
    pub(super) audit_failed: Option<String>,
    /// Counted up when channels may have something to send.
    pub(super) round: u64,
    pub(super) is_stopping: bool,
    /// The run ends soon: groups do not wait for more.
    pub(super) is_finishing: bool,
}

#[derive(Default)]
pub(super) struct Shared {
    pub(super) flags: Mutex<Flags>,
    /// An event was recorded since this was looked at.
    pub(super) audit_works: AtomicBool,
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Flags> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Flags)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Waits until a condition holds, at most so long.
    pub(super) fn wait(&self, limit: Duration, until: impl Fn(&Flags) -> bool) {
        let waiting = |flags: &mut Flags| !flags.is_stopping && !until(flags);
        let _ = self.changed.wait_timeout_while(self.lock(), limit, waiting);
    }
}
