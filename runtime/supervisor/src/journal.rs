//! The audit log as the loop uses it: typed events in, durable records out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ansai_audit::{AppendError, Durability, Head, Log};
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
    /// Another thread failed in the middle.
    #[error("audit log: a writer failed in the middle")]
    Broken,
}

/// One writer for all instances.
pub struct Journal {
    log: Mutex<Log>,
    /// Whether anything was noted since the last sync.
    noted: AtomicBool,
}

impl Journal {
    /// Over an open log.
    pub fn new(log: Log) -> Self {
        Journal { log: Mutex::new(log), noted: AtomicBool::new(false) }
    }

    /// Records what has happened; durable with the next durable record or at [`Journal::sync`].
    pub fn note(&self, at: Instant, event: Event) -> Result<Head, JournalError> {
        self.noted.store(true, Ordering::SeqCst);
        self.append(at, event, Durability::Buffered)
    }

    /// Records and waits until it is on the disk.
    pub fn durable(&self, at: Instant, event: Event) -> Result<Head, JournalError> {
        self.append(at, event, Durability::Synced)
    }

    fn append(&self, at: Instant, event: Event, durability: Durability) -> Result<Head, JournalError> {
        let payload = serde_json::to_vec(&Record { at, event })?;
        Ok(self.log.lock().map_err(|_| JournalError::Broken)?.append(&payload, durability)?)
    }

    /// Everything noted so far is on the disk afterwards.
    pub fn sync(&self) -> Result<(), JournalError> {
        let mut log = self.log.lock().map_err(|_| JournalError::Broken)?;
        if self.noted.swap(false, Ordering::SeqCst) {
            log.sync()?;
        }
        Ok(())
    }

    /// Makes the reserve again where there is room; says why not.
    pub fn replenish(&self) -> Result<(), String> {
        let log = self.log.lock().map_err(|_| "a writer failed".to_owned())?;
        if log.has_reserve() { Ok(()) } else { log.replenish().map_err(|error| error.to_string()) }
    }

    /// The newest record.
    pub fn head(&self) -> Head {
        match self.log.lock() {
            Ok(log) => log.head(),
            Err(broken) => broken.into_inner().head(),
        }
    }
}
