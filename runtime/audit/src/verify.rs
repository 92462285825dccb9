//! Checks a whole log, alone and against heads that were kept elsewhere.

use ansai_storage::{Access, Directory, StorageError, ToDirectory};

use crate::corruption::{Corruption, Fault, ReadError};
use crate::head::Head;
use crate::public_key::{LogId, PublicKey};
use crate::reader::{Entry, Reader, Tail};
use crate::segment::{self, SegmentName};
use crate::signed_head::SignedHead;

/// The result of checking a whole log that is intact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Id of the log; `None` without records.
    pub log: Option<LogId>,
    /// Number of records. All are whole, in sequence and chained.
    pub records: u64,
    /// Number of segments.
    pub segments: u64,
    /// The last record. Keep it elsewhere, and pass it to a later check.
    pub head: Head,
    /// Number of bytes after the last record that are not a record; can be above 0 after a crash, or while a writer is
    /// running.
    pub torn_tail_bytes: u64,
}

/// Why a head cannot be used to check this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadFault {
    /// Its signature does not match.
    #[error("its signature is invalid")]
    Signature,
    /// Its signature is valid, but the key is not trusted.
    #[error("its key is not trusted: {0}")]
    UnknownKey(PublicKey),
    /// It belongs to a log with another first record.
    #[error("it belongs to log {of}, this is log {found}")]
    OtherLog {
        /// The log of the head.
        of: LogId,
        /// The log that was checked.
        found: LogId,
    },
}

/// Why a log failed its check.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log is damaged, or could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A head cannot be used, so nothing is known about the log.
    #[error("the head of record {}: {fault}", head.head.sequence)]
    Head {
        /// The head.
        head: Box<SignedHead>,
        /// The problem.
        fault: HeadFault,
    },
}

/// Checks a log against everything that is known about it.
///
/// ```
/// use ansai_audit::{Durability, Key, Log, LogId, Options, SignedHead, Verifier};
///
/// let directory = tempfile::tempdir()?;
/// let (mut log, _) = Log::open(directory.path(), Options::default())?;
/// let head = log.append(b"{}", Durability::Synced)?;
/// let key = Key::from_seed([7; 32]);
/// let of = LogId::of(directory.path())?.expect("it has a record");
/// let kept = SignedHead::new(of, head, 1_790_000_000_000, &key);
///
/// let mut verifier = Verifier::default();
/// verifier.trust(key.public());
/// verifier.expect_signed(kept);
/// assert_eq!(verifier.run(directory.path(), |_| ())?.records, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    heads: Vec<Head>,
    signed: Vec<SignedHead>,
    keys: Vec<PublicKey>,
}

impl Verifier {
    /// Requires that the log holds this record.
    pub fn expect(&mut self, head: Head) {
        self.heads.push(head);
    }

    /// Requires that the log holds this head's record, and that the head is signed and belongs to this log.
    pub fn expect_signed(&mut self, head: SignedHead) {
        self.heads.push(head.head);
        self.signed.push(head);
    }

    /// Trusts a key. If no key is trusted, signatures of every key are accepted.
    pub fn trust(&mut self, key: PublicKey) {
        self.keys.push(key);
    }

    /// Reads the whole log once, with one record in memory at a time, and passes each checked record to `visit`.
    /// Changes nothing.
    ///
    /// # Errors
    /// See [`VerifyError`]: problems of heads first, then the first damaged place of the log.
    pub fn run(&self, directory: impl ToDirectory, mut visit: impl FnMut(&Entry)) -> Result<Verified, VerifyError> {
        for head in &self.signed {
            let fault = match self.keys.contains(&head.key) || self.keys.is_empty() {
                _ if !head.is_signed() => HeadFault::Signature,
                true => continue,
                false => HeadFault::UnknownKey(head.key),
            };
            return Err(VerifyError::Head { head: Box::new(head.clone()), fault });
        }
        let directory = directory.to_directory().map_err(ReadError::from)?;
        walk(directory, self.heads.clone(), |entry| {
            if entry.sequence == 1 {
                self.check_log(LogId(entry.hash))?;
            }
            visit(entry);
            Ok(())
        })
    }

