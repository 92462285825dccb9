//! What a subscriber sees.

use std::sync::{Arc, Weak};

use crate::queue::{Front, Queue};
use crate::stream::{Published, Shared};

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// The next event.
    Event(Arc<Published>),
    /// In place of events that came while the queue was full.
    Missed {
        /// How many they were.
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

    /// Waits for the next item; `None` after the last one of a stream that is gone, or of a subscription that was
    /// closed. An item is lost with the future only before it was taken from the queue: cancelling is safe.
    pub async fn next(&mut self) -> Option<Item> {
        loop {
            let changed = self.end.queue.changed();
            tokio::pin!(changed);
            // Registered before the queue is looked at, so that a push in between is not missed.
            changed.as_mut().enable();
            match self.end.queue.pop() {
                Front::Item(item) => return Some(item),
                Front::Closed => return None,
                Front::Empty => changed.await,
            }
        }
    }

    /// As [`Subscription::next`], blocking the thread.
    pub fn next_blocking(&mut self) -> Option<Item> {
        self.end.queue.pop_blocking()
    }

    /// The next item if one waits.
    pub fn try_next(&mut self) -> Option<Item> {
        match self.end.queue.pop() {
            Front::Item(item) => Some(item),
            Front::Empty | Front::Closed => None,
        }
    }

    /// Ends the subscription. What waits can still be read.
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

/// Ends a subscription, also one that another thread reads.
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
        // One that was closed, or whose stream is gone, has said so already.
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
