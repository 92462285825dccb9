//! Opens a log for writing, and cuts off a write that a crash left unfinished.

use std::path::PathBuf;

use ansai_storage::Directory;

use crate::ballast::{Ballast, BallastError};
use crate::corruption::{Corruption, ReadError};
use crate::head::Head;
use crate::reader::{Entry, Reader, Tail, Torn};
use crate::segment::{self, SegmentName};
use crate::storage::{AppendFile, ReadFile, StorageError};
use crate::verify::check_expected;

const COPY_BYTES: usize = 64 * 1024;

/// Maximum number of side files for one sequence number before opening fails.
const MAX_SIDE_FILES: u32 = 100;

/// What opening a log found and did.
#[derive(Debug)]
pub struct Recovery {
    /// The last whole record.
    pub head: Head,
    /// The unfinished write that was cut off, if any.
    pub cut: Option<CutTail>,
    /// Why the reserve is missing. The log works without it, but not on a full disk.
    pub reserve: Result<(), BallastError>,
}

/// An unfinished write that was cut off the end of a log.
#[derive(Debug)]
pub struct CutTail {
    /// Its place.
    pub torn: Torn,
    /// What happened to its bytes.
    pub kept: Kept,
}

/// What happened to the bytes of an unfinished write.
#[derive(Debug)]
pub enum Kept {
    /// They are in this file, in the directory of the segments.
    At(PathBuf),
    /// They are lost, because there was no space for them, even without the reserve.
    Lost(StorageError),
    /// There were none: a segment had been created, but nothing was written to it.
    Nothing,
}

/// Why a log cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another writer has the log open.
    #[error("the log in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The log is damaged, and no interrupted write explains it. Nothing was changed.
    #[error("the log in {} is corrupt: {corruption}", directory.display())]
    Corrupt {
        /// The directory of the log.
        directory: PathBuf,
        /// The damage and its place.
        corruption: Box<Corruption>,
    },
    /// The system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl OpenError {
    /// How to fix it, for a person.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InUse(_) => Some("stop the other process; reading the log needs no lock"),
            Self::Corrupt { .. } => Some(
                "keep a copy of the directory and of the head beside it as evidence, then move both away to start a new log",
            ),
            Self::Storage(error) if error.is_out_of_space() => Some("free some space"),
            Self::Storage(_) => None,
        }
    }
}

/// How much of a log is checked when it is opened for writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// Every record.
    #[default]
    Everything,
    /// The last two segments, for a log that takes too long to read at every start. [`verify`](crate::verify()) checks
    /// the rest.
    LastSegments,
}

/// The state of a log after its unfinished end was cut off.
pub(crate) struct Found {
    pub(crate) head: Head,
    pub(crate) cut: Option<CutTail>,
    /// The segment to continue, and its length in bytes.
    pub(crate) last: Option<(SegmentName, u64)>,
}

/// Reads the log, and cuts off an unfinished write at its end.
///
/// `known` is a head that was durable. If a record up to it is missing, no crash explains it.
pub(crate) fn recover(
    directory: &Directory,
    check: Check,
    known: Option<Head>,
    reserve: &Ballast,
    mut see: impl FnMut(&Entry),
) -> Result<Found, OpenError> {
    let corrupt =
        |corruption| OpenError::Corrupt { directory: directory.path().to_owned(), corruption: Box::new(corruption) };
    let failed = |error| match error {
        ReadError::Corrupt(corruption) => corrupt(corruption),
        ReadError::Storage(error) => OpenError::Storage(error),
    };
    let mut reader = reader(directory, check).map_err(failed)?;
    for entry in &mut reader {
        let entry = entry.map_err(failed)?;
        check_expected(&entry, known).map_err(corrupt)?;
        see(&entry);
    }
    let reached = reader.head().unwrap_or_else(Head::genesis).sequence;
    if let Some(known) = known.filter(|known| known.sequence > reached) {
        return Err(corrupt(reader.ends_below(known)));
    }
    let cut = match reader.tail() {
        Some(Tail::Torn(torn)) => Some(cut_off(directory, torn, reserve)?),
        Some(Tail::Clean) | None => None,
    };
    Ok(Found { head: reader.head().unwrap_or_else(Head::genesis), cut, last: reader.position() })
}

fn reader(directory: &Directory, check: Check) -> Result<Reader, ReadError> {
    let segments = segment::list(directory)?;
    match (check, segments.as_slice()) {
        // The last segment may have no records; then the head is in the one before it.
        (Check::LastSegments, [.., before, _]) => Reader::from_sequence(directory, before.first_sequence()),
        _ => Reader::open(directory),
    }
}

fn cut_off(directory: &Directory, torn: Torn, reserve: &Ballast) -> Result<CutTail, StorageError> {
    let segment = torn.segment.to_string();
    let kept = match keep(directory, &segment, torn) {
        Err(error) if error.is_out_of_space() => {
            release(reserve);
            keep(directory, &segment, torn)
        }
        kept => kept,
    };
    let kept = match kept {
        Err(error) if error.is_out_of_space() => Kept::Lost(error),
        kept => kept?,
    };
    if torn.offset < segment::HEADER_BYTES {
        directory.remove(&segment)?;
    } else {
        let file = AppendFile::open(directory, &segment)?;
        file.truncate(torn.offset)?;
        file.sync_data()?;
    }
    directory.sync()?;
    Ok(CutTail { torn, kept })
}

/// Releases the reserve; `true` if that may have made room.
pub(crate) fn release(reserve: &Ballast) -> bool {
    reserve.release().unwrap_or_else(|error| {
        tracing::warn!(%error, "the reserve of the audit log could not be released cleanly");
        true
    })
}

/// Copies the unfinished bytes to a side file, durably.
fn keep(directory: &Directory, segment: &str, torn: Torn) -> Result<Kept, StorageError> {
    if torn.bytes == 0 {
        return Ok(Kept::Nothing);
    }
    let (name, file) = create_side_file(directory, torn.sequence)?;
    let copied = ReadFile::open(directory, segment).and_then(|source| copy(&source, torn.offset, &file));
    if let Err(error) = copied.and_then(|()| directory.sync()) {
        directory.remove(&name)?;
        return Err(error);
    }
    Ok(Kept::At(directory.path_of(name)))
}

fn copy(source: &ReadFile, mut offset: u64, side_file: &AppendFile) -> Result<(), StorageError> {
    loop {
        let bytes = source.read_at(offset, COPY_BYTES)?;
        if bytes.is_empty() {
            return side_file.sync_data();
        }
        side_file.write(&bytes)?;
        offset = offset.saturating_add(bytes.len() as u64);
    }
}

/// Creates `torn-SEQUENCE`, or `torn-SEQUENCE.N` if an earlier crash left one: evidence is never overwritten.
fn create_side_file(directory: &Directory, sequence: u64) -> Result<(String, AppendFile), StorageError> {
    let mut number = 0;
    loop {
        let name = if number == 0 { format!("torn-{sequence}") } else { format!("torn-{sequence}.{number}") };
        match AppendFile::create(directory, &name) {
            Err(error) if error.is_already_there() && number < MAX_SIDE_FILES => number += 1,
            made => return made.map(|file| (name, file)),
        }
    }
}
