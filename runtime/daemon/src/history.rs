//! Reads the audit log of a state directory, without a lock, beside a daemon at work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_audit::{Corruption, Entry, Fault, ReadError, Reader, StorageError};
use ansai_core::event::Record;
use ansai_core::{Code, Event, codes, exit};

use crate::error::Error;
use crate::state;

/// The audit log does not answer.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It cannot be read; whether it was changed is unknown.
    #[error("cannot read the audit log: {0}")]
    Unreadable(#[from] StorageError),
    /// It was changed or damaged.
    #[error("the audit log was changed or damaged: {0}")]
    Corrupt(Corruption),
}

impl HistoryError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            HistoryError::Unreadable(_) => codes::AUDIT_UNREADABLE,
            HistoryError::Corrupt(corruption) => code_of(&corruption.fault),
        }
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            HistoryError::Unreadable(_) => "run as the user who runs ansai",
            HistoryError::Corrupt(_) => "keep a copy of the directory as evidence",
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit_code(&self) -> u8 {
        match self {
            HistoryError::Unreadable(_) => exit::UNKNOWN,
            HistoryError::Corrupt(_) => exit::REFUSED,
        }
    }
}

/// The code of a kind of damage.
pub fn code_of(fault: &Fault) -> Code {
    match fault {
        Fault::BeginningMissing { .. } => codes::AUDIT_BEGINNING_MISSING,
        Fault::BeginningForged { .. } => codes::AUDIT_BEGINNING_FORGED,
        Fault::BeginningReplayed { .. } => codes::AUDIT_BEGINNING_REPLAYED,
        Fault::BeginningExceeded { .. } => codes::AUDIT_BEGINNING_EXCEEDED,
        _ => codes::AUDIT_TAMPERED,
    }
}

impl From<ReadError> for HistoryError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt(corruption) => HistoryError::Corrupt(corruption),
            ReadError::Storage(error) => HistoryError::Unreadable(error),
        }
    }
}

/// The audit log of a state directory.
pub fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("audit")
}

/// The entries of the log, starting with a record; `None` if nothing was ever recorded.
///
/// # Errors
/// The log cannot be read. An entry that was changed or damaged is the last.
pub fn entries(
    state_dir: &Path,
    from: u64,
) -> Result<Option<impl Iterator<Item = Result<Entry, Error>> + use<>>, Error> {
    let directory = directory(state_dir);
    if !state::exists(&directory) {
        return Ok(None);
    }
    let reader = if from > 1 { Reader::from_sequence(&directory, from) } else { Reader::open(&directory) };
    let reader = reader.map_err(HistoryError::from)?;
    Ok(Some(reader.map(|entry| entry.map_err(|error| HistoryError::from(error).into()))))
}

/// What a record holds.
///
/// # Errors
/// It was written by another version, in a form that this one does not know.
pub fn record(entry: &Entry) -> Result<Record, serde_json::Error> {
    serde_json::from_slice(&entry.payload)
}

/// The hash of every recording that the log names, by its id. The log is verified on the way.
///
/// # Errors
/// The log cannot be read, or was changed.
pub fn recordings(state_dir: &Path) -> Result<BTreeMap<String, [u8; 32]>, Error> {
    let mut found = BTreeMap::new();
    let Some(entries) = entries(state_dir, 1)? else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        if let Ok(Record { event: Event::Evaluated { recording: Some(reference), .. }, .. }) = record(&entry) {
            let mut sha256 = [0; 32];
            if hex::decode_to_slice(&reference.sha256, &mut sha256).is_ok() {
                found.insert(reference.id, sha256);
            }
        }
    }
    Ok(found)
}
