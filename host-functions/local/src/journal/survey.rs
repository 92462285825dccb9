//! Lists all files of the persistent journal.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::ops::ControlFlow;

use ansai_core::{Refusal, Subject};
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::io::Errno;

use super::names::{self, Kind};
use crate::disk::ways::answering_through_links;
use crate::safety::entry;
use crate::safety::identity::{Inode, Stat};
use crate::safety::root::Root;
use ansai_kit::host::Host;

/// Where the persistent journal is.
pub(super) const PATH: &str = "/var/log/journal";
/// journald itself keeps a few hundred files. Beyond these numbers the survey is incomplete.
const MOST_DIRECTORIES: usize = 1_000;
const MOST_FILES: usize = 100_000;

/// The persistent journal, in the answer of the probe and in the preview of a step on it.
pub(super) fn subject() -> Subject {
    Subject::new("journal", PATH)
}

/// One journal file.
#[derive(Debug, Clone)]
pub(super) struct JournalFile {
    /// Below [`PATH`]: the directory of the machine, and the name.
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) stat: Stat,
}

/// What a survey found.
pub(super) struct Survey {
    /// Each file once, however many names it has.
    pub(super) files: Vec<JournalFile>,
    /// Directories and files that could not be read, and what is not a regular file.
    pub(super) skipped: u32,
    /// Whether no limit, of numbers or of time, ended it early.
    pub(super) complete: bool,
    /// [`PATH`], open.
    pub(super) root: Root,
}

/// Allocated bytes of all files.
pub(super) fn bytes(files: &[JournalFile]) -> u64 {
    files.iter().fold(0, |sum, file| sum.saturating_add(file.stat.bytes))
}

/// Opens the journal's directory.
///
/// # Errors
/// `unsupported` if it does not exist; `timed-out` or `unavailable` if its file system does not answer.
pub(super) fn open(host: &Host) -> Result<Root, Refusal> {
    answering_through_links(host, PATH.as_ref())?;
    Root::following(host, PATH).map_err(|error| match error {
        Errno::NOENT => Refusal::Unsupported(format!("no persistent journal: {PATH} does not exist")),
        error => Refusal::io(PATH, &error.into()),
    })
}

/// Looks at every journal file, until `is_over` says so.
pub(super) fn survey(host: &Host, is_over: &dyn Fn() -> bool) -> Result<Survey, Refusal> {
    let root = open(host)?;
    let mut machines: Vec<CString> = Vec::new();
    let mut found = Found { files: Vec::new(), seen: HashSet::new(), skipped: 0, complete: true };
    let listed = entry::each(root.fd(), &mut |name| {
        if machines.len() == MOST_DIRECTORIES {
            found.complete = false;
            return ControlFlow::Break(());
        }
        if names::is_machine_directory(name.to_bytes()) {
            machines.push(name.to_owned());
        }
        ControlFlow::Continue(())
    });
    listed.map_err(|error| Refusal::io(PATH, &error.into()))?;
    for machine in machines {
        let read = root.directory(machine.to_bytes()).and_then(|directory| {
            entry::each(directory.as_fd(), &mut |name| {
                if found.files.len() == MOST_FILES || is_over() {
                    found.complete = false;
                    return ControlFlow::Break(());
                }
                found.take(&root, &machine, directory.as_fd(), name);
                ControlFlow::Continue(())
            })
        });
        if read.is_err() {
            found.skipped = found.skipped.saturating_add(1);
        }
    }
    let Found { files, skipped, complete, .. } = found;
    Ok(Survey { files, skipped, complete, root })
}

struct Found {
    files: Vec<JournalFile>,
    seen: HashSet<Inode>,
    skipped: u32,
    complete: bool,
}

impl Found {
    fn take(&mut self, root: &Root, machine: &CStr, directory: BorrowedFd<'_>, name: &CStr) {
        let Some(kind) = names::kind(name.to_bytes()) else {
            return;
        };
        match root.look(directory, name) {
            Ok(stat) if stat.is_file() => {
                if self.seen.insert(stat.inode()) {
                    let path = [machine.to_bytes(), name.to_bytes()].join(&b'/');
                    self.files.push(JournalFile { path, kind, stat });
                }
            }
            // journald vacuums too.
            Err(Errno::NOENT) => {}
            // A link or a pipe is not journald's.
            Ok(_) | Err(_) => self.skipped = self.skipped.saturating_add(1),
        }
    }
}
