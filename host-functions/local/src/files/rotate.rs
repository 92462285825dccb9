//! `rotate`: `NAME` becomes `NAME.1`, `NAME.1` becomes `NAME.2`, and an empty `NAME` takes its place.

use std::sync::Arc;

use ansai_core::{Preview, Refusal, Reversibility, Scope};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::compress::{self, temporary};
use super::fields::{self, MAX_BYTES, MAX_FILES, PERMANENT, UNDO_HOURS};
use super::file::File;
use super::remove::{targets, writable};
use super::report::{Report, changed, failed, item};
use super::select::{self, Candidate, Found, Selection};
use super::targets::MOST_FILES;
use super::{metadata, place, site, targets as remembered};
use crate::safety::beneath::{Mounts, open};
use crate::safety::guard::{self, Guard, Guarded};
use crate::safety::identity::{Inode, Stat};
use crate::safety::lease::{self, Kind, Lease};
use crate::safety::names::split;
use crate::safety::reason::{Blocked, Reason};
use crate::safety::root::Root;
use crate::safety::step_name::step_name;
use crate::safety::{entry, safe_unlink};
use ansai_kit::action::{Amount, Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;

const MOST_KEPT: u32 = 1000;

/// The action `rotate`.
pub(super) struct Rotate;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    what: Selection,
    keep: u32,
    reason: String,
}

/// What undo needs: the number of the group, and the inode of the new empty file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    group: usize,
    new: Inode,
}

impl TypedAction for Rotate {
    type Arguments = Arguments;
    type Targets = remembered::Targets;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { what, keep, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, remembered::Targets), Refusal> {
        if !(1..=MOST_KEPT).contains(&keep) {
            return Err(Refusal::Invalid(format!("`keep` is {keep}: from 1 to {MOST_KEPT}")));
        }
        let taken = remembered::taken(earlier)?;
        let mut found = select::find(ask, &what, earlier, &bar)?;
        writable(found.root())?;
        found.limit(ask, 0, |_| 0);
        let most = usize::try_from(ask.scope.count(&MAX_FILES)).unwrap_or(usize::MAX).min(MOST_FILES);
        let max_bytes = ask.scope.bytes(&MAX_BYTES);
        let (mut files, mut kept, mut falls, mut bytes) = (Vec::new(), Vec::new(), 0_u64, 0_u64);
        for candidate in std::mem::take(&mut found.candidates) {
            let group = match group(&found, &candidate) {
                Ok(group) if group.iter().any(|file| taken.contains(&file.inode())) => Err("earlier-step"),
                Ok(group) if group.iter().any(|file| file.slot >= keep) && !may_drop(ask.scope) => {
                    Err("permanent-not-granted")
                }
                group => group,
            };
            let size = |group: &[File]| group.iter().fold(bytes, |sum, file| sum.saturating_add(file.bytes));
            let reason = match group {
                Ok(group) if files.len() + group.len() > most || size(&group) > max_bytes || max_bytes == 0 => {
                    "beyond-limit"
                }
                Ok(_) if what.enough_bytes > 0 && falls >= what.enough_bytes => "beyond-limit",
                Ok(group) => {
                    bytes = size(&group);
                    falls += group.iter().filter(|file| file.slot >= keep).map(|file| file.bytes).sum::<u64>();
                    files.extend(group);
                    kept.push(candidate);
                    continue;
                }
                Err(reason) => reason,
            };
            found.left.add(reason, candidate.stat.bytes);
        }
        found.candidates = kept;
        let mut preview = found.preview(ask);
        preview.items = files.len() as u64;
        preview.frees_now_bytes = falls;
        let is_kept = files.iter().all(|file| file.slot < keep);
        preview.reversible = if is_kept { Reversibility::Fully } else { Reversibility::Partly };
        let targets = remembered::Targets { files, ..targets(&found, None) };
        Ok((preview, targets))
    }

    fn cost(&self, arguments: &Arguments) -> u64 {
        arguments.what.cost()
    }

    fn describe(&self, targets: remembered::Targets) -> Described {
        targets.describe()
    }

