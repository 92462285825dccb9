//! The writer of a log.

use std::sync::Arc;

use ansai_storage::{Directory, Location, ToDirectory};

use crate::ballast::{Ballast, BallastError};
use crate::frame::{self, MAX_PAYLOAD_BYTES};
use crate::head::Head;
use crate::reader::Entry;
use crate::recovery::{self, Check, OpenError, Recovery};
use crate::segment::{self, SegmentName};
use crate::storage::{self, AppendFile, Lock, StorageError};

/// Maximum size of one group of records on disk: 16 MiB.
pub const MAX_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Options of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Size in bytes above which a new segment begins. Default 8 MiB.
    pub segment_bytes: u64,
    /// Size in bytes of the reserve that is released when the disk is full; 0 for none. Default 1 MiB.
    pub reserve_bytes: u64,
    /// How much is checked on opening. Default: everything.
    pub check: Check,
    /// A head that is known to have been durable. If the log does not hold it, the log is not opened and its end is not
    /// cut off. Default: none.
    pub known: Option<Head>,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 8 * 1024 * 1024, reserve_bytes: 1024 * 1024, check: Check::Everything, known: None }
    }
}

/// When an append returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the record and all records before it survive a power failure.
    Synced,
    /// When the record survives the end of this process. The next synced append makes it durable.
    Buffered,
}

/// Why a record was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The payload exceeds the maximum; nothing was written.
    #[error("a record of {bytes} bytes is too large: at most {MAX_PAYLOAD_BYTES} are allowed")]
    TooLarge {
        /// Size of the payload in bytes.
        bytes: usize,
    },
    /// The group exceeds the maximum; nothing was written.
    #[error("a group of {bytes} bytes of records is too large: at most {MAX_GROUP_BYTES} are allowed")]
    GroupTooLarge {
        /// Size in bytes of all frames up to the first one that does not fit.
        bytes: usize,
    },
    /// The disk is full, even after the reserve was released. Nothing was written; the log can still be used.
    #[error("no space for the record: {0}")]
    NoSpace(StorageError),
    /// The system refused the write. Nothing was written; the log can still be used.
    #[error(transparent)]
    Storage(StorageError),
    /// It is unknown what an earlier operation left on disk. Open the log again before you append.
    #[error("the log takes no more records: {0}")]
    Poisoned(String),
}

impl AppendError {
    /// How to fix it, for a person.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { .. } => Some("keep what is large as a recording and record its hash"),
            Self::GroupTooLarge { .. } => Some("append it in several groups"),
            Self::NoSpace(_) => Some("free some space, then replenish the reserve"),
            Self::Storage(_) => None,
            Self::Poisoned(_) => Some("look for errors of the disk in the kernel log, then restart"),
        }
    }
}

impl From<StorageError> for AppendError {
    fn from(error: StorageError) -> Self {
        if error.is_out_of_space() { Self::NoSpace(error) } else { Self::Storage(error) }
    }
}

/// The only writer of a log. Readers can run at the same time.
#[derive(Debug)]
pub struct Log {
    directory: Directory,
    segment_bytes: u64,
    reserve: Ballast,
    head: Head,
    active: Option<Active>,
    poisoned: Option<String>,
    _lock: Lock,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active {
    file: Arc<AppendFile>,
    /// Size of the header and all whole frames, in bytes.
    length: u64,
}

/// Whether a writer has the log in a directory open now. Keeps no other process from opening it.
///
/// # Errors
/// The system refuses.
pub fn is_open(directory: &Directory) -> Result<bool, StorageError> {
    storage::is_locked(directory)
}

impl Log {
    /// Opens the log in a directory, creates the directory if it is missing, and cuts off an unfinished write.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another writer has it open; [`OpenError::Corrupt`] if the log is damaged in a way that
    /// no crash explains; [`OpenError::Storage`] if the system refuses.
    pub fn open(directory: impl ToDirectory, options: Options) -> Result<(Self, Recovery), OpenError> {
        Self::open_seeing(directory, options, |_| ())
    }

