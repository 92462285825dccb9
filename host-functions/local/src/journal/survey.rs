//! All files of the persistent journal.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::io;
use std::ops::ControlFlow;

use ansai_core::Refusal;
use ansai_core::text::path_text;

use super::directory::{Directory, FileState};
use super::names::{self, Kind};
use ansai_kit::host::Host;

/// Where the persistent journal is.
pub(super) const PATH: &str = "/var/log/journal";
/// journald itself keeps some hundred files; beyond these numbers the rest is counted as skipped.
const MOST_DIRECTORIES: usize = 1_000;
const MOST_FILES: usize = 100_000;

/// One journal file.
#[derive(Debug, Clone)]
pub(super) struct JournalFile {
    /// Name of the directory below [`PATH`].
    pub(super) directory: CString,
    pub(super) name: CString,
    pub(super) kind: Kind,
    pub(super) state: FileState,
}

impl JournalFile {
    /// On the host, as text.
    pub(super) fn path(&self) -> String {
        format!("{PATH}/{}/{}", path_text(self.directory.to_bytes()), path_text(self.name.to_bytes()))
    }
}

/// What was found.
pub(super) struct Survey {
    /// Each file once, however many names it has.
    pub(super) files: Vec<JournalFile>,
    /// Directories and files that could not be looked at.
    pub(super) skipped: u32,
    /// Whether nothing was cut short.
    pub(super) complete: bool,
    /// [`PATH`], open.
    pub(super) root: Directory,
}

impl Survey {
    /// Allocated, of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.state.allocated_bytes))
    }
}

/// Opens the journal's directory; `unsupported` where there is none.
pub(super) fn open(host: &Host) -> Result<Directory, Refusal> {
    Directory::open(host, PATH).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Refusal::Unsupported(format!("no persistent journal: {PATH} does not exist")),
        _ => Refusal::io(PATH, &error),
    })
}

/// Looks at every journal file, until told that time is over.
pub(super) fn survey(host: &Host, is_over: &dyn Fn() -> bool) -> Result<Survey, Refusal> {
    let root = open(host)?;
    let mut machines = Vec::new();
    let mut found = Found { files: Vec::new(), seen: HashSet::new(), skipped: 0, complete: true };
    let listed = root.each(&mut |name| {
        if machines.len() == MOST_DIRECTORIES {
            found.complete = false;
            return ControlFlow::Break(());
        }
        if names::is_machine_directory(name.to_bytes()) {
            machines.push(name.to_owned());
        }
        ControlFlow::Continue(())
    });
    listed.map_err(|error| Refusal::io(PATH, &error))?;
    for machine in machines {
        let read = root.child(&machine).and_then(|directory| {
            directory.each(&mut |name| {
                if found.files.len() == MOST_FILES || is_over() {
                    found.complete = false;
                    return ControlFlow::Break(());
                }
                found.take(&machine, &directory, name);
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
    seen: HashSet<(String, u64)>,
    skipped: u32,
    complete: bool,
}

impl Found {
    fn take(&mut self, machine: &CStr, directory: &Directory, name: &CStr) {
        let Some(kind) = names::kind(name.to_bytes()) else {
            return;
        };
        match directory.file(name) {
            Ok(Some(state)) => {
                if self.seen.insert((state.identity.device.clone(), state.identity.inode)) {
                    self.files.push(JournalFile { directory: machine.to_owned(), name: name.to_owned(), kind, state });
                }
            }
            // A link, a pipe: not journald's.
            Ok(None) => self.skipped = self.skipped.saturating_add(1),
            // journald vacuums too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => self.skipped = self.skipped.saturating_add(1),
        }
    }
}