    fn amounts(&self, targets: &remembered::Targets, treated: Option<&[Item]>) -> Vec<Amount> {
        // A group is treated as a whole; its item has the name of the first file.
        let treated = treated.map(remembered::treated_names);
        let counts = |group: &&[File]| {
            let first = group.first().map_or("", |file| file.path.as_str());
            treated.as_ref().is_none_or(|names| names.contains(first))
        };
        let groups = groups(&targets.files).map(|(_, group)| group).filter(counts);
        fields::amounts(groups.flatten().map(|file| file.bytes))
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments: Arguments { keep, .. }, targets } = what;
        remembered::check(&targets)?;
        if targets.files.iter().any(|file| file.slot >= keep) && !may_drop(doing.scope) {
            return Err(Refusal::Denied(
                "files beyond `keep` would be deleted for good: to allow it, set permanent = true in the grant".into(),
            ));
        }
        let step = step_name(doing.step_id)?;
        let site = site::enter(doing, &targets)?;
        let before = place::available(&site.root);
        let mut items = Vec::new();
        for (number, group) in groups(&targets.files) {
            let Some(first) = group.first() else { continue };
            let done = if doing.is_stopping() {
                Err(Fate::Skipped("stopped".into()))
            } else {
                rotate(&site, group, keep, step, number)
            };
            items.push(match done {
                Ok(new) => rotated(group, number, keep, new),
                Err(fate) => item(first.path.clone(), fate, 0),
            });
        }
        let after = place::available(&site.root);
        Ok(Begun::Finished(Report { verb: "rotated", before, after, ..Report::default() }.applied(items)))
    }

    fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, items: &[Item]) -> Result<Applied, Refusal> {
        let Step { arguments: Arguments { keep, .. }, targets } = what;
        remembered::check(&targets)?;
        let step = step_name(doing.step_id)?;
        let root = Root::open(doing.host, &targets.root)?;
        let mut undone = Vec::new();
        for done in items.iter().filter(|item| item.fate == Fate::Done) {
            let undo = serde_json::from_value::<Undo>(done.undo.clone()).ok();
            let found = undo.and_then(|undo| {
                let (number, group) = groups(&targets.files).find(|(number, _)| *number == undo.group)?;
                Some((undo.new, number, group))
            });
            let Some((new, number, group)) = found else {
                undone.push(item(done.target.clone(), Fate::Failed("there is no such target".into()), 0));
                continue;
            };
            let aside = safe_unlink::name(step, number);
            let fate = put_back(&root, kept(group, keep), new, &aside).err().unwrap_or(Fate::Done);
            undone.push(item(done.target.clone(), fate, 0));
            let lost = || Fate::Skipped("irreversible: it was removed because it was beyond `keep`".into());
            undone.extend(fallen(group, keep).map(|(_, file)| item(file.path.clone(), lost(), 0)));
        }
        Ok(Report { verb: "restored", ..Report::default() }.applied(undone))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let Step { arguments: Arguments { keep, .. }, targets } = what;
        remembered::check(&targets)?;
        let step = step_name(doing.step_id)?;
        let root = Root::open(doing.host, &targets.root)?;
        let mut items = Vec::new();
        for (number, group) in groups(&targets.files) {
            let Some(first) = group.first() else { continue };
            match settle(&root, group, keep, step, number) {
                Ok(Some(new)) => items.push(rotated(group, number, keep, new)),
                Ok(None) => {}
                Err(fate) => items.push(item(first.path.clone(), fate, 0)),
            }
        }
        Ok(Report { verb: "rotated", ..Report::default() }.applied(items))
    }
}

/// Whether a rotation may delete what it drops: the operator says so, or gives removed files no quarantine.
fn may_drop(scope: &Scope) -> bool {
    scope.is_on(&PERMANENT) || scope.hours(&UNDO_HOURS) == 0
}

fn rotated(group: &[File], number: usize, keep: u32, new: Inode) -> Item {
    let path = group.first().map(|file| file.path.clone()).unwrap_or_default();
    let freed = fallen(group, keep).fold(0_u64, |sum, (_, file)| sum.saturating_add(file.bytes));
    Item { undo: serde_json::json!(Undo { group: number, new }), ..item(path, Fate::Done, freed) }
}

fn bar(_: &Root, path: &[u8], _: &Stat) -> Option<&'static str> {
    let (_, name) = split(path);
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    if last.len() < name.len() && !last.is_empty() && last.iter().all(u8::is_ascii_digit) {
        return Some("already-rotated");
    }
    (name.len() > 250).then_some("name-too-long")
}

/// `NAME` and the files that are renamed or removed with it: `NAME.1`, `NAME.2`, … up to the first that is missing.
fn group(found: &Found, candidate: &Candidate) -> Result<Vec<File>, &'static str> {
    let (parent, name) = split(&candidate.path);
    let directory = found.root().directory(parent).map_err(|_| "changed")?;
    let mut group = vec![File::new(&candidate.path, &candidate.stat)];
    for slot in 1..=MOST_KEPT {
        let stat = match Stat::at(directory.as_fd(), &slot_name(name, slot)) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(group),
            Err(_) => return Err("changed"),
        };
        let path = slot_name(&candidate.path, slot);
        found.guard.foresee(&path, &stat).map_err(Reason::code)?;
        group.push(File { slot, ..File::new(&path, &stat) });
    }
    Err("too-many")
}

