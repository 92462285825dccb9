//! Evidence that the audit log names: what steps captured.

use std::collections::BTreeMap;
use std::path::Path;

use ansai_audit::{Catalog, GetError, RecordingId, StorageError};
use ansai_core::event::{EvidenceDrop, EvidenceRef, Record};
use ansai_core::text::inert;
use ansai_core::{Code, Event, Timestamp, codes, exit};

use crate::error::Error;
use crate::{history, state};

/// Evidence cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The audit log names none for this.
    #[error("the audit log names no evidence for {0}")]
    Unknown(String),
    /// Its hash is not the one in the audit log, or its file is damaged.
    #[error("evidence {0} was changed or damaged: its hash is not the one in the audit log")]
    Changed(String),
    /// Nobody recorded that it was removed.
    #[error("evidence {0} is missing, and the audit log does not say that ansai removed it")]
    Missing(String),
    /// The store does not open, or a file cannot be read.
    #[error("evidence: {0}")]
    Store(#[from] StorageError),
}

impl EvidenceError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            EvidenceError::Unknown(_) => codes::UNKNOWN_EVIDENCE,
            EvidenceError::Changed(_) | EvidenceError::Missing(_) => codes::CHANGED_EVIDENCE,
            EvidenceError::Store(_) => codes::FILE_ACCESS,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> &'static str {
        match self {
            EvidenceError::Unknown(_) => "`ansai evidence` lists all of it",
            EvidenceError::Changed(_) | EvidenceError::Missing(_) => "find out who can write the state directory",
            EvidenceError::Store(_) => "run as the user who runs ansai",
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            EvidenceError::Unknown(_) => exit::USAGE,
            EvidenceError::Changed(_) | EvidenceError::Missing(_) => exit::REFUSED,
            EvidenceError::Store(_) => exit::UNKNOWN,
        }
    }
}

/// One item that the audit log names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvidence {
    /// When the outcome of its step was recorded.
    pub at: Timestamp,
    /// The instance of the plan.
    pub instance: String,
    /// The incident of the plan; none for a plan of the host itself.
    pub incident: Option<String>,
    /// The plan.
    pub plan: String,
    /// The step that captured it.
    pub step: u32,
    /// Id, name, size and hash.
    pub reference: EvidenceRef,
    /// Why ansai removed it, if it did.
    pub dropped: Option<EvidenceDrop>,
}

impl RecordedEvidence {
    /// Whether it is this item, or of this plan or incident.
    pub fn is_of(&self, wanted: &str) -> bool {
        self.reference.id == wanted || self.plan == wanted || self.incident.as_deref() == Some(wanted)
    }
}

/// Everything that the audit log names, oldest first. The log is verified on the way.
///
/// # Errors
/// The log cannot be read, or was changed.
pub fn recorded(state_dir: &Path) -> Result<Vec<RecordedEvidence>, Error> {
    let mut found: Vec<RecordedEvidence> = Vec::new();
    let (mut incidents, mut dropped) = (BTreeMap::new(), BTreeMap::new());
    for entry in history::entries(state_dir, 1)?.into_iter().flatten() {
        let Ok(Record { at, event }) = history::record(&entry?) else { continue };
        match event {
            Event::Planned { plan, incident: Some(incident), .. } => {
                incidents.insert(plan, incident);
            }
            Event::Outcome { plan, step, instance, evidence, .. } => {
                for reference in evidence {
                    let (incident, plan) = (incidents.get(&plan).cloned(), plan.clone());
                    let instance = instance.to_string();
                    found.push(RecordedEvidence { at, instance, incident, plan, step, reference, dropped: None });
                }
            }
            Event::EvidenceDropped { ids, why } => dropped.extend(ids.into_iter().map(|id| (id, why))),
            _ => {}
        }
    }
    for one in &mut found {
        // What a crash left was captured again under the same id.
        one.dropped = dropped.get(&one.reference.id).copied().filter(|why| *why != EvidenceDrop::Unrecorded);
    }
    Ok(found)
}

/// The stored evidence of a state directory.
pub struct StoredEvidence(Option<Catalog>);

impl StoredEvidence {
    /// Opens the store, without a lock.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(state_dir: &Path) -> Result<StoredEvidence, Error> {
        let directory = state_dir.join("evidence");
        let catalog = match state::exists(&directory) {
            true => Some(Catalog::open(&directory).map_err(EvidenceError::from)?),
            false => None,
        };
        Ok(StoredEvidence(catalog))
    }

    /// The content of an item, if its hash is the one in the audit log; `None` if ansai removed it.
    ///
    /// # Errors
    /// It was changed, or is missing without a record.
    pub fn read(&self, one: &RecordedEvidence) -> Result<Option<String>, EvidenceError> {
        let reference = &one.reference;
        let changed = || EvidenceError::Changed(inert(&reference.id, 200));
        let id: RecordingId = reference.id.parse().map_err(|_| changed())?;
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&reference.sha256, &mut sha256).map_err(|_| changed())?;
        let Some(catalog) = &self.0 else { return absent(one) };
        match catalog.get_verified(&id, &sha256) {
            Ok(content) => String::from_utf8(content).map(Some).map_err(|_| changed()),
            Err(GetError::Unknown(_)) => absent(one),
            Err(GetError::Storage(error)) => Err(error.into()),
            Err(GetError::Damaged { .. } | GetError::Tampered { .. }) => Err(changed()),
        }
    }
}

fn absent(one: &RecordedEvidence) -> Result<Option<String>, EvidenceError> {
    match one.dropped {
        Some(_) => Ok(None),
        None => Err(EvidenceError::Missing(inert(&one.reference.id, 200))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
    use ansai_audit::{Class, Recordings, Retention};
    use ansai_core::Bytes;

    use super::*;

    fn recorded(id: &str, sha256: [u8; 32]) -> RecordedEvidence {
        let (id, name, sha256) = (id.to_owned(), "lines".to_owned(), hex::encode(sha256));
        RecordedEvidence {
            at: Timestamp::EPOCH,
            instance: "one".into(),
            incident: None,
            plan: "p1".into(),
            step: 0,
            reference: EvidenceRef { id, name, bytes: Bytes::new(4), sha256 },
            dropped: None,
        }
    }

    /// Would break: an id that becomes a path, and a link that is followed although what it leads to has the right hash.
    #[test]
    fn hostile_ids_and_links_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (id, directory): (RecordingId, _) = ("0123.p1.0.0".parse().unwrap(), dir.path().join("evidence"));
        let mut store = Recordings::open(&directory, Retention::default()).unwrap();
        let stored = store.put(&id, "one", Class::Evidence, b"text").unwrap();
        drop(store);
        let read = |id: &str| StoredEvidence::open(dir.path()).unwrap().read(&recorded(id, stored.sha256));
        assert_eq!(read(id.as_str()).unwrap().as_deref(), Some("text"));
        for hostile in ["", "..", "../evidence/0123.p1.0.0", "/etc/passwd", "0123.p1.0.0/", "0123.p1.0.0\0", "a b", "Ä"]
        {
            assert!(matches!(read(hostile), Err(EvidenceError::Changed(_))), "{hostile:?}");
        }
        let files = std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path());
        let file = files.into_iter().find(|file| file.to_string_lossy().contains(id.as_str())).unwrap();
        let elsewhere = dir.path().join("elsewhere");
        std::fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert!(matches!(read(id.as_str()), Err(EvidenceError::Missing(_))), "a link");
    }
}
