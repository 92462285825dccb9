//! Reads a log from the beginning, with one record in memory at a time.

use std::collections::VecDeque;

use ansai_storage::{Directory, ToDirectory};

use crate::beginning::Beginning;
use crate::corruption::{Corruption, Fault, ReadError};
use crate::frame::{self, FrameHeader, Hash};
use crate::head::Head;
use crate::scan::{self, Scanned};
use crate::segment::{self, SegmentName};
use crate::storage::{ReadFile, StorageError};

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Sequence number, from 1.
    pub sequence: u64,
    /// Hash of the record, which the next record stores.
    pub hash: [u8; 32],
    /// The recorded bytes.
    pub payload: Vec<u8>,
    /// The segment that holds the record.
    pub segment: SegmentName,
    /// Offset of the frame in the segment, in bytes.
    pub offset: u64,
}

impl Entry {
    /// The head of the log at the time when this was its last record.
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash }
    }
}

/// Bytes after the last record that are not a record: an unfinished write, after a crash or while a writer is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The segment, which is always the last one.
    pub segment: SegmentName,
    /// Offset of the bytes; 0 if only the segment's beginning exists.
    pub offset: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// The sequence number of the unfinished record.
    pub sequence: u64,
}

/// How a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// With a whole record.
    Clean,
    /// With an unfinished write.
    Torn(Torn),
}

/// An iterator over the records of a log. It checks every frame, the sequence and the chain.
///
/// It needs no lock and can run while a writer appends. It ends at the last whole record, and [`Reader::tail`]
/// describes the rest. It also ends after the first error.
#[derive(Debug)]
pub struct Reader {
    directory: Directory,
    /// What was dropped before the first record.
    beginning: Option<Beginning>,
    upcoming: VecDeque<SegmentName>,
    current: Option<Current>,
    /// The last opened segment, also after it was read completely.
    last_segment: Option<SegmentName>,
    /// The last segment with a valid header, and the offset of the next frame.
    position: Option<(SegmentName, u64)>,
    next_sequence: u64,
    /// Hash of the previous record; `None` if the reader starts in the middle and has not read one yet.
    previous: Option<Hash>,
    /// Records before this one are checked but not returned.
    from: u64,
    segments: u64,
    tail: Option<Tail>,
    finished: bool,
}

#[derive(Debug)]
struct Current {
    name: SegmentName,
    file: ReadFile,
    /// Offset of the next frame.
    offset: u64,
    /// Whether another segment follows. Then nobody writes to this one any more, and no buffered data is older than
    /// that.
    sealed: bool,
    /// Whether the frame at `offset` was bad, in a way that no crash explains.
    rechecked: bool,
}

enum Step {
    Entry(Entry),
    End(Tail),
}

impl Reader {
    /// Reads a log from its first record, or from the first one that was kept.
    ///
    /// # Errors
    /// If the directory cannot be opened or listed, or the record of what was dropped is forged. A directory without
    /// segments is a log without records.
    pub fn open(directory: impl ToDirectory) -> Result<Self, ReadError> {
        Self::over(directory.to_directory()?, 1)
    }

    /// Reads a log from record `from`. Earlier segments are neither opened nor checked, nor is the chain's link to
    /// them.
    ///
    /// # Errors
    /// As [`Reader::open`]. A record that does not exist yet is not an error: the iterator is empty. If the record was
    /// dropped, the reader begins with the first one that was kept.
    pub fn from_sequence(directory: impl ToDirectory, from: u64) -> Result<Self, ReadError> {
        Self::over(directory.to_directory()?, from)
    }

    fn over(directory: Directory, from: u64) -> Result<Self, ReadError> {
        // Before the segments: what is dropped meanwhile is missing among them, and `restart` notices.
        let beginning = Beginning::read(&directory)?;
        let (begins, previous) = Beginning::start(beginning.as_ref());
        let mut upcoming = segment::list_from(&directory, begins)?;
        let later = upcoming.partition_point(|name| name.first_sequence() <= from);
        upcoming.drain(..later.saturating_sub(1));
        // Only a reader that starts later may begin with another segment than the first.
        let first = upcoming.first().map_or(begins, |name| name.first_sequence()).min(from.max(begins));
        Ok(Self {
            directory,
            beginning,
            upcoming: upcoming.into(),
            current: None,
            last_segment: None,
            position: None,
            next_sequence: first,
            previous: (first == begins).then_some(previous),
            from,
            segments: 0,
            tail: None,
            finished: false,
        })
    }