    fn check_log(&self, found: LogId) -> Result<(), VerifyError> {
        match self.signed.iter().find(|head| head.log != found) {
            None => Ok(()),
            Some(head) => {
                let fault = HeadFault::OtherLog { of: head.log, found };
                Err(VerifyError::Head { head: Box::new(head.clone()), fault })
            }
        }
    }
}

impl LogId {
    /// Reads the id of the log in a directory; `None` if it has no record.
    ///
    /// # Errors
    /// If the first record is damaged, or cannot be read.
    pub fn of(directory: impl ToDirectory) -> Result<Option<Self>, ReadError> {
        let first = Reader::open(directory)?.next().transpose()?;
        Ok(first.map(|entry| Self(entry.hash)))
    }
}

/// Makes all records durable that a reader can see, including those that a running writer has not synced yet.
///
/// # Errors
/// If the system refuses. Then do not keep a head of what was read.
pub fn make_durable(directory: impl ToDirectory) -> Result<(), StorageError> {
    let directory = directory.to_directory()?;
    // A segment is synced before the next one begins.
    if let Some(last) = segment::list(&directory)?.last().map(SegmentName::to_string) {
        let file = directory.file(&last, Access::Read)?;
        file.sync_data().map_err(StorageError::at("sync", directory.path_of(&last)))?;
    }
    directory.sync()
}

/// Reads a whole log and checks every frame, the sequence and the chain. Changes nothing.
///
/// The records of the heads in `expected` must be in the log with those hashes. Without any head, a log that was cut
/// after a whole record, or consistently rewritten from some record on, looks intact.
///
/// # Errors
/// [`ReadError::Corrupt`] for the first damaged place, [`ReadError::Storage`] if a file cannot be read.
pub fn verify(directory: impl ToDirectory, expected: impl IntoIterator<Item = Head>) -> Result<Verified, ReadError> {
    walk(directory.to_directory()?, expected.into_iter().collect(), |_| Ok::<(), ReadError>(()))
}

fn walk<E: From<ReadError>>(
    directory: Directory,
    mut heads: Vec<Head>,
    mut visit: impl FnMut(&Entry) -> Result<(), E>,
) -> Result<Verified, E> {
    heads.sort_unstable_by_key(|head| head.sequence);
    let mut heads = heads.into_iter().peekable();
    let genesis = Head::genesis();
    while let Some(expected) = heads.next_if(|head| head.sequence == 0) {
        if expected != genesis {
            let fault = Fault::Rewritten { expected, found: genesis };
            let segment = SegmentName::starting_at(1);
            return Err(ReadError::from(Corruption { segment, offset: 0, sequence: 0, fault }).into());
        }
    }
    let mut reader = Reader::open(directory).map_err(ReadError::from)?;
    let mut log = None;
    for entry in reader.by_ref() {
        let entry = entry?;
        log.get_or_insert(LogId(entry.hash));
        visit(&entry)?;
        while let Some(expected) = heads.next_if(|head| head.sequence == entry.sequence) {
            check_expected(&entry, Some(expected)).map_err(ReadError::from)?;
        }
    }
    if let Some(expected) = heads.last() {
        return Err(ReadError::from(reader.ends_below(expected)).into());
    }
    let torn_tail_bytes = match reader.tail() {
        Some(Tail::Torn(torn)) => torn.bytes,
        Some(Tail::Clean) | None => 0,
    };
    let head = reader.head().unwrap_or(genesis);
    Ok(Verified { log, records: head.sequence, segments: reader.segments(), head, torn_tail_bytes })
}

/// Compares a record with the head that is known for its sequence number.
pub(crate) fn check_expected(entry: &Entry, expected: Option<Head>) -> Result<(), Corruption> {
    match expected.filter(|expected| expected.sequence == entry.sequence && expected.hash != entry.hash) {
        None => Ok(()),
        Some(expected) => Err(Corruption {
            segment: entry.segment,
            offset: entry.offset,
            sequence: entry.sequence,
            fault: Fault::Rewritten { expected, found: entry.head() },
        }),
    }
}