fn slot_name(name: &[u8], slot: u32) -> Vec<u8> {
    match slot {
        0 => name.to_vec(),
        slot => [name, format!(".{slot}").as_bytes()].concat(),
    }
}

/// The groups of a step's files, each with the number of its first file.
fn groups(files: &[File]) -> impl Iterator<Item = (usize, &[File])> {
    let mut begin = 0;
    files.chunk_by(|_, next| next.slot != 0).map(move |group| {
        let number = begin;
        begin += group.len();
        (number, group)
    })
}

fn rotate(site: &Guard, group: &[File], keep: u32, step: &[u8], number: usize) -> Result<Inode, Fate> {
    // All leases are held until the end.
    let guarded = group.iter().map(|file| site::check(site, file)).collect::<Result<Vec<Guarded>, Fate>>()?;
    let Some(first) = guarded.first() else {
        return Err(Fate::Failed("there is no such target".into()));
    };
    let parent = first.parent.as_fd();
    let source = first.file.as_ref().ok_or_else(|| Fate::Failed("it cannot be read".into()))?;
    let temporary = temporary(step, number);
    let made = metadata::create_like(parent, &temporary, source.as_fd(), &first.stat).map_err(metadata::unequal)?;
    let aside = |index: usize| safe_unlink::name(step, number + index);
    let shift = || -> Result<(), Fate> {
        for (file, guarded) in group.iter().zip(&guarded) {
            guarded.still(file.identity())?;
        }
        for (index, (file, guarded)) in group.iter().zip(&guarded).enumerate().rev() {
            move_on(guarded, file, &first.name, (file.slot >= keep).then(|| aside(index)))?;
        }
        match entry::rename_new(parent, &temporary, parent, &first.name) {
            // The program that writes to it has created a new file already.
            Err(Errno::EXIST) => {
                safe_unlink::discard(parent, &temporary, &aside(0), made);
                Ok(())
            }
            put => put.map_err(|error| failed("putting the new file", error)),
        }
    };
    if let Err(mut why) = shift() {
        let _ = unshift(parent, &first.name, group);
        for (index, file) in fallen(group, keep) {
            let aside = aside(index);
            if Stat::at(parent, &aside).is_ok()
                && let Err(kept) = safe_unlink::back(parent, &aside, &slot_name(&first.name, file.slot))
            {
                why = kept.into();
            }
        }
        safe_unlink::discard(parent, &temporary, &aside(0), made);
        return Err(why);
    }
    // Nothing is removed permanently before this point.
    for (index, file) in fallen(group, keep) {
        safe_unlink::discard(parent, &aside(index), &temporary, file.inode());
    }
    entry::sync(parent);
    Ok(made)
}

/// The files that are still there after the step: all before those that are removed.
fn kept(group: &[File], keep: u32) -> &[File] {
    group.split_at(group.partition_point(|file| file.slot < keep)).0
}

/// The files that are removed because they are beyond `keep`, with their index in the group.
fn fallen(group: &[File], keep: u32) -> impl Iterator<Item = (usize, &File)> {
    group.iter().enumerate().filter(move |(_, file)| file.slot >= keep)
}

/// Renames one file of a group to its next name or aside, and back if it is not the file that was checked.
fn move_on(guarded: &Guarded, file: &File, name: &[u8], aside: Option<Vec<u8>>) -> Result<(), Fate> {
    let parent = guarded.parent.as_fd();
    let to = match aside {
        Some(aside) => safe_unlink::set(parent, &guarded.name, &aside).map(|()| aside).map_err(safe_unlink::setting)?,
        None => {
            let next = slot_name(name, file.slot + 1);
            let moved = entry::rename_new(parent, &guarded.name, parent, &next);
            moved.map(|()| next).map_err(|error| failed("renaming it", error))?
        }
    };
    let looked = Stat::at(parent, &to).map_err(|error| failed("looking at it", error));
    looked
        .and_then(|stat| Ok(guarded.moved(file.identity(), &stat)?))
        .map_err(|why| safe_unlink::back(parent, &to, &guarded.name).map_or_else(Fate::from, |()| why))
}

/// Renames the files back, lowest number first; stops if a name is taken.
fn unshift(parent: BorrowedFd<'_>, name: &[u8], group: &[File]) -> rustix::io::Result<()> {
    for file in group {
        let (from, to) = (slot_name(name, file.slot + 1), slot_name(name, file.slot));
        if Stat::at(parent, &from).is_ok_and(|stat| stat.ino == file.ino) {
            entry::rename_new(parent, &from, parent, &to)?;
        }
    }
    Ok(())
}

