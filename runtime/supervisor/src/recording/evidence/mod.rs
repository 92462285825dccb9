//! Keeps what steps captured: masked, bounded, and each with its hash in the audit log. The store is that of recordings: a
//! private file for each item, compressed, written whole or not at all.

mod room;
mod since;
mod treat;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_audit::{Class, Listed, PutError, ReadError, RecordingId, Recordings, RecordingsError, Retention};
use ansai_core::event::{EvidenceDrop, EvidenceRef};
use ansai_core::text::inert;
use ansai_core::{Bytes, Event, Millis, Timestamp};
use ansai_kit::action::Captured;
use ansai_kit::redact::Redactor;
use ansai_storage::{Directory, StorageError};
use sha2::{Digest as _, Sha256};

use self::room::{Item, MOST_IN_ALL};
use self::since::Since;
use super::journal::{Journal, JournalError};
use crate::clock;
use crate::ids::StepId;

/// The directory in the state directory.
pub(crate) const EVIDENCE: &str = "evidence";
/// Only so many items of one step are kept.
const MOST_OF_STEP: usize = 16;
/// The longest name of an item.
const MOST_NAME: usize = 200;
/// How long evidence of a closed incident is kept. A person may read it after the weekend.
const KEPT: Millis = Millis::from_hours(7 * 24);

/// Evidence was not kept, or not removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvidenceError {
    #[error(transparent)]
    Put(#[from] PutError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("audit log: {0}")]
    Log(#[from] ReadError),
    #[error("evidence cannot have the id {0}")]
    Id(String),
}

/// What is kept of one step, and what is not.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) items: Vec<EvidenceRef>,
    /// Why the others are not kept.
    pub(crate) lost: Vec<String>,
}

/// All that is kept.
pub(crate) struct Evidence {
    store: Mutex<Recordings>,
    journal: Arc<Journal>,
    /// Since when items of closed incidents are kept. So the log is read again only for another one.
    since: Mutex<BTreeMap<RecordingId, Timestamp>>,
}

impl Evidence {
    /// Opens the store in a directory.
    pub(crate) fn open(directory: Directory, journal: Arc<Journal>) -> Result<Evidence, RecordingsError> {
        // More than is used: this module makes room, and records it first.
        let retention = Retention { quota_bytes: 2 * MOST_IN_ALL, ..Retention::default() };
        Ok(Evidence { store: Mutex::new(Recordings::open(directory, retention)?), journal, since: Mutex::default() })
    }

    /// Keeps what a step captured, durably. Whoever records the step records the hashes.
    pub(crate) fn keep(
        &self,
        step: StepId<'_>,
        incident: Option<&str>,
        captured: &[Captured],
        redactor: &Redactor,
    ) -> Kept {
        let mut kept = Kept::default();
        for (number, one) in captured.iter().enumerate().take(MOST_OF_STEP) {
            let name = inert(&redactor.redact(&one.name).text, MOST_NAME);
            let content = treat::treated(&one.content, redactor);
            match self.put(step, incident, number, &content) {
                Ok((id, sha256)) => kept.items.push(EvidenceRef {
                    id,
                    name,
                    bytes: Bytes::new(content.len() as u64),
                    sha256: hex::encode(sha256),
                }),
                Err(error) => kept.lost.push(format!("{name}: {error}")),
            }
        }
        if let Some(more) = captured.len().checked_sub(MOST_OF_STEP).filter(|more| *more > 0) {
            kept.lost.push(format!("{more} more: a step has at most {MOST_OF_STEP}"));
        }
        kept
    }

    fn put(
        &self,
        step: StepId<'_>,
        incident: Option<&str>,
        number: usize,
        content: &str,
    ) -> Result<(String, [u8; 32]), EvidenceError> {
        let incident = incident_part(incident);
        let text = format!("{incident}.{}.{}.{number}", step.plan, step.step);
        let id: RecordingId = text.parse().map_err(|_| EvidenceError::Id(text.clone()))?;
        let mut store = self.store();
        let instance = step.instance.as_str();
        let new = Item::new(id.clone(), instance, &incident, content.len() as u64);
        let victims = room::victims(items(&store), &new);
        self.remove(&mut store, victims, EvidenceDrop::Room)?;
        let stored = store.put(&id, instance, Class::Evidence, content.as_bytes())?;
        Ok((text, stored.sha256))
    }

