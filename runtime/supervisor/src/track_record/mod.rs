//! What the actions of each instance achieved, counted from the audit log, and what people said about incidents.
//!
//! The journal notes what is counted, in the order of the log, and it is written to the state once its records are on the
//! disk. The state knows the last record that is counted. After a crash, or if more is noted than there is room for, the
//! rest is counted from the log.

mod ask;
mod error;
mod fact;
mod plan;
mod stored;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_audit::{ReadError, Reader};
use ansai_core::event::{PlannedStep, Record};
use ansai_core::{Event, InstanceName, Timestamp};
use ansai_storage::Directory;

pub use self::error::FeedbackError;
pub(crate) use self::fact::{Fact, Noted};
pub(crate) use self::plan::{Added, CountedPlan};
pub use self::stored::{action_records_of, feedback_counts_of};
use crate::clock;
use crate::clock_watch::ClockWatch;
use crate::recording::Journal;
use crate::state::State;

/// So many facts wait at most. They are written once a second.
const MOST_WAITING: usize = 50_000;
/// So many records are read at most to count what is missing.
const MOST_READ: u64 = 500_000;
/// How many facts are written at once, so that others get the state in between.
const AT_ONCE: usize = 500;
/// What is too much is dropped after so many facts, and once a day.
const PRUNE_AFTER: u64 = 5_000;
const DAY_MS: u64 = 86_400_000;
/// The last counted record is written after so many that have nothing to count.
const SKIPPED: u64 = 10_000;

/// Facts that wait to be written. The journal adds them.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    noted: VecDeque<Noted>,
    /// What is counted of records up to this one is noted.
    last: u64,
    /// Some are missing, and are read from the log.
    is_incomplete: bool,
}

impl Waiting {
    /// Notes what is counted of an event that has just been recorded. The caller keeps the order of the log.
    pub(crate) fn note(&self, sequence: u64, at: Timestamp, event: &Event) {
        let fact = Fact::of(event);
        let mut queue = self.lock();
        queue.last = sequence;
        let Some(fact) = fact else { return };
        match queue.noted.len() < MOST_WAITING {
            true => queue.noted.push_back(Noted { sequence, at, fact }),
            false => queue.is_incomplete = true,
        }
    }

    /// Takes what is noted of records up to this one at most; `None` if some are missing. Answers the last of these records,
    /// too: one that was just appended may not be noted yet.
    fn take(&self, at_most: u64) -> (u64, Option<Vec<Noted>>) {
        let mut queue = self.lock();
        let up_to = queue.last.min(at_most);
        let ready = queue.noted.partition_point(|noted| noted.sequence <= up_to);
        let taken = queue.noted.drain(..ready).collect();
        (up_to, if std::mem::take(&mut queue.is_incomplete) { None } else { Some(taken) })
    }

