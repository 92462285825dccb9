//! A subscriber that is a function, called on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use crate::stream::Stream;
use crate::subscription::{Closer, Item, Subscription};

/// A function that receives events. Dropping this ends it without waiting for what it has not received yet.
pub struct Subscriber {
    closer: Closer,
    /// Disconnected when the thread has ended.
    ended: mpsc::Receiver<()>,
}

impl Stream {
    /// Calls `receive` for each item from now on, on a thread of its own: it may block. A panic in it ends the
    /// subscription and nothing else.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn spawn(
        &self,
        name: &str,
        capacity: usize,
        receive: impl FnMut(Item) + Send + 'static,
    ) -> std::io::Result<Subscriber> {
        let subscription = self.subscribe(name, capacity);
        let closer = subscription.closer();
        let (ends, ended) = mpsc::channel();
        let thread = std::thread::Builder::new().name(format!("events-{name}"));
        thread.spawn(move || {
            run(subscription, receive);
            drop(ends);
        })?;
        Ok(Subscriber { closer, ended })
    }
}

impl Subscriber {
    /// Ends the subscription, and waits until `receive` had everything up to now, or for `limit`. Answers whether it
    /// had everything.
    pub fn finish(self, limit: Duration) -> bool {
        self.closer.close();
        self.ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Disconnected)
    }
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscriber").finish_non_exhaustive()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.closer.close();
    }
}

fn run(mut subscription: Subscription, mut receive: impl FnMut(Item)) {
    while let Some(item) = subscription.next_blocking() {
        // The panic hook has printed what it was about.
        if catch_unwind(AssertUnwindSafe(|| receive(item))).is_err() {
            let name = subscription.name();
            tracing::error!(subscriber = name, "a subscriber of events panicked; it receives no further events");
            subscription.close();
            return;
        }
    }
}
