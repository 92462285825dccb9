//! The key of the audit log and the local file with its newest head: see decision 0012.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_audit::{Durability, HeadFile, HeadFileError, Key, KeyError, Log, LogId, PublicKey, ReadError, SignedHead};
use ansai_core::event::Record;
use ansai_core::{Event, Timestamp};
use ansai_storage::{Directory, Location};

use super::journal::{Journal, JournalError};

/// The log, in the state directory.
pub(crate) const LOG: &str = "audit";
/// The key.
const KEY: &str = "audit.key";
/// A key that the log does not name yet.
const NEXT_KEY: &str = "audit.key.next";
/// The newest head.
const HEAD: &str = "audit.head";

/// The log of a state directory.
pub fn log_directory(state_dir: &Path) -> PathBuf {
    state_dir.join(LOG)
}

/// The key of a state directory.
pub fn key_file(state_dir: &Path) -> PathBuf {
    state_dir.join(KEY)
}

/// The newest head of a state directory.
pub fn head_file(state_dir: &Path) -> HeadFile {
    HeadFile::new(state_dir.join(HEAD))
}

fn head_in(state_dir: &Directory) -> HeadFile {
    HeadFile::new(Location::new(state_dir, HEAD))
}

/// The id of the log of a state directory.
fn log_id(state_dir: &Directory) -> Result<Option<LogId>, ReadError> {
    LogId::of(state_dir.subdirectory(LOG)?)
}

/// Heads cannot be signed, or the local head is not of this log.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The local head.
    #[error(transparent)]
    File(#[from] HeadFileError),
    /// The log.
    #[error("audit log: {0}")]
    Log(#[from] ReadError),
    /// The log could not be made durable, or the key could not be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log is not the one that the local head is of.
    #[error("{} is of log {of}, but the log is {found}: one of them was replaced", path.display())]
    OtherLog {
        /// The file with the head.
        path: PathBuf,
        /// The log that the head is of.
        of: LogId,
        /// The log that is there.
        found: LogId,
    },
    /// There is nothing to sign.
    #[error("the audit log has no record")]
    Empty,
}

impl HeadError {
    /// Whether the content is refused. Otherwise the system did not allow reading or writing it.
    pub fn is_refusal(&self) -> bool {
        match self {
            HeadError::Key(error) => !matches!(error, KeyError::Storage(_)),
            HeadError::File(error) => !matches!(error, HeadFileError::Storage(_)),
            HeadError::Log(error) => matches!(error, ReadError::Corrupt(_)),
            HeadError::OtherLog { .. } => true,
            HeadError::Journal(_) | HeadError::Empty => false,
        }
    }

    /// How to fix it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            HeadError::Key(error) => error.hint(),
            HeadError::File(error) => error.hint(),
            HeadError::OtherLog { .. } => {
                Some("restore the log that belongs to the head, or keep a copy of both as evidence and move both away")
            }
            HeadError::Log(_) | HeadError::Journal(_) | HeadError::Empty => None,
        }
    }

    /// The disk is full, which must not stop healing.
    fn is_for_lack_of_space(&self) -> bool {
        matches!(self, HeadError::Key(KeyError::Storage(error)) if error.is_out_of_space())
    }
}

/// The head that the log is known to have reached. Read before the log is opened.
pub(crate) fn known(state_dir: &Directory) -> Result<Option<SignedHead>, HeadError> {
    let file = head_in(state_dir);
    let Some(head) = file.read()? else { return Ok(None) };
    match log_id(state_dir) {
        Ok(Some(found)) if found != head.log => {
            Err(HeadError::OtherLog { path: file.path().to_owned(), of: head.log, found })
        }
        Ok(_) => Ok(Some(head)),
        // Opening a missing log reports that it falls short of the head.
        Err(ReadError::Storage(error)) if error.is_not_found() => Ok(Some(head)),
        // Opening it reports more details.
        Err(ReadError::Corrupt(_)) => Ok(Some(head)),
        Err(error) => Err(error.into()),
    }
}

/// Signs heads of an open log.
pub(crate) struct Heads {
    state_dir: Directory,
    journal: Arc<Journal>,
    signing: Mutex<Signing>,
}

#[derive(Default)]
struct Signing {
    key: Option<Key>,
    log: Option<LogId>,
    /// The one in the file.
    kept: Option<SignedHead>,
}

impl Heads {
    /// Over a log that was opened knowing `kept`. Creates the key where there is none, and records it where the log
    /// does not name it yet.
    pub(crate) fn open(
        state_dir: &Directory,
        kept: Option<SignedHead>,
        journal: Arc<Journal>,
        now: Timestamp,
    ) -> Result<Heads, HeadError> {
        let signing = Mutex::new(Signing { kept, ..Signing::default() });
        let heads = Heads { state_dir: state_dir.clone(), journal, signing };
        match heads.with_key(now, |_| Ok(())) {
            Err(error) if error.is_for_lack_of_space() => {
                tracing::warn!("heads of the audit log are not signed, ansai tries again with the next one: {error}");
            }
            made => made?,
        }
        Ok(heads)
    }