    /// The same, and passes each record that is checked to `see`.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_seeing(
        directory: impl ToDirectory,
        options: Options,
        see: impl FnMut(&Entry),
    ) -> Result<(Self, Recovery), OpenError> {
        let directory = directory.to_created_directory()?;
        let lock = storage::try_lock(&directory)?;
        let lock = lock.ok_or_else(|| OpenError::InUse(directory.path().to_owned()))?;
        let reserve = Ballast::new(Location::new(&directory, "reserve"), options.reserve_bytes);
        let found = recovery::recover(&directory, options.check, options.known, &reserve, see)?;
        let active = match found.last {
            Some((name, length)) => {
                Some(Active { file: Arc::new(AppendFile::open(&directory, &name.to_string())?), length })
            }
            None => None,
        };
        let log = Self {
            directory,
            segment_bytes: options.segment_bytes,
            reserve,
            head: found.head,
            active,
            poisoned: None,
            _lock: lock,
        };
        let reserve = log.replenish();
        Ok((log, Recovery { head: found.head, cut: found.cut, reserve }))
    }

    /// The last appended record.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Appends one record. On success it is in the log; on an error it is not, except after [`AppendError::Poisoned`],
    /// when it may be.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn append(&mut self, payload: &[u8], durability: Durability) -> Result<Head, AppendError> {
        self.append_group(&[payload], durability)
    }

    /// Appends several records with one write and one sync: all of them or none. Without records, makes earlier records
    /// durable.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn append_all<P: AsRef<[u8]>>(&mut self, payloads: &[P]) -> Result<Head, AppendError> {
        self.append_group(payloads, Durability::Synced)
    }

    /// Makes all appended records durable.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`] if a sync fails, now or earlier.
    pub fn sync(&mut self) -> Result<(), AppendError> {
        self.refuse_if_poisoned()?;
        self.sync_active()
    }

    /// Reserves the space again after it was released.
    ///
    /// # Errors
    /// If there is still too little space. The log works without the reserve.
    pub fn replenish(&self) -> Result<(), BallastError> {
        if self.reserve.bytes() == 0 { Ok(()) } else { self.reserve.ensure() }
    }

    /// Whether the space is reserved.
    pub fn has_reserve(&self) -> bool {
        self.reserve.is_full()
    }

    fn append_group<P: AsRef<[u8]>>(&mut self, payloads: &[P], durability: Durability) -> Result<Head, AppendError> {
        self.refuse_if_poisoned()?;
        let (frames, head) = self.encode(payloads)?;
        if !frames.is_empty() {
            self.roll_if_needed(frames.len() as u64)?;
            self.write(&frames)?;
        }
        if durability == Durability::Synced {
            self.sync_active()?;
        }
        self.head = head;
        Ok(head)
    }

    fn encode<P: AsRef<[u8]>>(&self, payloads: &[P]) -> Result<(Vec<u8>, Head), AppendError> {
        let mut frames = Vec::new();
        let mut head = self.head;
        for payload in payloads.iter().map(AsRef::as_ref) {
            let sequence = head.sequence.saturating_add(1);
            frame::encode(&mut frames, sequence, &head.hash, payload)
                .ok_or(AppendError::TooLarge { bytes: payload.len() })?;
            if frames.len() > MAX_GROUP_BYTES {
                return Err(AppendError::GroupTooLarge { bytes: frames.len() });
            }
            head = Head { sequence, hash: frame::record_hash(&head.hash, sequence, payload) };
        }
        Ok((frames, head))
    }

    /// Begins a new segment if the active one is full. If the disk has no room for a new file, continues the old
    /// segment: a segment that is too long is better than a missing record.
    fn roll_if_needed(&mut self, bytes: u64) -> Result<(), AppendError> {
        if let Some(active) = &self.active {
            let is_empty = active.length == segment::HEADER_BYTES;
            if is_empty || active.length.saturating_add(bytes) <= self.segment_bytes {
                return Ok(());
            }
        }
        // Only the last segment may end in an unfinished write.
        self.sync_active()?;
        let begun = match self.begin_segment() {
            Err(AppendError::NoSpace(_)) if recovery::release(&self.reserve) => self.begin_segment(),
            begun => begun,
        };
        match begun {
            Ok(active) => self.active = Some(active),
            Err(AppendError::NoSpace(error)) if self.active.is_some() => {
                tracing::warn!(%error, "no space for a new segment of the audit log, going on with the old one");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Creates an empty segment for the next record, durably.
    fn begin_segment(&mut self) -> Result<Active, AppendError> {
        let name = SegmentName::starting_at(self.head.sequence.saturating_add(1)).to_string();
        let file = AppendFile::create(&self.directory, &name)?;
        if let Err(error) = file.write(&segment::HEADER) {
            return match self.directory.remove(&name) {
                Ok(_) => Err(error.into()),
                Err(cause) => Err(self.poison(format!("{error}, and then {cause}"))),
            };
        }
        if let Err(error) = file.sync_data().and_then(|()| self.directory.sync()) {
            return Err(self.poison(error.to_string()));
        }
        Ok(Active { file: Arc::new(file), length: segment::HEADER_BYTES })
    }

    fn write(&mut self, frames: &[u8]) -> Result<(), AppendError> {
        match self.write_or_cut_back(frames) {
            Err(AppendError::NoSpace(_)) if recovery::release(&self.reserve) => self.write_or_cut_back(frames),
            written => written,
        }
    }

    /// Writes at the end of the active segment. After a failure, truncates the segment to its previous length.
    fn write_or_cut_back(&mut self, frames: &[u8]) -> Result<(), AppendError> {
        let Some(active) = self.active.as_mut() else {
            return Err(self.poison("there is no segment to write to".to_owned()));
        };
        let Err(error) = active.file.write(frames) else {
            active.length = active.length.saturating_add(frames.len() as u64);
            return Ok(());
        };
        match active.file.truncate(active.length) {
            Ok(()) => Err(error.into()),
            Err(cause) => Err(self.poison(format!("{error}, and then {cause}"))),
        }
    }

    /// Does not retry: after a failed sync the kernel may have dropped the data, and still report success the next
    /// time.
    fn sync_active(&mut self) -> Result<(), AppendError> {
        match self.active.as_ref().map(|active| active.file.sync_data()) {
            Some(Err(error)) => Err(self.poison(error.to_string())),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// The segment that is written to. Syncing it makes all records durable, because a segment is synced before the
    /// next one begins.
    pub(crate) fn active_file(&self) -> Option<Arc<AppendFile>> {
        self.active.as_ref().map(|active| active.file.clone())
    }

    pub(crate) fn refuse_if_poisoned(&self) -> Result<(), AppendError> {
        self.poisoned.clone().map_or(Ok(()), |why| Err(AppendError::Poisoned(why)))
    }

    pub(crate) fn poison(&mut self, why: String) -> AppendError {
        tracing::error!(%why, "the audit log takes no more records");
        self.poisoned = Some(why.clone());
        AppendError::Poisoned(why)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use std::path::Path;

    use super::*;
    use crate::verify;

    /// A log with one record in a file, whose active segment is then replaced by a device.
    fn log_on(directory: &Path, device: &str) -> Log {
        let devices = Directory::open("/dev").unwrap();
        let (mut log, _) = Log::open(directory, Options::default()).unwrap();
        log.append(b"before", Durability::Synced).unwrap();
        log.active.as_mut().unwrap().file = Arc::new(AppendFile::open(&devices, device).unwrap());
        log
    }

    fn expect_poisoned(mut log: Log, durability: Durability) {
        let directory = log.directory.clone();
        let head = log.head();
        let Err(AppendError::Poisoned(why)) = log.append(b"lost", durability) else { panic!("not poisoned") };
        for durability in [Durability::Buffered, Durability::Synced] {
            let again = log.append(b"after", durability).unwrap_err();
            assert!(matches!(&again, AppendError::Poisoned(same) if *same == why), "{again}");
        }
        assert!(matches!(log.append_all(&["after"]), Err(AppendError::Poisoned(_))));
        assert!(matches!(log.sync(), Err(AppendError::Poisoned(_))));
        assert_eq!(log.head(), head);
        drop(log);
        let (mut log, _) = Log::open(&directory, Options::default()).unwrap();
        let head = log.append(b"after opening anew", Durability::Synced).unwrap();
        assert_eq!(verify(&directory, Some(head)).unwrap().records, 2);
    }

    #[test]
    fn a_failed_sync_poisons() {
        // /dev/null accepts every write, but cannot be synced.
        let directory = tempfile::tempdir().unwrap();
        expect_poisoned(log_on(directory.path(), "null"), Durability::Synced);
    }

    #[test]
    fn a_failed_cut_back_poisons() {
        // /dev/full refuses every write, and cannot be truncated.
        let directory = tempfile::tempdir().unwrap();
        expect_poisoned(log_on(directory.path(), "full"), Durability::Buffered);
    }
}
