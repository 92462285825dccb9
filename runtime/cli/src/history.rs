//! The audit log as commands read it: beside the daemon, without a lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ansai_audit::{Entry, ReadError, Reader, StorageError};
use ansai_core::Event;
use ansai_core::codes;
use ansai_core::event::Record;

use crate::exit::Fault;
use crate::state;

/// Where the log of a state directory is.
pub(crate) fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("audit")
}

/// The log from a record on; `None` where nothing was ever recorded.
pub(crate) fn reader(state_dir: &Path, from: u64) -> Result<Option<Reader>, Fault> {
    let directory = directory(state_dir);
    if !state::exists(&directory) {
        return Ok(None);
    }
    let reader = if from > 1 { Reader::from_sequence(&directory, from) } else { Reader::open(&directory) };
    reader.map(Some).map_err(|error| unreadable(&error))
}

/// A log that cannot be read may be sound: that is not known.
pub(crate) fn unreadable(error: &StorageError) -> Fault {
    Fault::new(ansai_core::exit::UNKNOWN, codes::AUDIT_UNREADABLE, format!("audit log: {error}"))
        .hint("run as the user who runs ansai")
}

/// Why reading ended.
pub(crate) fn broken(error: ReadError) -> Fault {
    match error {
        ReadError::Corrupt(corruption) => {
            Fault::refused(codes::AUDIT_TAMPERED, format!("the audit log is not as it was written: {corruption}"))
                .hint("keep a copy of the directory as evidence")
        }
        ReadError::Storage(error) => unreadable(&error),
    }
}

/// What a record holds.
pub(crate) fn record(entry: &Entry) -> Result<Record, serde_json::Error> {
    serde_json::from_slice(&entry.payload)
}

/// The hash of every recording that the log binds, by its id; the log is checked on the way.
pub(crate) fn recordings(state_dir: &Path) -> Result<BTreeMap<String, [u8; 32]>, Fault> {
    let mut found = BTreeMap::new();
    let Some(reader) = reader(state_dir, 1)? else { return Ok(found) };
    for entry in reader {
        let entry = entry.map_err(broken)?;
        if let Ok(Record { event: Event::Evaluated { recording: Some(reference), .. }, .. }) = record(&entry) {
            let mut sha256 = [0; 32];
            if hex::decode_to_slice(&reference.sha256, &mut sha256).is_ok() {
                found.insert(reference.id, sha256);
            }
        }
    }
    Ok(found)
}
