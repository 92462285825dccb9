//! Drops sealed segments from the beginning of a log, so that the rest stays provable.
//!
//! The order makes every crash harmless: copy to the archive, sign what is dropped, record that in the log, remove. Until
//! the last step nothing is missing, and readers ignore segments before the signed beginning.

use std::path::PathBuf;

use ansai_storage::{Directory, Existing, StorageError, WriteOptions};
use rustix::fs::fstat;
use sha2::{Digest as _, Sha256};

use crate::beginning::{Beginning, Destination, DropReason, Dropped};
use crate::corruption::ReadError;
use crate::key::Key;
use crate::public_key::LogId;
use crate::reader::{Entry, Reader};
use crate::segment::{self, SegmentName};
use crate::storage::ReadFile;

/// Bytes that are copied at once.
const COPY_BYTES: usize = 64 * 1024;

/// A segment that nobody writes to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// Its name.
    pub name: SegmentName,
    /// Its size in bytes.
    pub bytes: u64,
    /// The segment after it.
    pub next: SegmentName,
}

/// What is dropped.
#[derive(Clone, Copy, Debug)]
pub struct DropRequest<'a> {
    /// The segment that becomes the first one.
    pub first: SegmentName,
    /// Why.
    pub reason: DropReason,
    /// Where the dropped segments are copied to before they are removed.
    pub archive: Option<&'a Directory>,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why nothing was dropped.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// The log is damaged. What is damaged is evidence, and stays.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The archive holds another segment of this name, of another log or a changed one.
    #[error("{} is not a copy of the segment of the audit log", .0.display())]
    Archived(PathBuf),
    /// The archive is the directory of the log.
    #[error("the archive {} is the directory of the audit log itself", .0.display())]
    ArchiveIsLog(PathBuf),
    /// There is nothing before that segment.
    #[error("there is no record before segment {0}")]
    Nothing(SegmentName),
}

/// A beginning that is dropped: signed, but the segments before it are still there. Record it durably in the log, then
/// call [`PendingDrop::remove`].
#[derive(Debug)]
#[must_use = "the segments are still there"]
pub struct PendingDrop {
    directory: Directory,
    beginning: Beginning,
}

/// The segments of a log that nobody writes to any more, oldest first.
///
/// # Errors
/// If the log cannot be read.
pub fn sealed(directory: &Directory) -> Result<Vec<SealedSegment>, ReadError> {
    let (first, _) = Beginning::start(Beginning::read(directory)?.as_ref());
    let segments = segment::list_from(directory, first)?;
    let mut sealed = Vec::with_capacity(segments.len());
    for (name, next) in segments.iter().zip(segments.iter().skip(1)) {
        let bytes = directory.metadata(name.to_string())?.length;
        sealed.push(SealedSegment { name: *name, bytes, next: *next });
    }
    Ok(sealed)
}

/// The first record of a segment.
///
/// # Errors
/// If it cannot be read.
pub fn first_record(directory: &Directory, segment: SegmentName) -> Result<Option<Entry>, ReadError> {
    Reader::from_sequence(directory, segment.first_sequence())?.next().transpose()
}

impl PendingDrop {
    /// Copies everything before a segment to the archive, and signs that it is dropped. Verifies what it drops.
    ///
    /// # Errors
    /// See [`DropError`]; nothing was dropped then.
    pub fn begin(directory: &Directory, request: DropRequest<'_>, key: &Key) -> Result<Self, DropError> {
        let DropRequest { first, reason, archive, at_ms } = request;
        // A crash may have left a part of a record.
        directory.remove_left_over()?;
        let before = Beginning::read(directory)?;
        let (from, _) = Beginning::start(before.as_ref());
        let mut log = before.as_ref().map(|one| one.dropped.log);
        let mut last = None;
        for entry in Reader::open(directory)? {
            let entry = entry?;
            if entry.sequence >= first.first_sequence() {
                break;
            }
            log.get_or_insert(LogId(entry.hash));
            last = Some(entry.head());
        }
        let is_whole = |last: &crate::head::Head| last.sequence.saturating_add(1) == first.first_sequence();
        let (log, last) = log.zip(last.filter(is_whole)).ok_or(DropError::Nothing(first))?;
        if let Some(archive) = archive {
            copy_to(archive, directory, before.as_ref(), first)?;
        }
        let to = if archive.is_some() { Destination::Archived } else { Destination::Deleted };
        let dropped = Dropped { log, from, first: first.first_sequence(), previous: last.hash, reason, to, at_ms };
        let beginning = Beginning::new(dropped, key);
        beginning.write(directory)?;
        Ok(Self { directory: directory.clone(), beginning })
    }

