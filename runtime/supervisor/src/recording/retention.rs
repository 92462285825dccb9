//! Drops the beginning of the audit log as the operator allows, and plan files with it. What an undo or a recovery still
//! reads stays: then the log waits.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_audit::{DropError, DropReason, DropRequest, PendingDrop, ReadError, Reader, SealedSegment, SegmentName};
use ansai_config::AuditLog;
use ansai_core::event::Record;
use ansai_core::{Millis, Timestamp};
use ansai_storage::{Directory, Links, StorageError, TrustError};

use super::dropped::{self, RecordedDrop};
use super::evidence::EvidenceError;
use super::heads::{HeadError, Heads};
use super::journal::{Journal, JournalError};
use crate::clock;
use crate::execution::{Executor, PlanFile, PlanFileError};
use crate::incidents::Incidents;
use crate::state::StateError;

/// What a plan has done can be undone for so long, where nothing else ends that: then its records may be dropped.
const UNDO_KEPT: Millis = Millis::from_hours(30 * 24);
/// A quarantine that has expired is compared with its records before its files are deleted for good. So long after its end,
/// they are still there.
const EXPIRES_WITHIN: Millis = Millis::from_hours(7 * 24);
/// A segment is at most this part of the log, so that little more than needed is dropped.
const PARTS: u64 = 16;

/// Size of a segment of a log of this size.
pub(crate) fn segment_bytes(settings: &AuditLog) -> u64 {
    let default = ansai_audit::Options::default().segment_bytes;
    default.min(settings.max_bytes / PARTS).max(4096)
}

/// Keeps the audit log within its bounds.
pub(crate) struct Retention {
    pub(crate) settings: AuditLog,
    pub(crate) audit_dir: Directory,
    pub(crate) heads: Arc<Heads>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) incidents: Arc<Incidents>,
    /// Why nothing was dropped, as told last.
    pub(crate) told: Mutex<Option<String>>,
}

