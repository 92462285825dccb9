//! The threads of notifications: one decides what is told, and one for each channel sends.
//!
//! The supervisor only hands events over ([`Tap`]), and never waits. What it hands over is bounded: beyond the bound, and after a
//! start, the events are read from the audit log, which has all of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::{Event, Severity, Timestamp};

use crate::channel::{Channel, Deadline, Fault};
use crate::message::Kind;
use crate::outbox::{Concluded, Outbox};
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

#[derive(Default)]
struct Flags {
    has_news: bool,
    has_missed: bool,
    audit_failed: Option<String>,
    /// Counted up when channels may have something to send.
    round: u64,
    is_stopping: bool,
    /// The run ends soon: groups do not wait for more.
    is_finishing: bool,
}

#[derive(Default)]
struct Shared {
    flags: Mutex<Flags>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Flags> {
        self.flags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Flags)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Waits until a condition holds, at most so long.
    fn wait(&self, limit: Duration, until: impl Fn(&Flags) -> bool) {
        let waiting = |flags: &mut Flags| !flags.is_stopping && !until(flags);
        let _ = self.changed.wait_timeout_while(self.lock(), limit, waiting);
    }
}

/// Runs notifications. Dropping it stops it.
pub struct Notifier {
    outbox: Arc<Outbox>,
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
        Ok(Notifier { outbox, channels: names, shared, threads: Mutex::new(threads) })
    }

    /// The outbox.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
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
        self.shared.change(|flags| (flags.is_finishing, flags.has_news) = (true, true));
        let began = Instant::now();
        // A round that began before this may not know that it is the last one.
        let rounds = self.shared.lock().round;
        self.shared.wait(limit, |flags| flags.round >= rounds + 2);
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

/// Decides what is told.
struct Deciding {
    teller: Arc<Teller>,
    tapped: Tapped,
    read_log: Box<ReadLog>,
    now: Arc<Now>,
}

impl Deciding {
    fn run(self) {
        let shared = self.tapped.shared.clone();
        // What happened while ansai did not run, or was not told before.
        let mut has_missed = true;
        let mut audit_stopped: Option<String> = None;
        while !shared.is_stopping() {
            let failed = {
                let mut flags = shared.lock();
                has_missed |= std::mem::take(&mut flags.has_missed);
                flags.has_news = false;
                flags.audit_failed.take()
            };
            let worked = self.round(&mut has_missed, failed.as_deref(), &mut audit_stopped);
            let wait = match worked {
                Ok(wait) => wait,
                Err(why) => {
                    tracing::error!("notifications wait: {why}");
                    AFTER_ERROR
                }
            };
            shared.change(|flags| flags.round += 1);
            shared.wait(wait, |flags| flags.has_news || flags.has_missed);
        }
        // What was recorded until the end is told after the next start.
        let mut nothing = None;
        let _ = self.round(&mut has_missed, None, &mut nothing);
    }

    /// One round; answers how long there is nothing to do.
    fn round(
        &self,
        has_missed: &mut bool,
        failed: Option<&str>,
        audit_stopped: &mut Option<String>,
    ) -> Result<Duration, String> {
        let (teller, text) = (&self.teller, |error: crate::outbox::OutboxError| error.to_string());
        if *has_missed {
            let place = teller.outbox.place().map_err(text)?.unwrap_or(0);
            let mut heard = Ok(());
            let last = (self.read_log)(place, &mut |batch| {
                if heard.is_ok() {
                    heard = teller.hear(&batch, (self.now)());
                }
            })?;
            heard.map_err(text)?;
            teller.outbox.set_place(last.max(place)).map_err(text)?;
            *has_missed = false;
        }
        loop {
            let batch: Vec<Heard> = self.tapped.receiver.try_iter().take(256).collect();
            if batch.is_empty() {
                break;
            }
            // Read from the log if they cannot be stored now.
            if let Err(error) = teller.hear(&batch, (self.now)()) {
                *has_missed = true;
                return Err(text(error));
            }
        }
        let now = (self.now)();
        if let Some(why) = failed
            && audit_stopped.is_none()
        {
            let id = format!("audit-stopped-{}", now.as_millis());
            let summary = format!("the audit log cannot be written, so nothing is healed: {why}");
            teller.tell_of(&id, Kind::AuditStopped, Severity::Emergency, &summary, now).map_err(text)?;
            *audit_stopped = Some(id);
        } else if failed.is_none() {
            *audit_stopped = None;
        }
        let is_last = self.tapped.shared.lock().is_finishing;
        teller.flush(now, is_last).map_err(text)?;
        Ok(teller.wait((self.now)()).map_err(text)?.min(MOST_WAIT))
    }
}

/// Sends the messages of one channel.
struct Sending {
    name: String,
    channel: Arc<dyn Channel>,
    outbox: Arc<Outbox>,
    teller: Arc<Teller>,
    shared: Arc<Shared>,
    now: Arc<Now>,
}

impl Sending {
    fn run(self) {
        while !self.shared.is_stopping() {
            let seen = self.shared.lock().round;
            let wait = match self.send_all() {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(channel = self.name, "messages wait: {error}");
                    AFTER_ERROR
                }
            };
            self.shared.wait(wait, |flags| flags.round != seen);
        }
    }

    /// Sends what is due; answers how long nothing is.
    fn send_all(&self) -> Result<Duration, crate::outbox::OutboxError> {
        while let (false, Some(picked)) = (self.shared.is_stopping(), self.outbox.begin(&self.name, (self.now)())?) {
            let is_stopping = || self.shared.is_stopping();
            let deadline = Deadline { within: ATTEMPT, is_stopping: &is_stopping };
            let sent = catch_unwind(AssertUnwindSafe(|| self.channel.send(&picked.message, deadline)));
            // The panic hook has printed it already.
            let sent = sent.unwrap_or_else(|_| Err(Fault::Unknown { why: "the channel panicked".to_owned() }));
            match &sent {
                Ok(receipt) => tracing::debug!(channel = self.name, "sent {}: {}", picked.message.id, receipt.answer),
                Err(fault) => tracing::warn!(channel = self.name, "not sent: {}: {fault}", picked.message.id),
            }
            let concluded = self.conclude(&picked.message.id, &sent)?;
            if let Concluded::Dead(message, why) = concluded {
                self.teller.undelivered(&message, &why, (self.now)())?;
                self.shared.change(|flags| flags.round += 1);
            }
        }
        Ok(self.outbox.wait(&self.name, (self.now)())?.unwrap_or(MOST_WAIT).min(MOST_WAIT))
    }

    /// Stores the end of an attempt. While that fails, nothing else is sent: what has arrived must not arrive again.
    fn conclude(
        &self,
        id: &str,
        sent: &Result<crate::channel::Receipt, Fault>,
    ) -> Result<Concluded, crate::outbox::OutboxError> {
        loop {
            match self.outbox.conclude(id, sent, (self.now)()) {
                Err(error) if !self.shared.is_stopping() => {
                    tracing::error!(channel = self.name, "the end of sending {id} is not stored, ansai tries again: {error}");
                    self.shared.wait(AFTER_ERROR, |_| false);
                }
                concluded => return concluded,
            }
        }
    }
}
