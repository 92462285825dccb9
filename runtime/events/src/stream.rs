//! The publishing side of the stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ansai_core::{Event, Timestamp};
use serde::Serialize;

use crate::queue::Queue;
use crate::subscription::Subscription;

/// An event of the stream.
#[derive(Debug, PartialEq, Serialize)]
pub struct Published {
    /// Sequence number in the stream: 1, 2, 3 … without gaps. Starts at 1 for each stream.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// One ordered stream of events; cheap to clone. Every subscriber sees the same order.
#[derive(Clone, Default)]
pub struct Stream(Arc<Shared>);

/// Status of a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriberStatus {
    /// Name given at subscription.
    pub name: String,
    /// Number of events in its queue.
    pub waiting: usize,
    /// Number of events missed since it subscribed.
    pub missed: u64,
}

#[derive(Default)]
pub(crate) struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    /// Sequence number of the last event.
    sequence: u64,
    next_id: u64,
    subscribers: Vec<Known>,
}

struct Known {
    id: u64,
    name: String,
    queue: Arc<Queue>,
}

impl Stream {
    /// Creates a stream without subscribers.
    pub fn new() -> Stream {
        Stream::default()
    }

    /// Publishes an event. Never waits for a subscriber.
    pub fn publish(&self, at: Timestamp, event: Event) {
        let published: Result<(), std::convert::Infallible> = self.publish_after(at, event, |_| Ok(()));
        let Ok(()) = published;
    }

    /// Publishes an event if `first` succeeds. No other event is published in the meantime, so what `first` writes has
    /// the order of the stream. `first` must be fast, and must not use the stream.
    ///
    /// # Errors
    /// The error of `first`. Then no subscriber gets the event.
    pub fn publish_after<T, E>(
        &self,
        at: Timestamp,
        event: Event,
        first: impl FnOnce(&Event) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.0.lock();
        let done = first(&event)?;
        state.sequence += 1;
        if !state.subscribers.is_empty() {
            let published = Arc::new(Published { sequence: state.sequence, at, event });
            for subscriber in &state.subscribers {
                subscriber.queue.push(&published);
            }
        }
        Ok(done)
    }

    /// Subscribes to all events from now on. The subscriber's queue holds at most `capacity` events.
    pub fn subscribe(&self, name: &str, capacity: usize) -> Subscription {
        let queue = Arc::new(Queue::new(capacity));
        let mut state = self.0.lock();
        state.next_id += 1;
        let id = state.next_id;
        state.subscribers.push(Known { id, name: name.to_owned(), queue: queue.clone() });
        Subscription::new(name.to_owned(), id, queue, Arc::downgrade(&self.0))
    }

    /// Whether there are subscribers. If not, an event need not be created.
    pub fn has_subscribers(&self) -> bool {
        !self.0.lock().subscribers.is_empty()
    }

    /// Status of every subscriber, oldest first.
    pub fn subscribers(&self) -> Vec<SubscriberStatus> {
        let status = |known: &Known| {
            let (waiting, missed) = known.queue.counts();
            SubscriberStatus { name: known.name.clone(), waiting, missed }
        };
        self.0.lock().subscribers.iter().map(status).collect()
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("subscribers", &self.subscribers()).finish()
    }
}

impl Shared {
    /// Ends a subscription; returns false if it had already ended.
    pub(crate) fn remove(shared: &Weak<Shared>, id: u64) -> bool {
        let Some(shared) = shared.upgrade() else { return false };
        let mut state = shared.lock();
        let before = state.subscribers.len();
        state.subscribers.retain(|known| known.id != id);
        state.subscribers.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for known in &self.lock().subscribers {
            known.queue.close();
        }
    }
}