    /// If records were dropped since the reader was opened, begins again where the log begins now. Only before the
    /// first record: what was read already is not taken back.
    fn restart(&mut self) -> Result<bool, ReadError> {
        if self.segments > 0 {
            return Ok(false);
        }
        let again = Self::over(self.directory.clone(), self.from)?;
        let is_later = again.begins() > self.begins();
        if is_later {
            *self = again;
        }
        Ok(is_later)
    }

    fn begins(&self) -> u64 {
        Beginning::start(self.beginning.as_ref()).0
    }

    /// What was dropped before the first record; `None` if nothing was.
    pub fn beginning(&self) -> Option<&Beginning> {
        self.beginning.as_ref()
    }

    /// The end of the log; `None` until the iterator has ended without an error.
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// The last record read so far; `None` before the first one, if the reader starts in the middle.
    pub fn head(&self) -> Option<Head> {
        self.previous.map(|hash| Head { sequence: self.next_sequence.saturating_sub(1), hash })
    }

    /// Number of segments opened so far.
    pub fn segments(&self) -> u64 {
        self.segments
    }

    /// Place of the next record: in the last segment with a valid header, after all records read.
    pub(crate) fn position(&self) -> Option<(SegmentName, u64)> {
        self.position
    }

    /// After the end: the error that the log does not reach `expected`.
    pub(crate) fn ends_below(&self, expected: Head) -> Corruption {
        let (segment, offset) = match self.tail {
            Some(Tail::Torn(torn)) => (torn.segment, torn.offset),
            Some(Tail::Clean) | None => self.position.unwrap_or((SegmentName::starting_at(self.begins()), 0)),
        };
        let last = self.head().unwrap_or_else(Head::genesis);
        let torn = matches!(self.tail, Some(Tail::Torn(_)));
        let fault = Fault::CutBelowHead { expected, last, torn };
        Corruption { segment, offset, sequence: self.next_sequence, fault }
    }

    fn step(&mut self) -> Result<Step, ReadError> {
        loop {
            let Some(current) = self.current.as_mut() else {
                match self.open_next_segment()? {
                    None => continue,
                    Some(tail) => return Ok(Step::End(tail)),
                }
            };
            match scan::read_frame(&mut current.file)? {
                Scanned::Frame(header, payload) => return self.accept(&header, payload).map(Step::Entry),
                Scanned::End if current.sealed => self.current = None,
                Scanned::End => {
                    if !self.look_for_seal()? {
                        return Ok(Step::End(Tail::Clean));
                    }
                }
                Scanned::Bad(fault) => {
                    if let Some(torn) = self.examine_bad_frame(fault)? {
                        return Ok(Step::End(Tail::Torn(torn)));
                    }
                }
            }
        }
    }

    /// Opens the next segment; returns `Some` if there is none that can be read.
    fn open_next_segment(&mut self) -> Result<Option<Tail>, ReadError> {
        if !self.has_later_segment()? {
            return Ok(Some(Tail::Clean));
        }
        let Some(mut name) = self.upcoming.pop_front() else { return Ok(Some(Tail::Clean)) };
        if name.first_sequence() > self.next_sequence {
            // A listing may lack a segment that the writer began meanwhile, and have the one after it. A second listing has
            // both.
            self.upcoming.clear();
            if self.has_later_segment()? {
                name = self.upcoming.pop_front().unwrap_or(name);
            }
        }
        let opened = self.check_name(name).map_err(ReadError::from);
        let opened = opened.and_then(|()| Ok(ReadFile::open(&self.directory, &name.to_string())?));
        let mut file = match opened {
            Err(error) => return if self.restart()? { Ok(None) } else { Err(error) },
            Ok(file) => file,
        };
        self.last_segment = Some(name);
        let header = file.read(segment::HEADER_BYTES)?;
        let sealed = self.has_later_segment()?;
        if let Err(fault) = segment::check_header(&header) {
            let bytes = file.length()?;
            // A header is durable before the first frame is written, so a crash can damage a header only if no frame
            // follows.
            let only_begun = bytes <= segment::HEADER_BYTES && segment::is_unfinished(&header);
            if only_begun && !sealed {
                let torn = Torn { segment: name, offset: 0, bytes, sequence: self.next_sequence };
                return Ok(Some(Tail::Torn(torn)));
            }
            return Err(self.corruption(name, 0, fault).into());
        }
        self.segments += 1;
        self.position = Some((name, segment::HEADER_BYTES));
        self.current = Some(Current { name, file, offset: segment::HEADER_BYTES, sealed, rechecked: false });
        Ok(None)
    }

