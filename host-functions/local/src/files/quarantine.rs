//! Where removed files wait: `.ansai-quarantine` in the root of a search, on the same mount.
//!
//! One directory per step, with the files by number and an index that says what they were and until when they
//! wait. The index is on the disk before the first file moves. A quarantine of anybody else's is never used.

use std::io::Read as _;

use ansai_core::scope::is_within;
use ansai_core::text::path_text;
use ansai_core::{Instant, Refusal};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::beneath::{Mounts, Root, directory, open};
use super::identity::{File, Stat, is_name};
use super::protected::QUARANTINE;
use super::{entry, place};
use ansai_kit::host::Host;

const INDEX: &[u8] = b"index.json";
const MOST_INDEX_BYTES: u64 = 64 << 20;

/// What one step put here.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) version: u32,
    /// What the paths are below.
    pub(super) root: String,
    /// When they may be removed for good.
    pub(super) until: Instant,
    /// By number: the file `0` is the first.
    pub(super) files: Vec<File>,
}

/// A quarantine that is ours.
#[derive(Debug)]
pub(super) struct Quarantine {
    pub(super) root: Root,
    fd: OwnedFd,
}

/// The part of it that belongs to one step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: Vec<u8>,
    pub(super) fd: OwnedFd,
}

impl Quarantine {
    /// The one in this root, if there is one; refused where it is not ours alone.
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

    /// The one in this root, made if need be.
    pub(super) fn make(root: Root) -> Result<Quarantine, Refusal> {
        match rustix::fs::mkdirat(root.fd(), QUARANTINE, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(Refusal::io(shown(&root), &error.into())),
        }
        // What it will hold must not be lost with its name.
        entry::durable(root.fd()).map_err(|error| Refusal::io(shown(&root), &error.into()))?;
        Quarantine::find(root)?.map_err(|root| Refusal::Changed(format!("{} is gone", shown(&root))))
    }

    /// A new part with its index.
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

    /// The part of a step, if it is there.
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

    /// All parts that have a readable index.
    pub(super) fn steps(&self) -> std::io::Result<Vec<(Step, Index)>> {
        let mut steps = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if let Ok(Some(step)) = self.step(name)
                && let Some(index) = step.index()
            {
                steps.push((step, index));
            }
        }
        Ok(steps)
    }

    /// Removes a part that holds nothing any more, and the quarantine itself when that was the last one.
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
        // Fails where another step has files in it, as it should.
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

    /// Whatever is under this number.
    pub(super) fn look(&self, number: usize) -> rustix::io::Result<Stat> {
        Stat::at(self.fd.as_fd(), &file_name(number))
    }

    /// Where a number is, for a person.
    pub(super) fn shown(&self, number: usize) -> String {
        let parts = [QUARANTINE, &self.name, &file_name(number)];
        path_text(&parts.join(&b'/'))
    }

    /// The file under this number, if it is the one that the index names. All here is on one file system, whose
    /// device may have another number after a restart.
    pub(super) fn held(&self, number: usize, ino: u64) -> Option<Stat> {
        self.look(number).ok().filter(|stat| stat.ino == ino)
    }

    /// Takes a file in: `EXIST` where the number is taken.
    pub(super) fn take(&self, from: BorrowedFd<'_>, name: &[u8], number: usize) -> rustix::io::Result<()> {
        entry::rename_ours(from, name, self.fd.as_fd(), &file_name(number))
    }

    /// Gives a file back under a name that does not exist.
    pub(super) fn give_back(&self, number: usize, to: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
        entry::rename_new(self.fd.as_fd(), &file_name(number), to, name)
    }

    /// Removes a file for good.
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

/// Where a search root's files would wait: the uppermost directory within the granted roots on the same mount,
/// so that what is held can be found again without a search.
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

/// All quarantines of ours in these roots and in what is mounted below them.
pub(super) fn all(host: &Host, roots: &[String]) -> Vec<Quarantine> {
    let mut texts = roots.to_vec();
    for point in place::table(host).into_keys() {
        let text = path_text(point.as_os_str().as_encoded_bytes());
        if roots.iter().any(|root| is_within(&text, root)) {
            texts.push(text);
        }
    }
    texts.sort();
    texts.dedup();
    let mut seen = std::collections::HashSet::new();
    let found = texts.iter().filter_map(|text| Quarantine::find(Root::open(host, text).ok()?).ok()?.ok());
    found.filter(|quarantine| seen.insert(quarantine.root.stat.inode())).collect()
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

/// The id of a step as the name of a file.
pub(super) fn step_name(step_id: &str) -> Result<&[u8], Refusal> {
    let name = step_id.as_bytes();
    if is_name(name) && name.len() <= 200 {
        Ok(name)
    } else {
        Err(Refusal::Invalid(format!("the step id `{}` is no file name", ansai_core::text::inert(step_id, 100))))
    }
}
