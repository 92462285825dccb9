//! A system call that is about to start, read from the stopped thread.

use std::fs::File;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::filter::Notified;
use crate::syscalls::{MUTATIONS, Place, SYNCS};

const FD: [Place; 1] = [Place::Fd(0)];
const CREATES: u64 = (libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY)) as u64;

/// A system call that is about to change a file or make one durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name: `unlinkat`, `fsync`, …
    pub name: &'static str,
    /// Absolute paths that it changes or syncs; for a rename or a link, two: source and target.
    pub paths: Vec<PathBuf>,
    /// Process id, whichever thread makes the call.
    pub pid: u32,
    /// Descriptor, buffer, length and offset, for the two calls that write one buffer.
    pub(super) written: Option<Written>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) descriptor: i32,
    pub(super) buffer: u64,
    pub(super) bytes: u64,
    pub(super) offset: Option<u64>,
}

impl Call {
    /// Whether it only makes something durable.
    pub fn is_sync(&self) -> bool {
        SYNCS.iter().any(|(name, _)| *name == self.name)
    }

    /// Whether it can be cut short.
    pub fn is_write(&self) -> bool {
        self.written.is_some()
    }

    /// Reads the call; `None` if it changes nothing, such as an open for reading.
    pub(super) fn read(notified: &Notified) -> Option<Self> {
        let number = libc::c_long::from(notified.data.nr);
        let arguments = notified.data.args;
        let thread = notified.pid;
        let changes = MUTATIONS.iter().find(|known| known.number == number).map(|known| (known.name, known.places));
        let syncs = || SYNCS.iter().find(|(_, known)| *known == number).map(|(name, _)| (*name, &FD[..]));
        let (name, places) = changes.or_else(syncs)?;
        let flags = match name {
            "open" => arguments[1],
            "openat" => arguments[2],
            "openat2" => u64::from_ne_bytes(memory(thread, arguments[2], 8).try_into().ok()?),
            _ => CREATES,
        };
        if flags & CREATES == 0 {
            return None;
        }
        let descriptor = |index: usize| {
            let link = match arguments[index] as i32 {
                libc::AT_FDCWD => format!("/proc/{thread}/cwd"),
                number => format!("/proc/{thread}/fd/{number}"),
            };
            std::fs::read_link(link).unwrap_or_default()
        };
        let path = |index: usize| match arguments[index] {
            0 => PathBuf::new(),
            pointer => text(thread, pointer),
        };
        let cwd = || std::fs::read_link(format!("/proc/{thread}/cwd")).unwrap_or_default();
        let paths = places.iter().map(|place| match *place {
            Place::Fd(at) => descriptor(at),
            Place::Path(at) => join(cwd, &path(at)),
            Place::At(base, at) => join(|| descriptor(base), &path(at)),
        });
        let written = |offset| {
            let [descriptor, buffer, bytes, ..] = arguments;
            Written { descriptor: descriptor as i32, buffer, bytes, offset }
        };
        let written = match name {
            "write" => Some(written(None)),
            "pwrite64" => Some(written(Some(arguments[3]))),
            _ => None,
        };
        Some(Self { name, paths: paths.collect(), pid: process_of(thread), written })
    }

    /// The first bytes of its buffer.
    pub(super) fn buffer(&self, bytes: usize) -> Vec<u8> {
        self.written.map_or_else(Vec::new, |written| memory(self.pid, written.buffer, bytes))
    }
}

fn join(base: impl Fn() -> PathBuf, path: &Path) -> PathBuf {
    match (path.is_absolute(), path.as_os_str().is_empty()) {
        (true, _) => path.to_owned(),
        (false, true) => base(),
        (false, false) => base().join(path),
    }
}

/// Reads a string of at most `PATH_MAX` bytes, which may end right before unmapped memory.
fn text(thread: u32, pointer: u64) -> PathBuf {
    const PAGE: u64 = 4096;
    let mut bytes = Vec::new();
    let mut at = pointer;
    while bytes.len() < 4096 {
        let part = memory(thread, at, (PAGE - at % PAGE) as usize);
        let end = part.iter().position(|byte| *byte == 0);
        bytes.extend(&part[..end.unwrap_or(part.len())]);
        if end.is_some() || part.is_empty() {
            break;
        }
        at += part.len() as u64;
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

fn memory(thread: u32, pointer: u64, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    let count = File::open(format!("/proc/{thread}/mem")).and_then(|memory| memory.read_at(&mut read, pointer));
    read.truncate(count.unwrap_or(0));
    read
}

fn process_of(thread: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    line.and_then(|id| id.trim().parse().ok()).unwrap_or(thread)
}