    fn is_lost(&self) {
        self.lock().is_incomplete = true;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The track record of this host.
pub(crate) struct TrackRecord {
    state: Arc<State>,
    journal: Arc<Journal>,
    clocks: Arc<ClockWatch>,
    audit_dir: Directory,
    waiting: Arc<Waiting>,
    /// One writes at a time. The last record that is counted.
    counted: Mutex<u64>,
    since_pruned: AtomicU64,
    pruned_on: AtomicU64,
}

impl TrackRecord {
    /// Counts what is missing. The journal notes from now on.
    pub(crate) fn open(
        state: Arc<State>,
        journal: Arc<Journal>,
        clocks: Arc<ClockWatch>,
        audit_dir: Directory,
    ) -> TrackRecord {
        let waiting = Arc::new(Waiting::default());
        journal.note_in(waiting.clone());
        {
            let mut queue = waiting.lock();
            (queue.last, queue.is_incomplete) = (journal.head().sequence, true);
        }
        let counted = state.counted().unwrap_or_else(|error| {
            tracing::error!("the track record is counted from the beginning of the audit log: {error}");
            0
        });
        let (since_pruned, pruned_on) = (AtomicU64::new(0), AtomicU64::new(0));
        let record = TrackRecord {
            state,
            journal,
            clocks,
            audit_dir,
            waiting,
            counted: Mutex::new(counted),
            since_pruned,
            pruned_on,
        };
        record.settle();
        record
    }

    /// Writes what is noted, once it is on the disk as records.
    pub(crate) fn settle(&self) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let head = match self.journal.sync() {
            Ok(head) => head.sequence,
            Err(error) => return tracing::debug!("the track record waits for the audit log: {error}"),
        };
        let (head, noted) = self.waiting.take(head);
        // The log was replaced by a shorter one: what it says from now on counts.
        *counted = (*counted).min(head);
        let written = match noted {
            Some(noted) if noted.is_empty() && head < counted.saturating_add(SKIPPED) => return,
            Some(noted) => self.write(&noted, head),
            None => self.catch_up(*counted, head),
        };
        match written {
            Ok(()) => *counted = head,
            Err(error) => {
                // A part may be written.
                *counted = self.state.counted().unwrap_or(*counted);
                self.waiting.is_lost();
                tracing::error!("what actions achieved is not counted, ansai tries again: {error}");
            }
        }
    }

    fn write(&self, noted: &[Noted], head: u64) -> Result<(), String> {
        for part in noted.chunks(AT_ONCE) {
            let last = part.last().map_or(head, |noted| noted.sequence);
            self.state.count(part, last).map_err(|error| error.to_string())?;
        }
        self.state.count(&[], head).map_err(|error| error.to_string())?;
        self.prune(noted.len() as u64);
        Ok(())
    }

    /// Counts from the log. What cannot be read is told once and not counted: it would be read again each second.
    fn catch_up(&self, counted: u64, head: u64) -> Result<(), String> {
        let from = (counted + 1).max(head.saturating_sub(MOST_READ));
        let mut facts = Vec::new();
        let read = match Reader::from_sequence(&self.audit_dir, from) {
            Ok(reader) => self.read(reader, from, head, &mut facts)?,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            tracing::error!("what actions achieved after the last record that can be read is not counted: {error}");
        }
        self.write(&facts, head)
    }

    /// Counts records as far as they can be read. The last facts are left to the caller.
    fn read(
        &self,
        reader: Reader,
        from: u64,
        head: u64,
        facts: &mut Vec<Noted>,
    ) -> Result<Result<(), ReadError>, String> {
        for entry in reader {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok(Err(error)),
            };
            if entry.sequence > head {
                break;
            }
            if entry.sequence < from || !Fact::may_be_in(&entry.payload) {
                continue;
            }
            if let Ok(Record { at, event }) = serde_json::from_slice::<Record>(&entry.payload)
                && let Some(fact) = Fact::of(&event)
            {
                facts.push(Noted { sequence: entry.sequence, at, fact });
            }
            if facts.len() >= AT_ONCE {
                self.state.count(facts, entry.sequence).map_err(|error| error.to_string())?;
                facts.clear();
            }
        }
        Ok(Ok(()))
    }

    fn prune(&self, facts: u64) {
        let now = clock::now();
        let today = now.as_millis() / DAY_MS;
        let since = self.since_pruned.fetch_add(facts, Ordering::Relaxed) + facts;
        let is_due = since >= PRUNE_AFTER || self.pruned_on.load(Ordering::Relaxed) != today;
        // After a jump of the clock, nobody knows what is old.
        if !is_due || self.clocks.doubt().is_some() {
            return;
        }
        match self.state.prune_track_record(now) {
            Ok(()) => {
                self.since_pruned.store(0, Ordering::Relaxed);
                self.pruned_on.store(today, Ordering::Relaxed);
            }
            Err(error) => tracing::error!("old parts of the track record are not dropped, ansai tries again: {error}"),
        }
    }
}

impl State {
    /// Adds to each step how often its action helped, if it was tried.
    pub(crate) fn add_effectiveness(&self, instance: &InstanceName, steps: &mut [PlannedStep], now: Timestamp) {
        for step in steps {
            match self.effectiveness(instance, &step.action, now) {
                Ok(found) => step.effectiveness = (found.verified > 0).then_some(found),
                Err(error) => tracing::warn!(%instance, "how often {} helped is unknown: {error}", step.action),
            }
        }
    }
}

#[cfg(test)]
mod tests;
