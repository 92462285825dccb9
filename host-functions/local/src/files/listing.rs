//! Reads a directory in large pieces, into buffers that are used again: an entry costs no allocation.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, RawDir, SeekFrom};
use rustix::io::Errno;

/// The size of one read in bytes.
const PIECE: usize = 32 << 10;

/// The buffer that the kernel writes to. All listings of a walk share it.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    pub(super) fn new() -> Buffer {
        Buffer(Vec::with_capacity(PIECE))
    }
}

/// The entries of one read.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// All names, each with its NUL.
    names: Vec<u8>,
    entries: Vec<Named>,
    /// The index of the next entry.
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Named {
    begin: usize,
    end: usize,
    kind: FileType,
    /// Where reading continues after it.
    after: u64,
}

/// An open directory with the last entries that were read.
#[derive(Debug)]
pub(super) struct Listing {
    fd: OwnedFd,
    piece: Piece,
}

/// One name in a directory.
pub(super) struct Name<'a> {
    pub(super) name: &'a CStr,
    /// [`FileType::Unknown`] if the file system does not report it.
    pub(super) kind: FileType,
    /// Where reading continues after it, in the file system's own count; 0 is the beginning.
    pub(super) after: u64,
}

impl Listing {
    /// Continues where reading stopped. The memory of `piece` is used again.
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

    /// Closes the directory and returns its memory.
    pub(super) fn close(self) -> Piece {
        self.piece
    }

    /// The next name, without `.` and `..`; `None` at the end.
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

    /// Reads more entries; false at the end.
    fn read(&mut self, fd: BorrowedFd<'_>, buffer: &mut Buffer) -> rustix::io::Result<bool> {
        self.clear();
        let space: &mut [MaybeUninit<u8>] = buffer.0.spare_capacity_mut();
        let mut raw = RawDir::new(fd, space);
        while let Some(entry) = raw.next() {
            let entry = match entry {
                // The directory was removed while it is read.
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