    /// Removes what a crash left of a step: no record has its hash.
    pub(crate) fn remove_of_step(&self, plan: &str, step: u32) -> Result<(), EvidenceError> {
        let step = step.to_string();
        let is_of = |parts: &[&str]| parts.get(1) == Some(&plan) && parts.get(2) == Some(&step.as_str());
        self.remove_where(EvidenceDrop::Unrecorded, |one| is_of(&parts(one)))
    }

    /// Removes what the steps of a plan captured, because the audit log no longer has its records.
    pub(crate) fn remove_of_plan(&self, plan: &str) -> Result<(), EvidenceError> {
        self.remove_where(EvidenceDrop::Retention, |one| parts(one).get(1) == Some(&plan))
    }

    /// Removes what was kept long enough after its incident closed, by the records in `log`. `open` has the ids of the open
    /// incidents.
    pub(crate) fn remove_closed(
        &self,
        open: &BTreeSet<String>,
        log: &Directory,
        now: Timestamp,
    ) -> Result<(), EvidenceError> {
        let open: BTreeSet<String> = open.iter().map(|id| incident_part(Some(id))).collect();
        let is_closed = |one: &Listed| parts(one).first().is_none_or(|incident| !open.contains(*incident));
        let closed: Vec<Listed> = self.store().list().into_iter().filter(is_closed).collect();
        let old = self.old(&closed, log, now)?;
        self.remove_where(EvidenceDrop::Closed, |one| old.contains(&one.id))
    }

    fn old(&self, closed: &[Listed], log: &Directory, now: Timestamp) -> Result<BTreeSet<RecordingId>, EvidenceError> {
        let mut known = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, _| closed.iter().any(|one| one.id == *id));
        if closed.iter().any(|one| !known.contains_key(&one.id)) {
            let recorded = Since::read(log)?;
            for one in closed {
                let incident = parts(one).first().copied().unwrap_or_default();
                // What the log does not name counts from now.
                known.entry(one.id.clone()).or_insert_with(|| recorded.of(one.id.as_str(), incident).unwrap_or(now));
            }
        }
        let is_old = |at: Timestamp| now.checked_since(at).is_some_and(|age| age > KEPT);
        Ok(known.iter().filter(|(_, at)| is_old(**at)).map(|(id, _)| id.clone()).collect())
    }

    fn remove_where(&self, why: EvidenceDrop, is_wanted: impl Fn(&Listed) -> bool) -> Result<(), EvidenceError> {
        let mut store = self.store();
        let ids = store.list().into_iter().filter(|one| is_wanted(one)).map(|one| one.id).collect();
        self.remove(&mut store, ids, why)
    }

    /// Records what goes before it goes: what is missing without a record was taken by somebody else.
    fn remove(&self, store: &mut Recordings, ids: Vec<RecordingId>, why: EvidenceDrop) -> Result<(), EvidenceError> {
        if ids.is_empty() {
            return Ok(());
        }
        let told = ids.iter().map(ToString::to_string).collect();
        self.journal.durable(clock::now(), Event::EvidenceDropped { ids: told, why })?;
        for id in ids {
            store.remove(&id)?;
        }
        Ok(())
    }

    fn store(&self) -> MutexGuard<'_, Recordings> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of an id that is the same for all items of an incident. Ids of incidents hold what policies choose.
fn incident_part(incident: Option<&str>) -> String {
    let digest = Sha256::digest(incident.unwrap_or_default().as_bytes());
    hex::encode(digest.get(..8).unwrap_or_default())
}

/// Incident, plan, step and number.
fn parts(listed: &Listed) -> Vec<&str> {
    listed.id.as_str().split('.').collect()
}

/// Oldest first.
fn items(store: &Recordings) -> Vec<Item> {
    let item = |one: &Listed| Item::new(one.id.clone(), &one.instance, parts(one).first().unwrap_or(&""), one.bytes);
    store.list().iter().rev().map(item).collect()
}
