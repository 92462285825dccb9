//! Targets, their outbox and their attempts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::Timestamp;
use ansai_kit::carrier::Carrier;
use ansai_storage::ToDirectory;
use tokio::sync::watch;

use crate::attempt::{Attempts, Stopped};
use crate::message::Message;
use crate::outbox::{Outbox, OutboxError};
use crate::queue::Capacity;
use crate::status::TargetStatus;
use crate::target::Target;

/// How messages are sent.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Milliseconds between two messages to each target; `None` if messages are sent as they come.
    pub every_ms: Option<u64>,
    /// Time limit for one attempt.
    pub limit: Duration,
    /// Maximum of what can wait for one target.
    pub capacity: Capacity,
}

/// Sends messages to targets. Only one process may have its directory open.
pub struct Delivery {
    targets: Vec<Target>,
    limit: Duration,
    /// What posts to URLs; `None`: this process.
    carrier: Option<Arc<dyn Carrier>>,
    outbox: Arc<Mutex<Outbox>>,
    /// Targets whose last attempt is still running, by id.
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

/// The result of a failed attempt, or of one or more successful ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// The name of the target.
    pub target: String,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Number of failed attempts in a row, including this one.
    pub failures: u32,
    /// Number of failed attempts in a row before this one.
    pub failures_before: u32,
}

impl Delivery {
    /// Opens or creates an outbox. Drops messages for targets that are not in `targets`.
    ///
    /// # Errors
    /// If the directory cannot be read or written.
    pub fn open(directory: impl ToDirectory, targets: Vec<Target>, options: Options) -> Result<Delivery, OutboxError> {
        let outbox = Outbox::open(directory, &targets, options.every_ms, options.capacity)?;
        let outbox = Arc::new(Mutex::new(outbox));
        Ok(Delivery { targets, limit: options.limit, carrier: None, outbox, under_way: Arc::default() })
    }

    /// Has messages posted to URLs by another process, so that this one does not speak HTTP and TLS.
    #[must_use]
    pub fn carried_by(self, carrier: Option<Arc<dyn Carrier>>) -> Delivery {
        Delivery { carrier, ..self }
    }

    /// All targets.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Adds a message for a target. It is durable when this returns.
    ///
    /// # Errors
    /// If the message cannot be made durable.
    pub fn put(&self, target: &Target, message: &Message) -> Result<(), OutboxError> {
        self.lock().put(target, message)
    }

    /// Time until a target is due; `None` if no message is waiting and nothing is scheduled.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let outbox = self.lock();
        let wait = self.targets.iter().filter_map(|target| outbox.wait(target, now)).min();
        wait.map(Duration::from_millis)
    }

    /// The targets that are due. A scheduled target may have no message yet.
    pub fn due(&self, now: Timestamp) -> Vec<Target> {
        let outbox = self.lock();
        self.targets.iter().filter(|target| outbox.wait(target, now) == Some(0)).cloned().collect()
    }

    /// Sends the waiting messages to all due targets in parallel, each within its time limit. Returns early when
    /// `stopping` becomes true; that is not a failure.
    pub async fn deliver(&self, now: Timestamp, stopping: &watch::Receiver<bool>) -> Vec<Attempted> {
        let sending: Vec<_> = self
            .due(now)
            .into_iter()
            .map(|target| {
                let attempts =
                    Attempts { under_way: self.under_way.clone(), carrier: self.carrier.clone(), limit: self.limit };
                tokio::spawn(send_all(self.outbox.clone(), attempts, target, now, stopping.clone()))
            })
            .collect();
        let mut attempts = Vec::new();
        for one in sending {
            match one.await {
                Ok(attempted) => attempts.extend(attempted),
                Err(error) => tracing::error!("sending a message panicked, it is sent again: {error}"),
            }
        }
        self.lock().write_statuses();
        attempts
    }

    /// Status of every target.
    pub fn statuses(&self) -> Vec<TargetStatus> {
        self.lock().statuses()
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }
}

/// Sends the messages of one target, oldest first, until one fails or none is left. `None` if nothing was sent.
async fn send_all(
    outbox: Arc<Mutex<Outbox>>,
    attempts: Attempts,
    target: Target,
    now: Timestamp,
    stopping: watch::Receiver<bool>,
) -> Option<Attempted> {
    let mut attempted: Option<Attempted> = None;
    loop {
        // A separate statement, because the lock must not be held while sending.
        let front = lock(&outbox).front(&target);
        let Some((sequence, message)) = front else { return attempted };
        let sent = attempts.send(&target, message.clone(), stopping.clone()).await;
        let error = match sent {
            Ok(()) => None,
            Err(Stopped::Asked) => return attempted,
            Err(Stopped::Failed(error)) => Some(error.to_string()),
        };
        let (failures, before) = lock(&outbox).conclude(&target, (sequence, &message), error.as_deref(), now);
        let failures_before = attempted.map_or(before, |earlier| earlier.failures_before);
        let failed = error.is_some();
        attempted = Some(Attempted { target: target.name(), error, failures, failures_before });
        if failed {
            return attempted;
        }
    }
}

fn lock(outbox: &Mutex<Outbox>) -> MutexGuard<'_, Outbox> {
    outbox.lock().unwrap_or_else(PoisonError::into_inner)
}
