//! An outbox, an audit log in memory, and a notifier over both.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use ansai_core::incident::{Change, Reason};
use ansai_core::notify::Grouping;
use ansai_core::{Event, Millis, Timestamp};
use ansai_notify::outbox::{Capacity, Outbox};
use ansai_notify::tell::{Heard, Teller};
use ansai_notify::{ChannelUnderName, Notifier, Parts, Tap, tap};

use crate::fixtures::{self, events};

pub(crate) fn at() -> Timestamp {
    Timestamp::from_millis(1_764_400_000_000)
}

/// A teller that sends to these channels at once.
pub(crate) fn teller(outbox: Arc<Outbox>, channels: Vec<String>) -> Teller {
    let grouping = Grouping { wait: Millis::ZERO, interval: Millis::ZERO, ..Grouping::default() };
    fixtures::teller(outbox, channels, grouping)
}

pub(crate) struct Scene {
    directory: tempfile::TempDir,
    log: Arc<Mutex<Vec<Heard>>>,
    /// So often the log cannot be read.
    pub(crate) unreadable: Arc<AtomicU32>,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene { directory: tempfile::tempdir().unwrap(), log: Arc::default(), unreadable: Arc::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a notifier that has heard nothing yet.
    pub(crate) fn start(&self, channels: Vec<ChannelUnderName>) -> (Notifier, Tap) {
        let outbox = Arc::new(Outbox::open(&self.path().join("notify.db"), Capacity::default(), || false).unwrap());
        outbox.set_place(0).unwrap();
        let names = channels.iter().map(|(name, _)| name.clone()).collect();
        let teller = teller(outbox.clone(), names);
        let (log, unreadable) = (self.log.clone(), self.unreadable.clone());
        let read_log = Box::new(move |place: u64, pass_on: &mut dyn FnMut(Vec<Heard>)| {
            let one_less = |left: u32| left.checked_sub(1);
            if unreadable.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                return Err("a fault of the disk".to_owned());
            }
            let log = log.lock().unwrap().clone();
            let last = log.len() as u64;
            pass_on(log.into_iter().filter(|heard| heard.sequence > place).collect());
            Ok::<u64, String>(last)
        });
        let (tap, tapped) = tap();
        let parts = Parts { outbox, teller, channels, read_log, now: Arc::new(at) };
        (Notifier::start(parts, tapped).unwrap(), tap)
    }

    /// Appends to the log, and tells nobody.
    pub(crate) fn log(&self, event: Event) -> u64 {
        let mut log = self.log.lock().unwrap();
        let sequence = log.len() as u64 + 1;
        log.push(Heard { sequence, at: at(), event });
        sequence
    }

    /// Appends to the log, as the journal does.
    pub(crate) fn record(&self, tap: &Tap, event: Event) {
        let sequence = self.log(event.clone());
        tap.recorded(sequence, at(), &event);
    }
}

pub(crate) fn opened(id: &str) -> Event {
    events::incident(id, Change::Opened)
}

pub(crate) fn escalated(id: &str) -> Event {
    events::escalated(id, Reason::Attempts { used: 3 })
}
