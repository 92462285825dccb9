//! The thread that sends the messages of one channel.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use super::{AFTER_ERROR, ATTEMPT, MOST_WAIT, Now};
use crate::channel::{Channel, Deadline, Fault, Receipt};
use crate::outbox::{Concluded, Outbox, OutboxError};
use crate::tell::Teller;

/// Sends the messages of one channel.
pub(super) struct Sending {
    pub(super) name: String,
    pub(super) channel: Arc<dyn Channel>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) teller: Arc<Teller>,
    pub(super) shared: Arc<Shared>,
    pub(super) now: Arc<Now>,
}

impl Sending {
    pub(super) fn run(self) {
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
    fn send_all(&self) -> Result<Duration, OutboxError> {
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
            if let Concluded::Dead(..) | Concluded::Again(_) = self.conclude(&picked.message.id, &sent)? {
                // Another channel may have a message now.
                self.shared.change(|flags| flags.round += 1);
            }
        }
        Ok(self.outbox.wait(&self.name, (self.now)())?.unwrap_or(MOST_WAIT).min(MOST_WAIT))
    }

    /// Stores the end of an attempt. While that fails, nothing else is sent: what has arrived must not arrive again.
    fn conclude(&self, id: &str, sent: &Result<Receipt, Fault>) -> Result<Concluded, OutboxError> {
        loop {
            match self.teller.conclude(id, sent, (self.now)()) {
                Err(error) if !self.shared.is_stopping() => {
                    tracing::error!(
                        channel = self.name,
                        "the end of sending {id} is not stored, ansai tries again: {error}"
                    );
                    self.shared.wait(AFTER_ERROR, |_| false);
                }
                concluded => return concluded,
            }
        }
    }
}
