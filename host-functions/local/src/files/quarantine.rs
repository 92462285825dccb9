//! The quarantine of removed files: the directory `.ansai-quarantine` in the root of a search, on the same mount.
//!
//! It has one directory per step, with the files by number and an index of their paths and their expiry. The index is
//! on disk before the first file moves. A quarantine that another user owns or can read is never used.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use ansai_core::scope::is_within;
use ansai_core::text::path_text;
use ansai_core::{Refusal, Timestamp};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::file::File;
use crate::disk::mounts::Mount;
use crate::safety::beneath::{Mounts, directory, open};
use crate::safety::entry;
use crate::safety::identity::Stat;
use crate::safety::names::is_name;
use crate::safety::protected::QUARANTINE;
use crate::safety::root::Root;
use crate::safety::step_name::step_name;
use ansai_kit::host::Host;

const INDEX: &[u8] = b"index.json";
const MOST_INDEX_BYTES: u64 = 64 << 20;

/// The index of one step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) version: u32,
    /// The directory that the paths are relative to.
    pub(super) root: String,
    /// When the quarantine expires and the files may be removed permanently.
    pub(super) until: Timestamp,
    /// The file with number 0 is the first.
    pub(super) files: Vec<File>,
}

/// An open quarantine that belongs to ansai.
#[derive(Debug)]
pub(super) struct Quarantine {
    pub(super) root: Root,
    fd: OwnedFd,
}

/// What could be read of several quarantines, or of the steps of one.
#[derive(Debug)]
pub(super) struct Readable<T> {
    pub(super) found: Vec<T>,
    /// How many could not be read: one hides no other.
    pub(super) skipped: u32,
}

/// The directory of one step in it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: Vec<u8>,
    pub(super) fd: OwnedFd,
}

impl Quarantine {
    /// Opens the quarantine of this root; gives the root back if it has none.
    ///
    /// # Errors
    /// `unavailable` if another user owns it or can read it.
    pub(super) fn find(root: Root) -> Result<Result<Quarantine, Root>, Refusal> {
        match directory(root.fd(), QUARANTINE, Mounts::Stay) {
            Ok(fd) => {
                let wrong = |error: Errno| Refusal::io(shown(&root), &error.into());
                ours(&Stat::of(&fd).map_err(wrong)?, &root)?;
                Ok(Ok(Quarantine { fd, root }))
            }
            Err(Errno::NOENT) => Ok(Err(root)),
            Err(error) => Err(Refusal::io(shown(&root), &error.into())),
        }
    }

    /// Opens the quarantine of this root, and creates it first if there is none.
    pub(super) fn make(root: Root) -> Result<Quarantine, Refusal> {
        match rustix::fs::mkdirat(root.fd(), QUARANTINE, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(Refusal::io(shown(&root), &error.into())),
        }
        // If its name were lost, so would be the files in it.
        entry::durable(root.fd()).map_err(|error| Refusal::io(shown(&root), &error.into()))?;
        Quarantine::find(root)?.map_err(|root| Refusal::Changed(format!("{} is gone", shown(&root))))
    }

    /// Creates the directory of a step with its index.
    pub(super) fn begin(&self, step_id: &str, index: &Index) -> Result<Step, Refusal> {
        let name = step_name(step_id)?;
        let wrong = |error: std::io::Error| Refusal::io(shown(&self.root), &error);
        rustix::fs::mkdirat(&self.fd, name, Mode::RWXU).map_err(|error| match error {
            Errno::EXIST => Refusal::Busy(format!("{} has this step already", shown(&self.root))),
            error => wrong(error.into()),
        })?;
        let begun = || -> std::io::Result<Step> {
            let fd = directory(self.fd.as_fd(), name, Mounts::Stay)?;
            entry::write_new(fd.as_fd(), INDEX, &serde_json::to_vec(index)?)?;
            entry::durable(&fd)?;
            entry::durable(&self.fd)?;
            Ok(Step { name: name.to_vec(), fd })
        };
        begun().inspect_err(|_| self.drop_begun(name)).map_err(wrong)
    }