    /// A drop that a crash interrupted, after it was signed and before all segments were removed.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn interrupted(directory: &Directory) -> Result<Option<Self>, ReadError> {
        let Some(beginning) = Beginning::read(directory)? else { return Ok(None) };
        let is_left =
            segment::list(directory)?.first().is_some_and(|one| one.first_sequence() < beginning.dropped.first);
        Ok(is_left.then(|| Self { directory: directory.clone(), beginning }))
    }

    /// What is dropped.
    pub fn beginning(&self) -> &Beginning {
        &self.beginning
    }

    /// Removes the segments, oldest first. The caller has recorded the drop durably in the log.
    ///
    /// # Errors
    /// If the system refuses; [`PendingDrop::interrupted`] finds the rest.
    pub fn remove(self) -> Result<(), StorageError> {
        for name in segment::list(&self.directory)? {
            if name.first_sequence() < self.beginning.dropped.first {
                self.directory.remove(name.to_string())?;
            }
        }
        self.directory.sync()
    }
}

/// Copies all segments before `first`, each whole or not at all, and compares each copy.
fn copy_to(
    archive: &Directory,
    log: &Directory,
    before: Option<&Beginning>,
    first: SegmentName,
) -> Result<(), DropError> {
    if is_same(archive, log)? {
        return Err(DropError::ArchiveIsLog(archive.path().to_owned()));
    }
    archive.remove_left_over()?;
    // An archive that begins later than the log says what is missing before it.
    if let Some(before) = before.filter(|_| segment::list(archive).is_ok_and(|segments| segments.is_empty())) {
        before.write(archive)?;
    }
    let (start, _) = Beginning::start(before);
    for name in segment::list_from(log, start)?.into_iter().filter(|name| *name < first) {
        let name = name.to_string();
        let options = WriteOptions { existing: Existing::Refused, ..WriteOptions::default() };
        let source = ReadFile::open(log, &name)?;
        let written = archive.replace_with(&name, options, |file| {
            chunks(&source, |chunk| std::io::Write::write_all(file, chunk)).map_err(|error| error.cause)
        });
        match written {
            // A crash or an error came after an earlier copy.
            Err(error) if error.is_already_there() => {}
            written => drop(written?),
        }
        if digest(&source)? != digest(&ReadFile::open(archive, &name)?)? {
            return Err(DropError::Archived(archive.path_of(&name)));
        }
    }
    Ok(archive.sync()?)
}

fn is_same(one: &Directory, other: &Directory) -> Result<bool, StorageError> {
    let identity = |directory: &Directory| {
        let stat = fstat(directory).map_err(StorageError::at("examine", directory.path()))?;
        Ok::<_, StorageError>((stat.st_dev, stat.st_ino))
    };
    Ok(identity(one)? == identity(other)?)
}

fn digest(file: &ReadFile) -> Result<[u8; 32], StorageError> {
    let mut hash = Sha256::new();
    chunks(file, |chunk| {
        hash.update(chunk);
        Ok(())
    })?;
    Ok(hash.finalize().into())
}

/// Passes on a whole file in parts.
fn chunks(file: &ReadFile, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), StorageError> {
    let mut offset: u64 = 0;
    loop {
        let chunk = file.read_at(offset, COPY_BYTES)?;
        if chunk.is_empty() {
            return Ok(());
        }
        take(&chunk).map_err(StorageError::at("copy", PathBuf::new()))?;
        offset = offset.saturating_add(chunk.len() as u64);
    }
}
