//! What waits for one subscriber.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::stream::Published;
use crate::subscription::Item;

/// A bounded queue with one reader. Whoever writes never waits.
pub(crate) struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    /// For a reader that blocks its thread.
    filled: Condvar,
    /// For a reader that is a task.
    notify: Notify,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// Items that are events: only these count against the capacity.
    events: usize,
    /// Missed since the subscription began.
    missed: u64,
    /// No further item comes.
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

    /// Puts an event at the end, or counts it as missed.
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

    /// Lets the reader end after what waits.
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

    /// Completes when something was pushed, or the queue closed, after this call.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }

    /// How many events wait, and how many were missed.
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
