//! Reading one directory in large pieces. What is read is kept as bytes in buffers that are used again: nothing is
//! allocated for an entry.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, RawDir, SeekFrom};
use rustix::io::Errno;

/// Bytes that the kernel is asked for at once.
const PIECE: usize = 32 << 10;

/// Where the kernel writes to, shared by all listings of a walk.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    pub(super) fn new() -> Buffer {
        Buffer(Vec::with_capacity(PIECE))
    }
}

/// A piece of a directory.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// Names one after the other, each with its NUL.
    names: Vec<u8>,
    entries: Vec<Named>,
    /// The next of `entries`.
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Named {
    begin: usize,
    end: usize,
    kind: FileType,
    /// Where reading goes on after it.
    after: u64,
}

/// A directory that is open, and what was read of it.
#[derive(Debug)]
pub(super) struct Listing {
    fd: OwnedFd,
    piece: Piece,
}

/// One name in a directory.
pub(super) struct Name<'a> {
    pub(super) name: &'a CStr,
    /// [`FileType::Unknown`] where the file system does not say.
    pub(super) kind: FileType,
    /// Where reading goes on after it, as the file system counts; 0 is the beginning.
    pub(super) after: u64,
}

impl Listing {
    /// Goes on where reading stopped. `piece` is one whose memory is used again.
    pub(super) fn at(fd: OwnedFd, place: u64, mut piece: Piece) -> rustix::io::Result<Listing> {
        if place != 0 {
            rustix::fs::seek(&fd, SeekFrom::Start(place))?;
        }
        piece.clear();
        Ok(Listing { fd, piece })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Ends reading, and gives the memory back.
    pub(super) fn close(self) -> Piece {
        self.piece
    }

    /// The next name, but for `.` and `..`; `None` at the end.
    pub(super) fn next(&mut self, buffer: &mut Buffer) -> rustix::io::Result<Option<(BorrowedFd<'_>, Name<'_>)>> {
        while self.piece.next >= self.piece.entries.len() {
            if !self.piece.read(self.fd.as_fd(), buffer)? {
                return Ok(None);
            }
        }
        let entry = self.piece.entries.get(self.piece.next).copied();
        self.piece.next += 1;
        let name = entry.and_then(|entry| {
            let name = CStr::from_bytes_with_nul(self.piece.names.get(entry.begin..entry.end)?).ok()?;
            Some((self.fd.as_fd(), Name { name, kind: entry.kind, after: entry.after }))
        });
        Ok(name)
    }
}

impl Piece {
    fn clear(&mut self) {
        self.names.clear();
        self.entries.clear();
        self.next = 0;
    }

    /// Reads the next piece; false at the end.
    fn read(&mut self, fd: BorrowedFd<'_>, buffer: &mut Buffer) -> rustix::io::Result<bool> {
        self.clear();
        let space: &mut [MaybeUninit<u8>] = buffer.0.spare_capacity_mut();
        let mut raw = RawDir::new(fd, space);
        while let Some(entry) = raw.next() {
            let entry = match entry {
                // A directory that was removed while it is read.
                Err(Errno::NOENT) => break,
                entry => entry?,
            };
            let name = entry.file_name().to_bytes_with_nul();
            if !matches!(name, b".\0" | b"..\0") {
                let begin = self.names.len();
                self.names.extend_from_slice(name);
                let (kind, after) = (entry.file_type(), entry.next_entry_cookie());
                self.entries.push(Named { begin, end: self.names.len(), kind, after });
            }
            if raw.is_buffer_empty() {
                return Ok(true);
            }
        }
        Ok(!self.entries.is_empty())
    }
}