fn directory_of(root: &Root, group: &[File]) -> Result<(OwnedFd, Vec<u8>), Fate> {
    let path = group.first().and_then(File::path).ok_or_else(|| Fate::Failed("this is no path below a root".into()))?;
    let (parent, name) = split(&path);
    let parent = root.directory(parent).map_err(|error| failed("opening its directory", error))?;
    Ok((parent, name.to_vec()))
}

fn put_back(root: &Root, group: &[File], new: Inode, aside: &[u8]) -> Result<(), Fate> {
    let (parent, name) = directory_of(root, group)?;
    let parent = parent.as_fd();
    match open(parent, &name, OFlags::PATH, Mounts::Stay) {
        Ok(handle) => remove_new(parent, &name, &handle, new, aside)?,
        // An earlier undo was interrupted here; what it set aside is removed.
        Err(Errno::NOENT) => {
            if Stat::at(parent, aside)
                .is_ok_and(|stat| stat.size == 0 && safe_unlink::only_number(new.1, &stat).is_ok())
            {
                entry::remove(parent, aside).map_err(|error| failed("removing the new file", error))?;
            }
        }
        Err(Errno::LOOP) => return Err(changed("another file has its name")),
        Err(error) => return Err(failed("opening the new file", error)),
    }
    unshift(parent, &name, group).map_err(|error| failed("renaming it back", error))?;
    entry::sync(parent);
    Ok(())
}

/// Removes the new file of a rotation, if it is still that file and still empty.
fn remove_new(parent: BorrowedFd<'_>, name: &[u8], handle: &OwnedFd, new: Inode, aside: &[u8]) -> Result<(), Fate> {
    let stat = Stat::of(handle).map_err(|error| failed("looking at the new file", error))?;
    if stat.ino != new.1 || !stat.is_file() {
        return Err(changed("another file has its name"));
    }
    let file = guard::reopen(handle)?;
    let empty = |stat: &Stat| {
        safe_unlink::only_number(new.1, stat)?;
        if stat.size > 0 {
            return Err(Blocked::changed("the new file was written to"));
        }
        match &file {
            Some(file) if lease::take(file.as_fd(), Kind::Write) == Lease::InUse => Err(Reason::Open.into()),
            _ => Ok(()),
        }
    };
    empty(&stat)?;
    Ok(safe_unlink::remove(parent, name, aside, empty)?)
}

/// After a crash: gives the name of a log that is `NAME.1` now to an empty file, if it has none. The file that the step
/// made is not used: somebody may have put another in its place since.
fn put_new(parent: BorrowedFd<'_>, name: &[u8], temporary: &[u8]) -> Result<(), Fate> {
    let _ = entry::remove(parent, temporary);
    if Stat::at(parent, name).is_ok() {
        return Ok(());
    }
    let like = compress::regular(parent, &slot_name(name, 1)).map_err(|error| failed("opening the log", error))?;
    let stat = Stat::of(&like).map_err(|error| failed("looking at the log", error))?;
    metadata::create_like(parent, temporary, like.as_fd(), &stat)
        .map_err(|error| failed("making a file beside it", error))?;
    match entry::rename_new(parent, temporary, parent, name) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => {
            let _ = entry::remove(parent, temporary);
            Ok(())
        }
        Err(error) => Err(failed("putting the new file", error)),
    }
}

/// After a crash: completes the rotation if only the new file is missing, else renames everything back.
fn settle(root: &Root, group: &[File], keep: u32, step: &[u8], number: usize) -> Result<Option<Inode>, Fate> {
    let temporary = temporary(step, number);
    let (parent, name) = directory_of(root, group)?;
    let parent = parent.as_fd();
    let is_at = |slot: u32, inode: Inode| Stat::at(parent, &slot_name(&name, slot)).is_ok_and(|s| s.ino == inode.1);
    let Some(first) = group.first() else { return Ok(None) };
    if is_at(1, first.inode()) {
        put_new(parent, &name, &temporary)?;
        if let Ok(new) = Stat::at(parent, &name) {
            for (index, file) in fallen(group, keep) {
                safe_unlink::discard(parent, &safe_unlink::name(step, number + index), &temporary, file.inode());
            }
            return Ok(Some(new.inode()));
        }
    }
    unshift(parent, &name, group).map_err(|error| failed("renaming it back", error))?;
    for (index, file) in fallen(group, keep) {
        let path = file.path().ok_or_else(|| Fate::Failed("this is no path below a root".into()))?;
        safe_unlink::settle(root, &path, file.identity(), &safe_unlink::name(step, number + index))?;
    }
    let _ = entry::remove(parent, &temporary);
    let lost = group.iter().any(|file| file.slot >= keep && !is_at(file.slot, file.inode()));
    if lost {
        Err(Fate::Failed("interrupted: the oldest file was removed, the others are unchanged".into()))
    } else {
        Ok(None)
    }
}
