//! The host's processes in `/proc`, and what each has open.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's /proc")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ansai_core::Refusal;
use rustix::fs::{Mode, OFlags};

use super::identity::Stat;
use ansai_kit::host::Host;

/// The most that is read of one file of `/proc`.
const MOST_BYTES: u64 = 64 << 20;

/// A process, or a table of the kernel, that could not be read.
#[derive(Debug)]
pub(crate) struct Unseen;

/// How a descriptor was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Access {
    Read,
    /// For writing, or unknown.
    Write,
}

/// One open descriptor of a process.
#[derive(Debug)]
pub(crate) struct Handle {
    /// `/proc/<pid>/fd/<number>`.
    pub(crate) link: PathBuf,
    /// What it leads to. Sizes and times may be old if it is on a file server.
    pub(crate) stat: Stat,
}

impl Handle {
    /// From the permissions of the link, which show how the descriptor was opened (proc_pid_fd(5)).
    pub(crate) fn access(&self) -> Access {
        let writes = |mode: u32| mode & 0o222 != 0;
        match Stat::named(rustix::fs::CWD, &self.link) {
            Ok(link) if !writes(link.mode) => Access::Read,
            _ => Access::Write,
        }
    }
}

/// A process that has ended is `None`; one that may not be read is [`Unseen`].
pub(crate) fn unless_gone<T>(looked: std::io::Result<T>) -> Result<Option<T>, Unseen> {
    use rustix::io::Errno;
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::SRCH)) => Ok(None),
        Err(_) => Err(Unseen),
    }
}

/// The directories of all processes: `/proc/<pid>`.
///
/// # Errors
/// If `/proc` cannot be listed to its end.
pub(crate) fn processes(host: &Host) -> Result<Vec<PathBuf>, Refusal> {
    let wrong = |error: std::io::Error| Refusal::io("/proc", &error);
    let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(host.path("/proc")).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if is_process(&entry.file_name()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The descriptors of a process that are still open. The list can be readable although what it lists is not.
pub(crate) fn handles(process: &Path) -> Result<Vec<Handle>, Unseen> {
    handles_up_to(process, usize::MAX)
}

/// The same if there are no more than this many.
pub(crate) fn handles_up_to(process: &Path, most: usize) -> Result<Vec<Handle>, Unseen> {
    let mut open = Vec::new();
    for entry in unless_gone(std::fs::read_dir(process.join("fd")))?.into_iter().flatten() {
        let Some(entry) = unless_gone(entry)? else { continue };
        if open.len() >= most {
            return Err(Unseen);
        }
        let link = entry.path();
        if let Some(stat) = unless_gone(Stat::cached(&link).map_err(Into::into))? {
            open.push(Handle { link, stat });
        }
    }
    Ok(open)
}

/// What a process has mapped and is deleted: a file stays mapped after it was closed.
pub(crate) fn deleted_maps(process: &Path) -> Result<Vec<Handle>, Unseen> {
    use std::os::unix::ffi::OsStrExt as _;
    let text = read(&process.join("maps"))?.unwrap_or_default();
    let mut found = Vec::new();
    let mut last = None;
    for line in text.split(|byte| *byte == b'\n').filter(|line| line.ends_with(DELETED)) {
        let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
        let (Some(range), Some(file)) = (fields.next(), fields.nth(2).zip(fields.next())) else { return Err(Unseen) };
        // The parts of one mapping follow each other.
        if last.replace(file) == Some(file) {
            continue;
        }
        let link = process.join("map_files").join(std::ffi::OsStr::from_bytes(range));
        if let Some(stat) = unless_gone(Stat::cached(&link).map_err(Into::into))? {
            found.push(Handle { link, stat });
        }
    }
    Ok(found)
}

/// What the kernel writes behind the path of a deleted file.
pub(crate) const DELETED: &[u8] = b" (deleted)";

/// The text of a link of `/proc`.
pub(crate) fn link_text(path: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt as _;
    std::fs::read_link(path).ok().map(|text| text.into_os_string().into_vec())
}

/// The content of a small file; `None` if it does not exist. What turns out to be a pipe is not waited for.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Unseen> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    content(rustix::fs::open(path, flags, Mode::empty()).map(Into::into).map_err(Into::into), MOST_BYTES)
}

/// The content of a file of a process if it is no longer than this: a part of it could miss what counts.
pub(crate) fn read_up_to(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Unseen> {
    content(std::fs::File::open(path), most.min(MOST_BYTES))
}

fn content(opened: std::io::Result<std::fs::File>, most: u64) -> Result<Option<Vec<u8>>, Unseen> {
    let mut text = Vec::new();
    let done = opened.and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut text));
    match unless_gone(done)? {
        Some(length) if u64::try_from(length).is_ok_and(|length| length > most) => Err(Unseen),
        read => Ok(read.map(|_| text)),
    }
}

/// Files that are behind loop devices.
pub(crate) fn behind_loop_devices(host: &Host) -> Result<Vec<Vec<u8>>, Unseen> {
    let mut paths = Vec::new();
    for block in unless_gone(std::fs::read_dir(host.path("/sys/block")))?.into_iter().flatten() {
        let Some(block) = unless_gone(block)? else { continue };
        if let Some(path) = read(&block.path().join("loop/backing_file"))? {
            paths.push(path.trim_ascii_end().to_vec());
        }
    }
    Ok(paths)
}
