//! The receiving side of the stream.

use std::sync::{Arc, Weak};

use crate::queue::{Front, Queue};
use crate::stream::{Published, Shared};

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// The next event.
    Event(Arc<Published>),
    /// Takes the place of events that came while the queue was full.
    Missed {
        /// Number of missed events.
        count: u64,
    },
}

/// The receiving end of a stream. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    name: String,
    end: Closer,
}

impl Subscription {
    pub(crate) fn new(name: String, id: u64, queue: Arc<Queue>, stream: Weak<Shared>) -> Subscription {
        Subscription { name, end: Closer { id, queue, stream } }
    }

    /// Waits for the next item; `None` after the last item, if the stream is gone or the subscription was closed. Safe
    /// to cancel: no item is lost.
    pub async fn next(&mut self) -> Option<Item> {
        loop {
            let changed = self.end.queue.changed();
            tokio::pin!(changed);
            // Register before checking the queue, so that a push in between is not missed.
            changed.as_mut().enable();
            match self.end.queue.pop() {
                Front::Item(item) => return Some(item),
                Front::Closed => return None,
                Front::Empty => changed.await,
            }
        }
    }

    /// Like [`Subscription::next`], but blocks the thread.
    pub fn next_blocking(&mut self) -> Option<Item> {
        self.end.queue.pop_blocking()
    }

    /// The next item, if there is one.
    pub fn try_next(&mut self) -> Option<Item> {
        match self.end.queue.pop() {
            Front::Item(item) => Some(item),
            Front::Empty | Front::Closed => None,
        }
    }

    /// Ends the subscription. Waiting items can still be read.
    pub fn close(&self) {
        self.end.close();
    }

    pub(crate) fn closer(&self) -> Closer {
        self.end.clone()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Ends a subscription, even while another thread reads it.
#[derive(Debug, Clone)]
pub(crate) struct Closer {
    id: u64,
    queue: Arc<Queue>,
    stream: Weak<Shared>,
}

impl Closer {
    pub(crate) fn close(&self) {
        Shared::remove(&self.stream, self.id);
        self.queue.close();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // Only if the subscription had not ended: otherwise the reason has already been logged.
        if Shared::remove(&self.end.stream, self.end.id) {
            let name = &self.name;
            if std::thread::panicking() {
                tracing::error!(subscriber = name, "a subscriber of events panicked; it receives no further events");
            } else {
                tracing::info!(subscriber = name, "a subscriber of events is gone; it receives no further events");
            }
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (waiting, missed) = self.counts();
        f.debug_struct("Queue").field("waiting", &waiting).field("missed", &missed).finish()
    }
}