    /// The newest head, durable and signed.
    pub(crate) fn sign(&self, now: Timestamp) -> Result<SignedHead, HeadError> {
        self.with_key(now, |signing| {
            let head = self.journal.sync()?;
            let log = match signing.log {
                Some(log) => log,
                None => log_id(&self.state_dir)?.ok_or(HeadError::Empty)?,
            };
            signing.log = Some(log);
            let key = signing.key.as_ref().ok_or(HeadError::Empty)?;
            Ok(SignedHead::new(log, head, now.as_millis(), key))
        })
    }

    /// The key of the log, for the record of what is dropped.
    pub(crate) fn key(&self, now: Timestamp) -> Result<Key, HeadError> {
        self.with_key(now, |signing| signing.key.clone().ok_or(HeadError::Empty))
    }

    /// Writes the newest head to the local file, which tells a damaged end of the log from a torn one. An error goes to
    /// the log of the program: the next call tries again.
    pub(crate) fn keep(&self, now: Timestamp) {
        if let Err(error) = self.try_keep(now) {
            tracing::error!("the local head of the audit log is not updated, ansai tries again in a minute: {error}");
        }
    }

    fn try_keep(&self, now: Timestamp) -> Result<(), HeadError> {
        let newest = self.journal.head();
        if self.lock().kept.as_ref().is_some_and(|kept| kept.head == newest) {
            return Ok(());
        }
        let head = self.sign(now)?;
        let mut signing = self.lock();
        // Another thread may have written a later one meanwhile.
        if signing.kept.as_ref().is_none_or(|kept| kept.head.sequence < head.head.sequence) {
            head_in(&self.state_dir).write(&head).map_err(HeadFileError::from)?;
            signing.kept = Some(head);
        }
        Ok(())
    }

    fn with_key<T>(
        &self,
        now: Timestamp,
        work: impl FnOnce(&mut Signing) -> Result<T, HeadError>,
    ) -> Result<T, HeadError> {
        let mut signing = self.lock();
        if signing.key.is_none() {
            let file = Location::new(&self.state_dir, KEY);
            let key = match Key::read(file.clone())? {
                Some(key) => key,
                None => Key::make(file)?,
            };
            let before = signing.kept.as_ref().map(|head| head.key);
            // The log names a key before the first head that it signs.
            if before != Some(key.public()) {
                let replaces = before.map(|key| key.to_string());
                if replaces.is_some() {
                    tracing::warn!("the key of the audit log was replaced; the audit log records it");
                }
                let public_key = key.public().to_string();
                self.journal.durable(now, Event::AuditKey { public_key, replaces, endorsement: None })?;
            }
            signing.key = Some(key);
        }
        work(&mut signing)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Signing> {
        self.signing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates a new key, which the old one signs for in the log; answers both. No other process may have the log open.
pub fn rotate(state_dir: &Directory, now: Timestamp) -> Result<(PublicKey, PublicKey), RotateError> {
    let kept = known(state_dir)?;
    let file = Location::new(state_dir, KEY);
    let old = Key::read(file).map_err(HeadError::from)?.ok_or(RotateError::NoKey)?;
    let options = ansai_audit::Options { known: kept.map(|kept| kept.head), ..ansai_audit::Options::default() };
    let directory = state_dir.create_subdirectory(LOG).map_err(ansai_audit::OpenError::from)?;
    let (mut log, _) = Log::open(&directory, options)?;
    let id = LogId::of(&directory).map_err(HeadError::from)?.ok_or(HeadError::Empty)?;
    // Under another name until the log names it: a crash in between leaves the old one in force.
    let next = Key::make(Location::new(state_dir, NEXT_KEY)).map_err(HeadError::from)?;
    let event = Event::AuditKey {
        public_key: next.public().to_string(),
        replaces: Some(old.public().to_string()),
        endorsement: Some(hex::encode(old.endorse(id, next.public()))),
    };
    let payload =
        serde_json::to_vec(&Record { at: now, event }).map_err(JournalError::from).map_err(HeadError::from)?;
    let head = log.append(&payload, Durability::Synced).map_err(JournalError::from).map_err(HeadError::from)?;
    next.replace(state_dir, NEXT_KEY, KEY).map_err(HeadError::from)?;
    head_in(state_dir)
        .write(&SignedHead::new(id, head, now.as_millis(), &next))
        .map_err(|error| HeadError::from(HeadFileError::from(error)))?;
    Ok((old.public(), next.public()))
}

/// Why the key was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There is no key.
    #[error("there is no key yet")]
    NoKey,
    /// The log is in use or damaged.
    #[error(transparent)]
    Open(#[from] ansai_audit::OpenError),
    /// The key or the head.
    #[error(transparent)]
    Head(#[from] HeadError),
}