/// Why the log was not shortened.
#[derive(Debug, thiserror::Error)]
enum RetentionError {
    #[error(transparent)]
    Drop(#[from] DropError),
    #[error("audit log: {0}")]
    Log(#[from] ReadError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("another user can change the archive: {0}")]
    Archive(String),
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Plans(#[from] PlanFileError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error("{0} can be undone, or is not finished: what it needs from the log stays")]
    Needed(String),
}

/// Whoever can write the archive could put something else in the place of what was dropped.
fn open_archive(path: &Path) -> Result<Directory, RetentionError> {
    Directory::create_trusted(path, Links::Checked).map_err(|error| match error {
        TrustError::Access(error) => RetentionError::Storage(error),
        TrustError::Untrusted(problem) => RetentionError::Archive(problem.0),
    })
}

impl Retention {
    /// Drops what is too old or too much. What stands in the way is told once.
    pub(crate) fn run(&self) {
        if let Err(error) = self.remove_evidence(clock::now()) {
            tracing::warn!("evidence of closed incidents stays, ansai tries again: {error}");
        }
        let why = self.try_run(clock::now()).err().map(|error| error.to_string());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == why {
            return;
        }
        if let Some(why) = &why {
            tracing::warn!("the audit log is not shortened, ansai tries again: {why}");
        }
        *told = why;
    }

    /// Not while the time of day is in doubt: evidence may look old.
    fn remove_evidence(&self, now: Timestamp) -> Result<(), RetentionError> {
        match self.executor.clocks.doubt() {
            Some(_) => Ok(()),
            None => {
                let open = self.executor.state.open_ids()?;
                Ok(self.executor.evidence.remove_closed(&open, &self.audit_dir, now)?)
            }
        }
    }

    fn try_run(&self, now: Timestamp) -> Result<(), RetentionError> {
        if let Some(pending) = PendingDrop::interrupted(&self.audit_dir)? {
            self.finish(pending, now)?;
        }
        let sealed = ansai_audit::sealed(&self.audit_dir)?;
        let Some((wanted, reason)) = self.wanted(&sealed, now)? else { return Ok(()) };
        let needed = self.needed_since(wanted, now)?;
        let mut first = None;
        for segment in sealed.iter().filter(|segment| segment.next <= wanted) {
            match (&needed, self.begins(segment.next)?) {
                (Some((since, _)), Some(begins)) if begins >= *since => break,
                _ => first = Some(segment.next),
            }
        }
        let Some(first) = first else {
            return Err(RetentionError::Needed(needed.map_or_else(String::new, |(_, what)| what)));
        };
        let archive = self.settings.archive.as_deref().map(open_archive).transpose()?;
        // Before the drop, so that the local head never names a record that is gone.
        self.heads.keep(now);
        let request = DropRequest { first, reason, archive: archive.as_ref(), at_ms: now.as_millis() };
        let pending = PendingDrop::begin(&self.audit_dir, request, &self.heads.key(now)?)?;
        self.finish(pending, now)?;
        match needed {
            Some((_, what)) if first < wanted => Err(RetentionError::Needed(what)),
            _ => Ok(()),
        }
    }

    /// The segment that should become the first one; `None` if the log is within its bounds.
    fn wanted(
        &self,
        sealed: &[SealedSegment],
        now: Timestamp,
    ) -> Result<Option<(SegmentName, DropReason)>, RetentionError> {
        let mut total: u64 = sealed.iter().map(|segment| segment.bytes).sum();
        // The segment that is written to may become as large.
        let most = self.settings.max_bytes.saturating_sub(segment_bytes(&self.settings));
        let mut wanted = None;
        for segment in sealed {
            let is_too_much = total > most;
            let is_too_old = match self.settings.keep {
                Some(keep) if !is_too_much => {
                    let begins = self.begins(segment.next)?;
                    begins.and_then(|begins| now.checked_since(begins)).is_some_and(|age| age > keep)
                }
                _ => false,
            };
            if !is_too_much && !is_too_old {
                break;
            }
            wanted = Some((segment.next, if is_too_much { DropReason::Size } else { DropReason::Age }));
            total = total.saturating_sub(segment.bytes);
        }
        Ok(wanted)
    }

    /// The time of the first record of a segment.
    fn begins(&self, segment: SegmentName) -> Result<Option<Timestamp>, RetentionError> {
        let entry = ansai_audit::first_record(&self.audit_dir, segment)?;
        Ok(entry.and_then(|entry| serde_json::from_slice::<Record>(&entry.payload).ok()).map(|record| record.at))
    }

    /// The time since which records are needed, and by what. Looks only at plans that are older than `wanted`.
    fn needed_since(&self, wanted: SegmentName, now: Timestamp) -> Result<Option<(Timestamp, String)>, RetentionError> {
        let mut needed: Option<(Timestamp, String)> = None;
        let mut need = |since: Timestamp, what: String| {
            if needed.as_ref().is_none_or(|(known, _)| since < *known) {
                needed = Some((since, what));
            }
        };
        let interrupted = self.executor.state.interrupted_steps()?;
        for step in &interrupted {
            need(self.executor.plans.get(&step.plan)?.0.at, format!("plan {}", step.plan));
        }
        let healing = self.incidents.healing.ids();
        for incident in self.executor.state.begun_incidents()? {
            if let Some(begun) = incident.last_begun.filter(|_| healing.contains(&incident.id)) {
                need(begun, format!("incident {}", incident.id));
            }
        }
        let until = self.begins(wanted)?;
        for id in self.executor.plans.ids()? {
            let file = match self.executor.plans.get(&id) {
                Ok((file, _)) => file,
                // It cannot be undone either.
                Err(error) => {
                    tracing::debug!("plan {id} needs no records: {error}");
                    continue;
                }
            };
            if until.is_some_and(|until| file.at > until) {
                break;
            }
            if self.can_be_undone(&file, now) {
                need(file.at, format!("plan {id}"));
                // Ids sort by time.
                break;
            }
        }
        Ok(needed)
    }

    fn can_be_undone(&self, file: &PlanFile, now: Timestamp) -> bool {
        let kept = self.settings.keep.map_or(UNDO_KEPT, |keep| keep.min(UNDO_KEPT));
        file.steps.iter().map(|step| self.executor.planned(step, file.at)).any(|step| {
            let until = step.undo_until.map_or_else(|| file.at + kept, |until| until + EXPIRES_WITHIN);
            step.preview.reversible.is_any() && now < until
        })
    }

    /// Records a signed drop, removes the segments, and then the files of plans that only they told about.
    fn finish(&self, pending: PendingDrop, now: Timestamp) -> Result<(), RetentionError> {
        if !self.is_recorded(&pending)? {
            self.journal.durable(now, dropped::event(pending.beginning()))?;
        }
        pending.remove()?;
        self.remove_plans()
    }

    fn is_recorded(&self, pending: &PendingDrop) -> Result<bool, RetentionError> {
        let mut recorded = RecordedDrop::default();
        for entry in Reader::open(&self.audit_dir)? {
            recorded.see(&entry?);
        }
        Ok(recorded.is_of(pending.beginning()))
    }

    fn remove_plans(&self) -> Result<(), RetentionError> {
        let first = Reader::open(&self.audit_dir)?.next().transpose()?;
        let record = first.and_then(|entry| serde_json::from_slice::<Record>(&entry.payload).ok());
        let Some(begins) = record.map(|record| record.at) else { return Ok(()) };
        for id in self.executor.plans.ids()? {
            match self.executor.plans.get(&id) {
                Ok((file, _)) if file.at >= begins => break,
                Ok(_) => {
                    self.executor.evidence.remove_of_plan(&id)?;
                    self.executor.plans.remove(&id)?;
                }
                Err(error) => tracing::warn!("the files of plan {id} are kept: {error}"),
            }
        }
        Ok(())
    }
}