    fn check_name(&self, name: SegmentName) -> Result<(), Corruption> {
        match name.first_sequence().cmp(&self.next_sequence) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err(self.corruption(name, 0, Fault::OverlappingSegment)),
            std::cmp::Ordering::Greater if self.segments == 0 => {
                let found = name.first_sequence();
                let fault = match &self.beginning {
                    None => Fault::BeginningMissing { found },
                    Some(one) => Fault::BeginningExceeded { named: one.dropped.first, found },
                };
                Err(Corruption::at_the_beginning(self.next_sequence, fault))
            }
            std::cmp::Ordering::Greater => {
                let missing = SegmentName::starting_at(self.next_sequence);
                Err(self.corruption(missing, 0, Fault::MissingSegment { next: name }))
            }
        }
    }

    fn has_later_segment(&mut self) -> Result<bool, StorageError> {
        if self.upcoming.is_empty() {
            let last = self.last_segment;
            let all = segment::list_from(&self.directory, self.begins())?;
            self.upcoming = all.into_iter().filter(|name| Some(*name) > last).collect();
        }
        Ok(!self.upcoming.is_empty())
    }

    /// At the apparent end: whether the writer has begun another segment. If so, read the place again, because it may
    /// have been written in the meantime.
    fn look_for_seal(&mut self) -> Result<bool, StorageError> {
        let sealed = self.has_later_segment()?;
        if let Some(current) = self.current.as_mut().filter(|_| sealed) {
            current.file.go_to(current.offset)?;
            current.sealed = true;
        }
        Ok(sealed)
    }

    /// Distinguishes an unfinished write (`Some`), damage (an error), and a frame to read again (`None`).
    fn examine_bad_frame(&mut self, fault: Fault) -> Result<Option<Torn>, ReadError> {
        let next_sequence = self.next_sequence;
        let (name, offset, settled) = match &self.current {
            Some(current) => (current.name, current.offset, current.sealed || current.rechecked),
            None => return Ok(None),
        };
        if settled {
            return Err(self.corruption(name, offset, fault).into());
        }
        if self.look_for_seal()? {
            return Ok(None);
        }
        let Some(current) = self.current.as_mut() else { return Ok(None) };
        let end = current.file.length()?;
        if scan::has_frame_behind(&current.file, offset.saturating_add(1), end, next_sequence)?
            || scan::is_flipped_frame(&current.file, offset, end)?
        {
            // A crash cannot leave this. Either the log is damaged, or the writer was faster than this reader. Reading
            // it again decides.
            current.file.go_to(offset)?;
            current.rechecked = true;
            return Ok(None);
        }
        Ok(Some(Torn { segment: name, offset, bytes: end.saturating_sub(offset), sequence: next_sequence }))
    }

    /// Checks a whole frame against the previous record.
    fn accept(&mut self, header: &FrameHeader, payload: Vec<u8>) -> Result<Entry, ReadError> {
        let sequence = self.next_sequence;
        let Some(current) = self.current.as_mut() else {
            let name = SegmentName::starting_at(sequence);
            return Err(self.corruption(name, 0, Fault::HeaderCut).into());
        };
        let (segment, offset) = (current.name, current.offset);
        let fault = match (header.sequence.cmp(&sequence), self.previous) {
            (std::cmp::Ordering::Less, _) => Some(Fault::SequenceRepeated { found: header.sequence }),
            (std::cmp::Ordering::Greater, _) => Some(Fault::SequenceGap { found: header.sequence }),
            (_, Some(previous)) if previous != header.previous => Some(Fault::ChainBroken),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(self.corruption(segment, offset, fault).into());
        }
        current.offset = offset.saturating_add(header.frame_bytes());
        current.rechecked = false;
        self.position = Some((segment, current.offset));
        let hash = frame::record_hash(&header.previous, sequence, &payload);
        self.next_sequence = sequence.saturating_add(1);
        self.previous = Some(hash);
        Ok(Entry { sequence, hash, payload, segment, offset })
    }

    fn corruption(&self, segment: SegmentName, offset: u64, fault: Fault) -> Corruption {
        Corruption { segment, offset, sequence: self.next_sequence, fault }
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.finished {
            match self.step() {
                Ok(Step::Entry(entry)) if entry.sequence < self.from => {}
                Ok(Step::Entry(entry)) => return Some(Ok(entry)),
                Ok(Step::End(tail)) => {
                    self.tail = Some(tail);
                    self.finished = true;
                }
                Err(error) => {
                    self.finished = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl std::iter::FusedIterator for Reader {}
