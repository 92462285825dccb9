//! The queue of one subscriber.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::stream::Published;
use crate::subscription::Item;

/// A bounded queue with one reader. Writers never wait.
pub(crate) struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    /// Wakes a reader that blocks its thread.
    filled: Condvar,
    /// Wakes a reader that is an async task.
    notify: Notify,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// Number of events in the queue; only these count against the capacity.
    events: usize,
    /// Number of events missed since the subscription began.
    missed: u64,
    /// Whether the queue is closed: no more items follow.
    closed: bool,
}

/// The front of a queue.
pub(crate) enum Front {
    Item(Item),
    Empty,
    Closed,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Queue {
        Queue { capacity: capacity.max(1), waiting: Mutex::default(), filled: Condvar::new(), notify: Notify::new() }
    }

    /// Appends an event, or counts it as missed if the queue is full.
    pub(crate) fn push(&self, event: &Arc<Published>) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        if waiting.events < self.capacity {
            waiting.events += 1;
            waiting.items.push_back(Item::Event(event.clone()));
        } else {
            waiting.missed += 1;
            match waiting.items.back_mut() {
                Some(Item::Missed { count }) => *count += 1,
                _ => waiting.items.push_back(Item::Missed { count: 1 }),
            }
        }
        drop(waiting);
        self.wake();
    }

    /// Closes the queue. The reader still gets the waiting items.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    pub(crate) fn pop(&self) -> Front {
        take(&mut self.lock())
    }

    pub(crate) fn pop_blocking(&self) -> Option<Item> {
        let mut waiting = self.lock();
        loop {
            match take(&mut waiting) {
                Front::Item(item) => return Some(item),
                Front::Closed => return None,
                Front::Empty => waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Completes when an item is pushed, or the queue is closed, after this call.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }

    /// Number of waiting events, and number of missed events.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let waiting = self.lock();
        (waiting.events, waiting.missed)
    }

    fn wake(&self) {
        self.filled.notify_one();
        self.notify.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take(waiting: &mut Waiting) -> Front {
    match waiting.items.pop_front() {
        Some(item) => {
            waiting.events -= usize::from(matches!(item, Item::Event(_)));
            Front::Item(item)
        }
        None if waiting.closed => Front::Closed,
        None => Front::Empty,
    }
}
