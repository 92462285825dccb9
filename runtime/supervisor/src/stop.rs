//! The request to stop in an orderly way: a flag for blocking code, and a future for tasks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long evaluations may go on after the request, so that a usual one still has its answer.
const GRACE: Duration = Duration::from_secs(2);

/// Set at most once, by a signal or by a person.
pub(crate) struct Stop {
    flag: AtomicBool,
    why: OnceLock<String>,
    at: OnceLock<Instant>,
    watch: watch::Sender<bool>,
}

impl Stop {
    pub(crate) fn new() -> Stop {
        Stop {
            flag: AtomicBool::new(false),
            why: OnceLock::new(),
            at: OnceLock::new(),
            watch: watch::Sender::new(false),
        }
    }

    /// Requests the stop; false if it was requested before.
    pub(crate) fn ask(&self, why: &str) -> bool {
        let is_first = !self.flag.swap(true, Ordering::SeqCst);
        if is_first {
            let _ = (self.why.set(why.to_owned()), self.at.set(Instant::now()));
            self.watch.send_replace(true);
        }
        is_first
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// For actions, which stop at their next target.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// The reason of the request, such as the signal; `None` before it.
    pub(crate) fn asked_why(&self) -> Option<&str> {
        self.why.get().map(String::as_str)
    }

    /// For other crates: becomes true when the stop is requested.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.watch.subscribe()
    }

    /// Waits for `work`. If it has not ended some seconds after the stop was requested, drops it and returns `None`.
    pub(crate) async fn or_soon<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut watch = self.watch();
        let over = async {
            let _ = watch.wait_for(|asked| *asked).await;
            let asked = self.at.get().copied().unwrap_or_else(Instant::now);
            tokio::time::sleep_until(asked + GRACE).await;
        };
        tokio::select! {
            biased;
            () = over => None,
            done = work => Some(done),
        }
    }

    /// Waits for `work`. If the stop is requested first, drops `work` and returns `None`.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut watch = self.watch();
        tokio::select! {
            biased;
            _ = watch.wait_for(|asked| *asked) => None,
            done = work => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_when_the_end_is_asked_for() {
        let stop = Stop::new();
        assert_eq!(stop.or(async { 1 }).await, Some(1));
        let (ended, first) = tokio::join!(stop.or(std::future::pending::<()>()), async { stop.ask("SIGTERM") });
        assert_eq!((ended, first, stop.ask("again"), stop.asked_why()), (None, true, false, Some("SIGTERM")));
        assert_eq!(stop.or(async { 1 }).await, None, "also what begins afterwards");
    }

    /// Would break: work that is waited for without end, or that ends at once.
    #[tokio::test]
    async fn work_has_a_moment_after_the_end_is_asked_for() {
        let stop = Stop::new();
        assert!(stop.ask("SIGTERM"));
        assert_eq!(stop.or_soon(async { 1 }).await, Some(1));
        assert_eq!(stop.or_soon(std::future::pending::<()>()).await, None);
        assert_eq!(stop.or_soon(async { 1 }).await, None, "the moment is over");
    }
}
