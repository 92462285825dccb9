//! The threads of notifications: one decides what is told, and one for each channel sends.
//!
//! The supervisor only hands events over ([`Tap`]), and never waits. What it hands over is bounded: beyond the bound, and after a
//! start, the events are read from the audit log, which has all of them.

mod deciding;
mod sending;
mod shared;

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::notify::ReportStatus;
use ansai_core::{Event, Timestamp};

use self::deciding::Deciding;
use self::sending::Sending;
use self::shared::Shared;
use crate::channel::Channel;
use crate::outbox::Outbox;
use crate::tell::{Heard, Teller, is_told};

/// Events that wait in memory. Beyond that they are read from the log.
const MOST_WAITING: usize = 4_096;
/// The longest time between two looks: the clock may have been set.
const MOST_WAIT: Duration = Duration::from_secs(60);
/// After an error of the outbox.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// The time limit of an attempt.
pub const ATTEMPT: Duration = Duration::from_secs(60);
/// Between two looks for the end of the program while a message is sent.
const STOPS_WITHIN: Duration = Duration::from_secs(2);

/// A channel with its name.
pub type ChannelUnderName = (String, Arc<dyn Channel>);

/// Reads events of the audit log that follow a place, in order, and passes them on in batches. Answers the number of the last
/// record. An error ends it; what was passed on counts.
pub type ReadLog = dyn Fn(u64, &mut dyn FnMut(Vec<Heard>)) -> Result<u64, String> + Send + Sync;

/// The time of day.
pub type Now = dyn Fn() -> Timestamp + Send + Sync;

/// Where events come from. Cheap to clone; never waits.
#[derive(Clone)]
pub struct Tap {
    sender: SyncSender<Heard>,
    shared: Arc<Shared>,
}

impl Tap {
    /// An event was appended to the audit log under this number.
    pub fn recorded(&self, sequence: u64, at: Timestamp, event: &Event) {
        self.shared.audit_works.store(true, Ordering::Relaxed);
        if !is_told(event) {
            return;
        }
        let heard = Heard { sequence, at, event: event.clone() };
        if let Err(TrySendError::Full(_)) = self.sender.try_send(heard) {
            self.shared.change(|flags| flags.has_missed = true);
        }
        self.shared.change(|flags| flags.has_news = true);
    }

    /// An event could not be appended to the audit log, or not made durable.
    pub fn failed(&self, why: &str) {
        self.shared.change(|flags| {
            flags.audit_failed = Some(why.to_owned());
            flags.has_news = true;
        });
    }
}

/// Runs notifications. Dropping it stops it.
pub struct Notifier {
    outbox: Arc<Outbox>,
    teller: Arc<Teller>,
    channels: Vec<String>,
    shared: Arc<Shared>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

/// What notifications run with.
pub struct Parts {
    /// The outbox, which no other process sends from.
    pub outbox: Arc<Outbox>,
    /// Decides what is told.
    pub teller: Teller,
    /// The channels.
    pub channels: Vec<ChannelUnderName>,
    /// Reads the audit log.
    pub read_log: Box<ReadLog>,
    /// The time of day.
    pub now: Arc<Now>,
}

/// The receiving end of a [`Tap`].
pub struct Tapped {
    receiver: Receiver<Heard>,
    shared: Arc<Shared>,
}

/// A tap and its end. The tap is given to the supervisor before the log is read, so that no event is missed.
pub fn tap() -> (Tap, Tapped) {
    let (sender, receiver) = sync_channel(MOST_WAITING);
    let shared = Arc::new(Shared::default());
    (Tap { sender, shared: shared.clone() }, Tapped { receiver, shared })
}

impl Notifier {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system cannot create a thread.
    pub fn start(parts: Parts, tapped: Tapped) -> std::io::Result<Notifier> {
        let Parts { outbox, teller, channels, read_log, now } = parts;
        let (teller, shared) = (Arc::new(teller), tapped.shared.clone());
        let names = channels.iter().map(|(name, _)| name.clone()).collect();
        let mut threads = Vec::new();
        let spawn = |name: String, work: Box<dyn FnOnce() + Send>| std::thread::Builder::new().name(name).spawn(work);
        let deciding = Deciding { teller: teller.clone(), tapped, read_log, now: now.clone() };
        for (name, channel) in channels {
            let sending = Sending {
                name: name.clone(),
                channel,
                outbox: outbox.clone(),
                teller: teller.clone(),
                shared: shared.clone(),
                now: now.clone(),
            };
            threads.push(spawn(format!("notify-{name}"), Box::new(move || sending.run()))?);
        }
        threads.push(spawn("notify".to_owned(), Box::new(move || deciding.run()))?);
        Ok(Notifier { outbox, teller, channels: names, shared, threads: Mutex::new(threads) })
    }

    /// The outbox.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The report by schedule; `None` if there is none.
    pub fn report_status(&self, now: Timestamp) -> Option<ReportStatus> {
        self.teller.report_status(now)
    }

    /// The configured channels.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// Something in the outbox may be due now.
    pub fn look(&self) {
        self.shared.change(|flags| flags.round += 1);
    }

    /// Sends what waits for others of its group, and waits until nothing is due, at most so long: for a run that ends.
    pub fn finish(&self, limit: Duration, now: Timestamp) {
        let began = Instant::now();
        self.shared.change(|flags| flags.is_finishing = true);
        // A round that began before this does not know that it is the last one.
        for _ in 0..2 {
            let seen = self.shared.lock().round;
            self.shared.change(|flags| flags.has_news = true);
            self.shared.wait(limit.saturating_sub(began.elapsed()), |flags| flags.round != seen);
        }
        let is_due = |name: &String| self.outbox.is_due(name, now).unwrap_or(false);
        while began.elapsed() < limit && self.channels.iter().any(is_due) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops, and waits a moment for attempts that end. One that hangs is left behind: its message counts as one that may
    /// have arrived.
    pub fn stop(&self) {
        self.shared.change(|flags| flags.is_stopping = true);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let began = Instant::now();
        for thread in threads {
            while !thread.is_finished() && began.elapsed() < STOPS_WITHIN {
                std::thread::sleep(Duration::from_millis(5));
            }
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.stop();
    }
}
