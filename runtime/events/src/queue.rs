//! The queue of one subscriber.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    /// Whether the last event that was taken is part of every pass.
    after_routine: bool,
    /// Whether the reader is not woken for what is part of every pass: it looks soon anyway.
    lingers: bool,
}

/// How long a reader that blocks its thread may leave what is part of every pass waiting. With a thousand passes a second,
/// waking it for each would cost more than what it does.
const LINGER: Duration = Duration::from_secs(1);

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
        // Long before the queue is full.
        let is_urgent = !event.event.is_routine() || waiting.events > self.capacity / 4;
        let blocks = is_urgent || !waiting.lingers;
        drop(waiting);
        if blocks {
            self.filled.notify_one();
        }
        self.notify.notify_waiters();
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
                Front::Empty if std::mem::take(&mut waiting.after_routine) => {
                    waiting.lingers = true;
                    let waited = self.filled.wait_timeout(waiting, LINGER);
                    waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
                    waiting.lingers = false;
                }
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
            waiting.after_routine = matches!(&item, Item::Event(published) if published.event.is_routine());
            Front::Item(item)
        }
        None if waiting.closed => Front::Closed,
        None => Front::Empty,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{Event, Timestamp};

    use super::*;

    fn push(queue: &Queue, event: Event) {
        queue.push(&Arc::new(Published { sequence: 1, at: Timestamp::EPOCH, event }));
    }

    fn routine() -> Event {
        Event::RecordingsDropped { ids: Vec::new() }
    }

    /// Would break: an event of every pass that is left behind when nothing follows, or news that wait for it.
    #[test]
    fn what_is_part_of_every_pass_comes_soon_and_news_at_once() {
        let queue = Arc::new(Queue::new(100));
        let (send, taken) = std::sync::mpsc::channel();
        let reading = queue.clone();
        let reader = std::thread::spawn(move || {
            while let Some(item) = reading.pop_blocking() {
                send.send(matches!(item, Item::Event(published) if published.event.is_routine())).unwrap();
            }
        });
        for is_routine in [true, true, false, true] {
            push(&queue, if is_routine { routine() } else { Event::Stopping { why: String::new() } });
            assert_eq!(taken.recv().unwrap(), is_routine);
        }
        queue.close();
        reader.join().unwrap();
        assert!(queue.pop_blocking().is_none());
    }
}
