//! The outbox of all targets, and the status of each.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use ansai_core::text::inert;
use ansai_core::{Millis, Timestamp};
use ansai_storage::{Directory, StorageError, ToDirectory};

use crate::message::Message;
use crate::queue::{Capacity, Queue};
use crate::schedule;
use crate::status::{self, TargetStatus, TargetStatuses};
use crate::target::Target;

/// Why an operation on the outbox failed.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The system refused.
    #[error("outbox {}: {error}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The target is not configured.
    #[error("{0} is not a target of this outbox")]
    UnknownTarget(String),
}

impl From<StorageError> for OutboxError {
    fn from(error: StorageError) -> OutboxError {
        OutboxError::Io { path: error.path, error: error.cause }
    }
}

/// Queues and statuses by the ids of targets.
pub(crate) struct Outbox {
    directory: Directory,
    every_ms: Option<u64>,
    queues: BTreeMap<String, Queue>,
    statuses: TargetStatuses,
}

impl Outbox {
    /// Opens or creates the outbox. Drops messages for targets that are not in `targets`.
    pub(crate) fn open(
        directory: impl ToDirectory,
        targets: &[Target],
        every_ms: Option<u64>,
        capacity: Capacity,
    ) -> Result<Outbox, OutboxError> {
        let directory = directory.to_created_directory()?;
        directory.remove_left_over()?;
        let ids: Vec<String> = targets.iter().map(Target::id).collect();
        for name in directory.names()?.into_iter().filter(|name| !ids.contains(name)) {
            if directory.metadata(&name)?.is_directory {
                let path = directory.path_of(&name);
                tracing::warn!("{}: its target is no longer configured; its messages are dropped", path.display());
                directory.remove_subdirectory(&name)?;
            }
        }
        let mut queues = BTreeMap::new();
        for id in &ids {
            queues.insert(id.clone(), Queue::open(directory.create_subdirectory(id)?, capacity)?);
        }
        let mut statuses = status::read(&directory).ok().flatten().unwrap_or_default();
        statuses.retain(|id, _| ids.contains(id));
        for (id, target) in ids.iter().zip(targets) {
            statuses.entry(id.clone()).or_default().target = target.name();
        }
        Ok(Outbox { directory, every_ms, queues, statuses })
    }

    pub(crate) fn put(&mut self, target: &Target, message: &Message) -> Result<(), OutboxError> {
        let id = target.id();
        let queue = self.queues.get_mut(&id).ok_or_else(|| OutboxError::UnknownTarget(target.name()))?;
        let put = queue.put(message);
        if let Some(status) = self.statuses.get_mut(&id) {
            let dropped = *put.as_ref().unwrap_or(&0);
            if dropped > 0 {
                tracing::warn!("too many messages wait for {}; the oldest is dropped", status.target);
            }
            status.dropped += dropped;
        }
        put?;
        Ok(())
    }

    /// Milliseconds until a target is due; `None` if no message is waiting and nothing is scheduled.
    pub(crate) fn wait(&self, target: &Target, now: Timestamp) -> Option<u64> {
        let id = target.id();
        let waits = self.queues.get(&id).is_some_and(|queue| queue.len() > 0);
        if !waits && self.every_ms.is_none() {
            return None;
        }
        let next_at = self.statuses.get(&id).map_or(Timestamp::EPOCH, |status| status.next_at);
        Some(schedule::left(self.every_ms, next_at, now))
    }

    pub(crate) fn front(&mut self, target: &Target) -> Option<(u64, Message)> {
        self.queues.get_mut(&target.id())?.front()
    }

    /// Stores the result of an attempt; returns the number of failures in a row, including this attempt and before it.
    pub(crate) fn conclude(
        &mut self,
        target: &Target,
        (sequence, message): (u64, &Message),
        error: Option<&str>,
        now: Timestamp,
    ) -> (u32, u32) {
        let id = target.id();
        let status = self.statuses.entry(id.clone()).or_default();
        let before = status.failures;
        match error {
            None => {
                (status.failures, status.error) = (0, None);
                (status.sent_at, status.sent_id) = (Some(now), Some(message.id.clone()));
                if let Some(Err(error)) = self.queues.get_mut(&id).map(|queue| queue.remove(sequence)) {
                    tracing::warn!("{}: a message that has arrived will arrive again: {error}", status.target);
                }
            }
            Some(error) => {
                status.failures = status.failures.saturating_add(1);
                status.error = Some(inert(error, 2_000));
            }
        }
        status.next_at = now + Millis::new(schedule::rest(self.every_ms, status.failures));
        (status.failures, before)
    }

    /// Writes the statuses. A failure is tolerated: only people and the schedule use them.
    pub(crate) fn write_statuses(&mut self) {
        self.count_waiting();
        if let Err(error) = status::write(&self.directory, &self.statuses) {
            tracing::debug!("{error}");
        }
    }

    pub(crate) fn statuses(&mut self) -> Vec<TargetStatus> {
        self.count_waiting();
        self.statuses.values().cloned().collect()
    }

    fn count_waiting(&mut self) {
        for (id, status) in &mut self.statuses {
            status.waiting = self.queues.get(id).map_or(0, Queue::len);
        }
    }
}
