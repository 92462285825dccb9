//! The quarantine of removed files: the directory `.ansai-quarantine` in the root of a search, on the same mount.
//!
//! It has one directory per step, with the files by number and an index of their paths and their expiry. The index is
//! on disk before the first file moves. A quarantine that another user owns or can read is never used. Where another user
//! has taken the name, as anybody can in `/tmp`, the quarantine has a name that nobody can guess.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use ansai_core::scope::is_within;
use ansai_core::text::path_text;
use ansai_core::{Refusal, Timestamp};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::file::File;
use super::metadata;
use crate::disk::mounts::Mount;
use crate::safety::beneath::{Mounts, directory, open};
use crate::safety::entry;
use crate::safety::identity::Stat;
use crate::safety::names::is_name;
use crate::safety::protected::{QUARANTINE, is_quarantine};
use crate::safety::root::Root;
use crate::safety::step_name::step_name;
use ansai_kit::host::Host;

const INDEX: &[u8] = b"index.json";
const MOST_INDEX_BYTES: u64 = 64 << 20;
/// How many names are tried for a new quarantine.
const MOST_NAMES: usize = 16;
/// The most entries of a directory that are searched for quarantines with other names.
const MOST_ENTRIES: usize = 1 << 20;

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
    pub(super) root: Arc<Root>,
    name: Vec<u8>,
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
    /// The name of the quarantine.
    quarantine: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) fd: OwnedFd,
}

impl Quarantine {
    /// Opens the quarantines of this root. There are several if another user has taken the name of one.
    pub(super) fn find(root: &Arc<Root>) -> Readable<Quarantine> {
        let mut quarantines = Readable { found: Vec::new(), skipped: 0 };
        let mut names = vec![QUARANTINE.to_vec()];
        // Others may have taken the usual name, or have had it when the quarantine was made.
        let is_foreign = Stat::at(root.fd(), QUARANTINE).is_ok_and(|stat| stat.uid != own());
        if is_foreign || is_shared(&root.stat) {
            match other_names(root) {
                Ok(others) => names.extend(others),
                Err(_) => quarantines.skipped = 1,
            }
        }
        for name in names {
            match Quarantine::open(root, &name) {
                Ok(quarantine) => quarantines.found.extend(quarantine),
                Err(_) => quarantines.skipped = quarantines.skipped.saturating_add(1),
            }
        }
        quarantines
    }

