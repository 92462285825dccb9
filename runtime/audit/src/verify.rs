//! Checks a whole log, alone and against heads that were kept elsewhere.

use ansai_storage::{Access, Directory, StorageError, ToDirectory};

use crate::beginning::Beginning;
use crate::corruption::{Corruption, Fault, ReadError};
use crate::head::Head;
use crate::public_key::{LogId, PublicKey};
use crate::reader::{Entry, Reader, Tail};
use crate::segment::{self, SegmentName};
use crate::signed_head::SignedHead;

/// The result of checking a whole log that is intact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Id of the log; `None` without records.
    pub log: Option<LogId>,
    /// Number of records, with those in the archive. All are whole, in sequence and chained.
    pub records: u64,
    /// How many of them are in the archive.
    pub archived: u64,
    /// What was dropped before the first of them; `None` if that is the very first one.
    pub beginning: Option<Beginning>,
    /// What the log itself says was dropped from it; differs from `beginning` if an archive was read too.
    pub dropped: Option<Beginning>,
    /// Heads of records that were dropped before the first one. Nothing is known about them.
    pub before: Vec<Head>,
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
    archive: Option<Directory>,
}

impl Verifier {
    /// Reads what was dropped from this directory first.
    pub fn archive(&mut self, archive: Directory) {
        self.archive = Some(archive);
    }

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
        walk(directory, self.archive.clone(), self.heads.clone(), |log, entry| {
            if let Some(log) = log {
                self.check_log(log)?;
            }
            entry.into_iter().for_each(&mut visit);
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
        let mut reader = Reader::open(directory)?;
        if let Some(beginning) = reader.beginning() {
            return Ok(Some(beginning.dropped.log));
        }
        let first = reader.next().transpose()?;
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
    walk(directory.to_directory()?, None, expected.into_iter().collect(), |_, _| Ok::<(), ReadError>(()))
}

/// Reads the archive, if there is one, and the log. `visit` gets the id of the log as soon as it is known, and each
/// record.
fn walk<E: From<ReadError>>(
    directory: Directory,
    archive: Option<Directory>,
    heads: Vec<Head>,
    mut visit: impl FnMut(Option<LogId>, Option<&Entry>) -> Result<(), E>,
) -> Result<Verified, E> {
    let mut reader = Reader::open(directory)?;
    let dropped = reader.beginning().cloned();
    let mut older = match (&dropped, archive) {
        (Some(dropped), Some(archive)) => Some((Reader::open(archive)?, dropped)),
        _ => None,
    };
    let beginning = older.as_ref().map_or(dropped.clone(), |(older, _)| older.beginning().cloned());
    let mut walked = Walked::new(heads, beginning.as_ref())?;
    if let Some(log) = dropped.iter().chain(&beginning).map(|one| one.dropped.log).next() {
        visit(Some(log), None)?;
    }
    let mut segments = 0;
    let mut log = None;
    let mut see = |entry: &Entry, walked: &mut Walked| -> Result<(), E> {
        // The first record of a log names it.
        let named = (entry.sequence == 1).then_some(LogId(entry.hash));
        log = log.or(named);
        visit(named, Some(entry))?;
        Ok(walked.compare(entry)?)
    };
    if let Some((older, dropped)) = older.as_mut() {
        for entry in older.by_ref() {
            let entry = entry?;
            if entry.sequence >= dropped.dropped.first {
                break;
            }
            see(&entry, &mut walked)?;
        }
        segments = older.segments();
        walked.check_archive(older, dropped)?;
    }
    let archived = walked.records;
    for entry in reader.by_ref() {
        see(&entry?, &mut walked)?;
    }
    if let Some(expected) = walked.heads.back() {
        return Err(ReadError::from(reader.ends_below(*expected)).into());
    }
    let torn_tail_bytes = match reader.tail() {
        Some(Tail::Torn(torn)) => torn.bytes,
        Some(Tail::Clean) | None => 0,
    };
    Ok(Verified {
        log: dropped.as_ref().map(|one| one.dropped.log).or(log),
        records: walked.records,
        archived,
        beginning,
        dropped,
        before: walked.before,
        segments: reader.segments().saturating_add(segments),
        head: reader.head().unwrap_or_else(Head::genesis),
        torn_tail_bytes,
    })
}

/// The records so far, and the heads that are still expected.
struct Walked {
    records: u64,
    last: Option<Head>,
    heads: std::collections::VecDeque<Head>,
    before: Vec<Head>,
}

impl Walked {
    /// Sorts the heads out that no record can be compared with.
    fn new(mut heads: Vec<Head>, beginning: Option<&Beginning>) -> Result<Self, ReadError> {
        heads.sort_unstable_by_key(|head| head.sequence);
        let known = [Some(Head::genesis()), beginning.map(|one| one.dropped.last())];
        let (mut before, mut after) = (Vec::new(), std::collections::VecDeque::new());
        let (first, _) = Beginning::start(beginning);
        for expected in heads {
            match known.into_iter().flatten().find(|known| known.sequence == expected.sequence) {
                Some(known) if known == expected => {}
                Some(found) => {
                    let fault = Fault::Rewritten { expected, found };
                    let segment = SegmentName::starting_at(first);
                    return Err(Corruption { segment, offset: 0, sequence: expected.sequence, fault }.into());
                }
                None if expected.sequence < first => before.push(expected),
                None => after.push_back(expected),
            }
        }
        Ok(Self { records: 0, last: None, heads: after, before })
    }

    fn compare(&mut self, entry: &Entry) -> Result<(), ReadError> {
        self.records = self.records.saturating_add(1);
        self.last = Some(entry.head());
        while let Some(expected) = self.heads.front().copied().filter(|head| head.sequence == entry.sequence) {
            check_expected(entry, Some(expected))?;
            self.heads.pop_front();
        }
        Ok(())
    }

    /// Whether the archive ends with the record that the log begins after.
    fn check_archive(&self, archive: &Reader, dropped: &Beginning) -> Result<(), ReadError> {
        let expected = dropped.dropped.last();
        match self.last.or_else(|| archive.beginning().map(|one| one.dropped.last())) {
            Some(last) if last == expected => Ok(()),
            Some(last) if last.sequence == expected.sequence => {
                let segment = archive.position().map_or(SegmentName::starting_at(1), |(name, _)| name);
                let fault = Fault::Rewritten { expected, found: last };
                Err(Corruption { segment, offset: 0, sequence: expected.sequence, fault }.into())
            }
            _ => Err(archive.ends_below(expected).into()),
        }
    }
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
