//! A subscriber that is a function, called on its own thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use crate::stream::Stream;
use crate::subscription::{Closer, Item, Subscription};

/// A function that receives events. Dropping this ends the subscription without waiting for the remaining events.
pub struct Subscriber {
    closer: Closer,
    /// Disconnected when the thread ends.
    ended: mpsc::Receiver<()>,
}

impl Stream {
    /// Calls `receive` for each item from now on, on its own thread, so `receive` may block. A panic in it ends only
    /// this subscription.
    ///
    /// # Errors
    /// If the system cannot create a thread.
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
    /// Ends the subscription, and waits until `receive` has processed all earlier events, at most for `limit`. Returns
    /// whether it has.
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
        // The panic hook has already printed the panic's message.
        if catch_unwind(AssertUnwindSafe(|| receive(item))).is_err() {
            let name = subscription.name();
            tracing::error!(subscriber = name, "a subscriber of events panicked; it receives no further events");
            subscription.close();
            return;
        }
    }
}