    /// Opens the directory of a step; `None` if it does not exist.
    pub(super) fn step(&self, name: &[u8]) -> rustix::io::Result<Option<Step>> {
        if !is_name(name) {
            return Ok(None);
        }
        match directory(self.fd.as_fd(), name, Mounts::Stay) {
            Ok(fd) => Ok(Some(Step { name: name.to_vec(), fd })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All steps with their index.
    pub(super) fn steps(&self) -> Readable<(Step, Index)> {
        let mut steps = Readable { found: Vec::new(), skipped: 0 };
        let Ok(list) = Dir::read_from(&self.fd) else { return Readable { skipped: 1, ..steps } };
        for entry in list {
            // After an error there is no next entry.
            let Ok(entry) = entry else {
                steps.skipped = steps.skipped.saturating_add(1);
                break;
            };
            match self.step(entry.file_name().to_bytes()) {
                Ok(Some(step)) => match step.index() {
                    Some(index) => steps.found.push((step, index)),
                    // A step that just begins, or just ended: the index is there before the first file.
                    None if step.is_empty() => {}
                    None => steps.skipped = steps.skipped.saturating_add(1),
                },
                // Neither a step nor ansai's.
                Ok(None) | Err(Errno::NOTDIR | Errno::LOOP) => {}
                Err(_) => steps.skipped = steps.skipped.saturating_add(1),
            }
        }
        steps
    }

    /// Removes the directory of a step if it has no more files, and the quarantine if that was the last step.
    pub(super) fn tidy(&self, step: &Step) {
        if step.is_empty() {
            let _ = entry::remove(step.fd.as_fd(), INDEX);
            self.drop_part(&step.name);
        }
    }

    fn drop_begun(&self, name: &[u8]) {
        if let Ok(Some(step)) = self.step(name) {
            let _ = entry::remove(step.fd.as_fd(), INDEX);
        }
        self.drop_part(name);
    }

    fn drop_part(&self, name: &[u8]) {
        let _ = rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR);
        // Fails, as intended, if another step has files in it.
        let _ = rustix::fs::unlinkat(self.root.fd(), QUARANTINE, AtFlags::REMOVEDIR);
    }
}

impl Step {
    fn index(&self) -> Option<Index> {
        let fd = open(self.fd.as_fd(), INDEX, OFlags::RDONLY | OFlags::NONBLOCK, Mounts::Stay).ok()?;
        let mut text = Vec::new();
        std::fs::File::from(fd).take(MOST_INDEX_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Looks at the file with this number, whatever it is.
    pub(super) fn look(&self, number: usize) -> rustix::io::Result<Stat> {
        Stat::at(self.fd.as_fd(), &file_name(number))
    }

    /// The path of a number below the root, for a person.
    pub(super) fn shown(&self, number: usize) -> String {
        let parts = [QUARANTINE, &self.name, &file_name(number)];
        path_text(&parts.join(&b'/'))
    }

    /// The file with this number, if it has the inode number of the index. The device is not compared: everything here
    /// is on one file system, and its number may change with a restart.
    pub(super) fn held(&self, number: usize, ino: u64) -> Option<Stat> {
        self.look(number).ok().filter(|stat| stat.ino == ino)
    }

    /// Moves a file in; `EEXIST` if the number is taken.
    pub(super) fn take(&self, from: BorrowedFd<'_>, name: &[u8], number: usize) -> rustix::io::Result<()> {
        entry::rename_ours(from, name, self.fd.as_fd(), &file_name(number))
    }

    /// Moves a file out, to a name that does not exist; `EEXIST` if it does.
    pub(super) fn give_back(&self, number: usize, to: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
        entry::rename_new(self.fd.as_fd(), &file_name(number), to, name)
    }

    /// Removes a file permanently.
    pub(super) fn give_up(&self, number: usize) -> rustix::io::Result<()> {
        entry::remove(self.fd.as_fd(), &file_name(number))
    }

    fn is_empty(&self) -> bool {
        let Ok(mut list) = Dir::read_from(&self.fd) else {
            return false;
        };
        list.all(|entry| entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b".." | INDEX)))
    }
}

/// The directory whose quarantine the files of a search root go to: the uppermost one on the same mount that the
/// granted roots cover. So the quarantine is found again without a search.
pub(super) fn hold_root(host: &Host, granted: &[String], root: &Root) -> Result<Root, Refusal> {
    let ends = root.text.match_indices('/').map(|(at, _)| at).skip(1).chain([root.text.len()]);
    let above = std::iter::once("/").chain(ends.filter_map(|end| root.text.get(..end)));
    for text in above.filter(|text| granted.iter().any(|granted| is_within(text, granted))) {
        let candidate = Root::open(host, text)?;
        if root.holds(&candidate.stat) {
            return Ok(candidate);
        }
    }
    Root::open(host, &root.text)
}

/// All quarantines of ansai in these roots and in the mount points below them.
pub(super) fn all(host: &Host, roots: &[String], mounts: &BTreeMap<PathBuf, Mount>) -> Readable<Quarantine> {
    let mut texts = roots.to_vec();
    for point in mounts.keys() {
        let text = path_text(point.as_os_str().as_encoded_bytes());
        if roots.iter().any(|root| is_within(&text, root)) {
            texts.push(text);
        }
    }
    texts.sort();
    texts.dedup();
    let mut seen = std::collections::HashSet::new();
    let mut quarantines = Readable { found: Vec::new(), skipped: 0 };
    for text in &texts {
        match Root::open(host, text).and_then(Quarantine::find) {
            Ok(Ok(quarantine)) => {
                if seen.insert(quarantine.root.stat.inode()) {
                    quarantines.found.push(quarantine);
                }
            }
            // What does not exist, is no directory (a file can be a mount point), or is behind a link has none.
            Ok(Err(_)) | Err(Refusal::NotFound(_) | Refusal::Invalid(_)) => {}
            Err(_) => quarantines.skipped = quarantines.skipped.saturating_add(1),
        }
    }
    quarantines
}

fn ours(stat: &Stat, root: &Root) -> Result<(), Refusal> {
    if stat.uid == rustix::process::geteuid().as_raw() && stat.mode & 0o077 == 0 && root.holds(stat) {
        return Ok(());
    }
    Err(Refusal::Unavailable(format!("{} is not ansai's alone: remove it, or set undo_hours = 0", shown(root))))
}

fn shown(root: &Root) -> String {
    root.shown(QUARANTINE)
}

fn file_name(number: usize) -> Vec<u8> {
    number.to_string().into_bytes()
}
