//! Checking a whole log, in itself and against heads that were kept elsewhere.

use ansai_storage::{Access, Directory, StorageError, ToDirectory};

use crate::corruption::{Corruption, Fault, ReadError};
use crate::head::Head;
use crate::public_key::{LogId, PublicKey};
use crate::reader::{Entry, Reader, Tail};
use crate::segment::{self, SegmentName};
use crate::signed_head::SignedHead;

/// What a check of a whole log found to be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which log it is; `None` without records.
    pub log: Option<LogId>,
    /// Records, all of them whole, in sequence and chained.
    pub records: u64,
    /// Segments that hold them.
    pub segments: u64,
    /// The last record. Keep it elsewhere: it is what a later check is to be given.
    pub head: Head,
    /// Bytes behind the last record that are no record; not 0 after a crash, or beside a writer at work.
    pub torn_tail_bytes: u64,
}

/// Why a head proves nothing about this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadFault {
    /// It is not as it was signed.
    #[error("its signature is invalid")]
    Signature,
    /// It is signed, but by nobody who is trusted.
    #[error("its key is not trusted: {0}")]
    UnknownKey(PublicKey),
    /// The log begins with another record.
    #[error("it belongs to log {of}, this is log {found}")]
    OtherLog {
        /// The log it is of.
        of: LogId,
        /// The log that is there.
        found: LogId,
    },
}

/// Why a log is not what heads say.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log is not as it was written, or could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A head is not to be relied on; nothing is known about the log.
    #[error("the head of record {}: {fault}", head.head.sequence)]
    Head {
        /// The head.
        head: Box<SignedHead>,
        /// What is wrong with it.
        fault: HeadFault,
    },
}

/// A check with everything that is known about the log beforehand.
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
    /// The log must hold this record.
    pub fn expect(&mut self, head: Head) {
        self.heads.push(head);
    }

    /// The same, the head being of this very log and signed.
    pub fn expect_signed(&mut self, head: SignedHead) {
        self.heads.push(head.head);
        self.signed.push(head);
    }

    /// A key whose signature counts. Without any, whose signature it is goes unchecked.
    pub fn trust(&mut self, key: PublicKey) {
        self.keys.push(key);
    }

    /// Reads the whole log once, one record in memory at a time, and shows each to `visit` once its frame and its
    /// place in the chain were checked; nothing is changed.
    ///
    /// # Errors
    /// See [`VerifyError`]: heads first, then the first place of the log that is wrong.
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
    /// The id of the log in a directory; `None` while it has no record.
    ///
    /// # Errors
    /// When the first record is not as it was written, or cannot be read.
    pub fn of(directory: impl ToDirectory) -> Result<Option<Self>, ReadError> {
        let first = Reader::open(directory)?.next().transpose()?;
        Ok(first.map(|entry| Self(entry.hash)))
    }
}

/// Makes durable all records that a reader can see, also those that a writer at work has not synced yet.
///
/// # Errors
/// When the system refuses: then a head of what was read must not be kept.
pub fn make_durable(directory: impl ToDirectory) -> Result<(), StorageError> {
    let directory = directory.to_directory()?;
    // A segment is synced before the next one is begun.
    if let Some(last) = segment::list(&directory)?.last().map(SegmentName::to_string) {
        let file = directory.file(&last, Access::Read)?;
        file.sync_data().map_err(StorageError::at("sync", directory.path_of(&last)))?;
    }
    directory.sync()
}

/// Reads a whole log and checks every frame, the sequence and the chain; nothing is changed.
///
/// With `expected`, heads known from before, those records must be there with those hashes. Without any, a log that
/// was cut after a whole record or rewritten from some record on, consistently, cannot be told from a sound one.
///
/// # Errors
/// [`ReadError::Corrupt`] names the first place that is wrong, [`ReadError::Storage`] what could not be read.
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

/// Whether a record is the one that was known under its sequence.
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