    /// Opens a quarantine by its name; `None` if there is none, or another user's.
    ///
    /// # Errors
    /// `unavailable` if another user can read it.
    pub(super) fn open(root: &Arc<Root>, name: &[u8]) -> Result<Option<Quarantine>, Refusal> {
        if !is_quarantine(name) {
            return Ok(None);
        }
        let wrong = |error: Errno| Refusal::io(root.shown(name), &error.into());
        let stat = match Stat::at(root.fd(), name) {
            Ok(stat) if stat.uid == own() => stat,
            Ok(_) | Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(wrong(error)),
        };
        match directory(root.fd(), name, Mounts::Stay) {
            Ok(fd) => {
                let quarantine = Quarantine { fd, name: name.to_vec(), root: root.clone() };
                let opened = Stat::of(&quarantine.fd).map_err(wrong)?;
                if opened.inode() != stat.inode() || !quarantine.is_private(&opened) {
                    return Err(quarantine.exposed());
                }
                Ok(Some(quarantine))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(wrong(error)),
        }
    }

    /// Opens the quarantine of this root, and creates it first if there is none.
    pub(super) fn make(root: Root) -> Result<Quarantine, Refusal> {
        let root = Arc::new(root);
        if let Some(quarantine) = Quarantine::find(&root).found.into_iter().next() {
            // A crash may have come before this.
            quarantine.close_to_others()?;
            return Ok(quarantine);
        }
        let mut name = QUARANTINE.to_vec();
        for _ in 0..MOST_NAMES {
            match rustix::fs::mkdirat(root.fd(), &*name, Mode::RWXU) {
                Ok(()) => {
                    // If its name were lost, so would be the files in it.
                    entry::durable(root.fd()).map_err(|error| Refusal::io(root.shown(&name), &error.into()))?;
                    let opened = Quarantine::open(&root, &name)?;
                    let quarantine =
                        opened.ok_or_else(|| Refusal::Changed(format!("{} is gone", root.shown(&name))))?;
                    quarantine.close_to_others()?;
                    return Ok(quarantine);
                }
                Err(Errno::EXIST) if is_shared(&root.stat) => name = unguessable(),
                Err(Errno::EXIST) => return Err(not_alone(&root, &name)),
                Err(error) => return Err(Refusal::io(root.shown(&name), &error.into())),
            }
        }
        Err(Refusal::Unavailable(format!("{} is taken by another user, again and again", root.shown(&name))))
    }

    /// Whether a quarantine can be made in a directory, or is there.
    ///
    /// # Errors
    /// `unavailable` if something else has its name.
    pub(super) fn check(root: &Arc<Root>) -> Result<(), Refusal> {
        let is_taken = Stat::at(root.fd(), QUARANTINE).is_ok() && !is_shared(&root.stat);
        if is_taken && Quarantine::find(root).found.is_empty() { Err(not_alone(root, QUARANTINE)) } else { Ok(()) }
    }

    /// Its name, as text.
    pub(super) fn name(&self) -> String {
        path_text(&self.name)
    }

    /// Removes what others may do by an access control list that the directory above has for new entries.
    fn close_to_others(&self) -> Result<(), Refusal> {
        let wrong = |error: std::io::Error| Refusal::io(shown(self), &error);
        metadata::remove_lists(self.fd.as_fd()).map_err(wrong)?;
        let stat = Stat::of(&self.fd).map_err(|error| wrong(error.into()))?;
        if !self.is_private(&stat) || metadata::has_lists(self.fd.as_fd()).map_err(wrong)? {
            return Err(self.exposed());
        }
        Ok(())
    }

    fn is_private(&self, stat: &Stat) -> bool {
        stat.uid == own() && stat.mode & 0o077 == 0 && self.root.holds(stat)
    }

    fn exposed(&self) -> Refusal {
        not_alone(&self.root, &self.name)
    }

    /// Creates the directory of a step with its index.
    pub(super) fn begin(&self, step_id: &str, index: &Index) -> Result<Step, Refusal> {
        let name = step_name(step_id)?;
        let wrong = |error: std::io::Error| Refusal::io(shown(self), &error);
        rustix::fs::mkdirat(&self.fd, name, Mode::RWXU).map_err(|error| match error {
            Errno::EXIST => Refusal::Busy(format!("{} has this step already", shown(self))),
            error => wrong(error.into()),
        })?;
        let begun = || -> std::io::Result<Step> {
            let fd = directory(self.fd.as_fd(), name, Mounts::Stay)?;
            metadata::remove_lists(fd.as_fd())?;
            entry::write_new(fd.as_fd(), INDEX, &serde_json::to_vec(index)?)?;
            entry::durable(&fd)?;
            entry::durable(&self.fd)?;
            Ok(Step { quarantine: self.name.clone(), name: name.to_vec(), fd })
        };
        begun().inspect_err(|_| self.drop_begun(name)).map_err(wrong)
    }

    /// Opens the directory of a step; `None` if it does not exist.
    pub(super) fn step(&self, name: &[u8]) -> rustix::io::Result<Option<Step>> {
        if !is_name(name) {
            return Ok(None);
        }
        match directory(self.fd.as_fd(), name, Mounts::Stay) {
            Ok(fd) => Ok(Some(Step { quarantine: self.name.clone(), name: name.to_vec(), fd })),
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
        let _ = rustix::fs::unlinkat(self.root.fd(), &*self.name, AtFlags::REMOVEDIR);
    }
}

impl Step {
    pub(super) fn index(&self) -> Option<Index> {
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
        let parts = [&*self.quarantine, &self.name, &file_name(number)];
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
        match Root::open(host, text) {
            Ok(root) => {
                let Readable { found, skipped } = Quarantine::find(&Arc::new(root));
                quarantines.skipped = quarantines.skipped.saturating_add(skipped);
                let mut is_new = |one: &Quarantine| Stat::of(&one.fd).is_ok_and(|stat| seen.insert(stat.inode()));
                quarantines.found.extend(found.into_iter().filter(|one| is_new(one)));
            }
            // What does not exist, is no directory (a file can be a mount point), or is behind a link has none.
            Err(Refusal::NotFound(_) | Refusal::Invalid(_)) => {}
            Err(_) => quarantines.skipped = quarantines.skipped.saturating_add(1),
        }
    }
    quarantines
}

/// Whether other users can create entries in a directory. An access control list that lets them shows in the mode, as
/// permissions of the group.
fn is_shared(directory: &Stat) -> bool {
    directory.mode & 0o022 != 0 || ![0, own()].contains(&directory.uid)
}

/// The names in a directory that a quarantine has if another user has taken its usual one.
fn other_names(root: &Root) -> rustix::io::Result<Vec<Vec<u8>>> {
    let (mut names, mut entries) = (Vec::new(), 0);
    entry::each(root.fd(), &mut |name| {
        entries += 1;
        let name = name.to_bytes();
        if name != QUARANTINE && is_quarantine(name) && names.len() < MOST_NAMES * MOST_NAMES {
            names.push(name.to_vec());
        }
        if entries < MOST_ENTRIES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(names)
}

fn unguessable() -> Vec<u8> {
    // The standard library takes its keys from the kernel's random numbers.
    let random = || RandomState::new().hash_one(());
    [QUARANTINE, format!("-{:016x}{:016x}", random(), random()).as_bytes()].concat()
}

fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn not_alone(root: &Root, name: &[u8]) -> Refusal {
    Refusal::Unavailable(format!("{} is not ansai's alone: remove it, or set undo_hours = 0", root.shown(name)))
}

fn shown(quarantine: &Quarantine) -> String {
    quarantine.root.shown(&quarantine.name)
}

fn file_name(number: usize) -> Vec<u8> {
    number.to_string().into_bytes()
}
