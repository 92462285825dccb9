//! The audit log as the loop uses it: typed events in, durable records out.

use ansai_audit::{AppendError, Durability, Head, Log, SharedLog};
use ansai_core::event::Record;
use ansai_core::{Event, Instant};

/// An event could not be recorded: then nothing may change.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The log refuses.
    #[error("audit log: {0}")]
    Append(#[from] AppendError),
    /// The event has no written form: a fault of ansai.
    #[error("audit log: event cannot be written: {0}")]
    Form(#[from] serde_json::Error),
}

/// One log for all instances; those that act at the same time share a sync.
pub struct Journal(SharedLog);

impl Journal {
    /// Over an open log.
    pub fn new(log: Log) -> Self {
        Journal(SharedLog::new(log))
    }

    /// Records what has happened; durable with the next durable record or at [`Journal::sync`].
    pub fn note(&self, at: Instant, event: Event) -> Result<Head, JournalError> {
        self.append(at, event, Durability::Buffered)
    }

    /// Records and waits until it is on the disk.
    pub fn durable(&self, at: Instant, event: Event) -> Result<Head, JournalError> {
        self.append(at, event, Durability::Synced)
    }

    fn append(&self, at: Instant, event: Event, durability: Durability) -> Result<Head, JournalError> {
        let payload = serde_json::to_vec(&Record { at, event })?;
        Ok(self.0.append(&payload, durability)?)
    }

    /// Everything noted so far is on the disk afterwards; answers the last record of that.
    pub fn sync(&self) -> Result<Head, JournalError> {
        Ok(self.0.sync()?)
    }

    /// Makes the reserve again where there is room; says why not.
    pub fn replenish(&self) -> Result<(), String> {
        self.0.replenish().map_err(|error| error.to_string())
    }

    /// The newest record.
    pub fn head(&self) -> Head {
        self.0.head()
    }
}
