//! `remove`: moves files into quarantine if the file system has space for that, else unlinks them.

use std::sync::Arc;

use ansai_core::{Millis, Preview, Refusal, Reversibility, Subject, Timestamp};
use rustix::fd::AsFd as _;
use rustix::fs::{Access, AtFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::fields::{HOLD_BELOW_PERCENT, ROOTS, UNDO_HOURS};
use super::file::File;
use super::quarantine::{Index, Quarantine, Readable, Step, hold_root};
use super::report::{Report, failed, item};
use super::select::{self, Found, Selection};
use super::targets::{self, Hold, Targets};
use super::{place, site};
use crate::disk::mounts;
use crate::safety::guard::Guard;
use crate::safety::identity::Stat;
use crate::safety::names::split;
use crate::safety::root::Root;
use crate::safety::step_name::step_name;
use crate::safety::{entry, extents, safe_unlink};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Fate, Item, Proposed, Step as Planned, StepContext, TypedAction,
};
use ansai_kit::host::ProbeContext;

/// The action `remove`.
pub(super) struct Remove;

/// Arguments of the actions `remove` and `compress`.
#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    pub(super) what: Selection,
    reason: String,
}

/// What undo needs of a file that was moved into quarantine. The audit log has the hash of it: the end of the quarantine is
/// compared with it as well.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moved {
    pub(super) number: usize,
    pub(super) until: Timestamp,
}

impl TypedAction for Remove {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { what, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Targets), Refusal> {
        let mut found = select::find(ask, &what, earlier, &bar)?;
        writable(found.root())?;
        found.limit(ask, what.enough_bytes, |candidate| candidate.stat.bytes);
        let mut preview = found.preview(ask);
        let hold = if preview.items == 0 { None } else { hold(ask, &found, &preview.about, earlier)? };
        if hold.is_some() {
            preview.frees_later_bytes = found.bytes();
        } else {
            preview.frees_now_bytes = found.bytes();
            preview.reversible = if preview.items == 0 { Reversibility::Fully } else { Reversibility::None };
        }
        Ok((preview, targets(&found, hold)))
    }

    fn cost(&self, arguments: &Arguments) -> u64 {
        arguments.what.cost()
    }

    fn describe(&self, targets: Targets) -> Described {
        targets.describe()
    }

    fn amounts(&self, targets: &Targets, treated: Option<&[Item]>) -> Vec<Amount> {
        targets.amounts(treated)
    }

    fn begin(&self, doing: &StepContext<'_>, what: Planned<Self>) -> Result<Begun, Refusal> {
        let targets = what.targets;
        targets::check(&targets)?;
        let step_name = step_name(doing.step_id)?;
        let site = site::enter(doing, &targets)?;
        let before = place::available(&site.root);
        let step = match &targets.hold {
            Some(hold) => {
                site::granted(doing, &hold.root)?;
                let quarantine = Quarantine::make(Root::open(doing.host, &hold.root)?)?;
                let until = doing.now + Millis::from_hours(hold.hours);
                let (root, files) = (targets.root.clone(), targets.files.clone());
                let step = quarantine.begin(doing.step_id, &Index { version: 1, root, until, files })?;
                Some((quarantine, step, until))
            }
            None => None,
        };
        let mut held_bytes = 0;
        let mut items = Vec::with_capacity(targets.files.len());
        for (number, file) in targets.files.iter().enumerate() {
            items.push(match &step {
                _ if doing.is_stopping() => item(file.path.clone(), Fate::Skipped("stopped".into()), 0),
                Some((_, step, until)) => {
                    let moved = Moved { number, until: *until };
                    let item = held(file, moved, quarantined(&site, file, step, number));
                    held_bytes += if item.fate == Fate::Done { file.bytes } else { 0 };
                    item
                }
                None => removed(file, unlink(&site, file, &safe_unlink::name(step_name, number))),
            });
        }
        if let Some((quarantine, step, _)) = &step {
            entry::sync(&step.fd);
            quarantine.tidy(step);
        }
        sync_parents(&site.root, &targets.files, &items);
        let verb = if step.is_some() { "quarantined" } else { "removed" };
        let (after, is_measured) =
            (place::available_after(&site.root, before, &items), extents::can_be_shared(site.root.fd()));
        Ok(Begun::Finished(Report { verb, held_bytes, before, after, is_measured }.applied(items)))
    }

    fn undo(&self, doing: &StepContext<'_>, what: Planned<Self>, items: &[Item]) -> Result<Applied, Refusal> {
        let targets = what.targets;
        targets::check(&targets)?;
        let Some(hold) = &targets.hold else {
            return Err(Refusal::Unsupported("files that were unlinked cannot be restored".into()));
        };
        let root = Root::open(doing.host, &targets.root)?;
        let held = step_held(doing, hold)?;
        let mut undone = Vec::new();
        for done in items.iter().filter(|item| item.fate == Fate::Done) {
            let number = serde_json::from_value::<Moved>(done.undo.clone()).ok().map(|moved| moved.number);
            let Some((number, file)) = number.and_then(|number| Some((number, targets.files.get(number)?))) else {
                undone.push(item(done.target.clone(), Fate::Failed("there is no record of where it waits".into()), 0));
                continue;
            };
            let fate = restored(&root, file, held.as_ref().map(|(_, step)| step), number);
            undone.push(item(file.path.clone(), fate.map_or_else(|fate| fate, |()| Fate::Done), 0));
        }
        match &held {
            Some((quarantine, step)) => quarantine.tidy(step),
            None if undone.iter().all(|item| item.fate != Fate::Done) => {
                return Err(Refusal::NotFound("what this step held: it was given up".into()));
            }
            None => {}
        }
        Ok(Report { verb: "restored", ..Report::default() }.applied(undone))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Planned<Self>) -> Result<Applied, Refusal> {
        let targets = what.targets;
        targets::check(&targets)?;
        let step_name = step_name(doing.step_id)?;
        let (mut items, mut held_bytes) = (Vec::new(), 0);
        if let Some(hold) = &targets.hold {
            if let Some((quarantine, step)) = step_held(doing, hold)? {
                let root = Root::open(doing.host, &targets.root)?;
                let until =
                    step.index().map_or_else(|| doing.now + Millis::from_hours(hold.hours), |index| index.until);
                for (number, file) in targets.files.iter().enumerate() {
                    if step.held(number, file.ino).is_some() {
                        held_bytes += file.bytes;
                        items.push(held(file, Moved { number, until }, Ok(())));
                    } else if step.look(number).is_ok()
                        && let Err(fate) = returned(&root, file, &step, number)
                    {
                        // Another file was moved in by mistake right before the crash; it stays where the item says.
                        items.push(item(file.path.clone(), fate, 0));
                    }
                }
                quarantine.tidy(&step);
            }
            return Ok(Report { verb: "quarantined", held_bytes, ..Report::default() }.applied(items));
        }
        let root = Root::open(doing.host, &targets.root)?;
        for (number, file) in targets.files.iter().enumerate() {
            let path = file.path().ok_or_else(|| Refusal::Invalid("a target is no path below a root".into()))?;
            let aside = safe_unlink::name(step_name, number);
            if let Err(blocked) = safe_unlink::settle(&root, &path, file.identity(), &aside) {
                items.push(item(file.path.clone(), blocked.into(), 0));
            } else if safe_unlink::is_gone(&root, &path, file.ino)
                .map_err(|error| Refusal::io(root.shown(&path), &error.into()))?
            {
                items.push(removed(file, Ok(())));
            }
        }
        Ok(Report { verb: "removed", ..Report::default() }.applied(items))
    }
}

/// What a step remembers of a selection.
pub(super) fn targets(found: &Found, hold: Option<Hold>) -> Targets {
    Targets {
        root: found.root().text.clone(),
        root_inode: found.root().stat.inode(),
        min_age_hours: found.min_age_hours,
        hold,
        files: found.files(),
    }
}

/// Refuses a root on a read-only file system.
pub(super) fn writable(root: &Root) -> Result<(), Refusal> {
    match rustix::fs::accessat(root.fd(), ".", Access::WRITE_OK, AtFlags::EACCESS) {
        Err(Errno::ROFS) => Err(Refusal::Unavailable(format!("{} is on a read-only file system", root.text))),
        _ => Ok(()),
    }
}

/// Whether to use a quarantine, and where: the host decides, for the whole step.
fn hold(
    ask: &ProbeContext<'_>,
    found: &Found,
    about: &Subject,
    earlier: &[Arc<Proposed>],
) -> Result<Option<Hold>, Refusal> {
    let hours = ask.scope.hours(&UNDO_HOURS);
    if hours == 0 {
        return Ok(None);
    }
    let level = mounts::level_of(found.root().fd()).map_err(|error| Refusal::io(&found.root().text, &error.into()))?;
    let same = earlier.iter().filter(|step| step.preview.about == *about);
    let freed = same.fold(0_u64, |sum, step| sum.saturating_add(step.preview.frees_now_bytes));
    let most = ask.scope.percent(&HOLD_BELOW_PERCENT);
    // A file in quarantine keeps its inode.
    if level.used_share(freed).max(level.used_inodes()) * 100.0 > most as f64 {
        return Ok(None);
    }
    let root = hold_root(ask.host, ask.scope.roots(&ROOTS), found.root())?;
    if rustix::fs::accessat(root.fd(), ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_err() {
        return Err(Refusal::Unavailable(format!(
            "removed files cannot wait in {}, which is not writable: set undo_hours = 0 to remove them at once",
            root.text
        )));
    }
    let text = root.text.clone();
    Quarantine::check(&Arc::new(root))?;
    Ok(Some(Hold { root: text, hours }))
}

/// The quarantine that has the directory of a step, and this directory.
fn step_held(doing: &StepContext<'_>, hold: &Hold) -> Result<Option<(Quarantine, Step)>, Refusal> {
    let name = step_name(doing.step_id)?;
    let Readable { found, skipped } = Quarantine::find(&Arc::new(Root::open(doing.host, &hold.root)?));
    for quarantine in found {
        let step = quarantine.step(name).map_err(|error| Refusal::io("quarantine", &error.into()))?;
        if let Some(step) = step {
            return Ok(Some((quarantine, step)));
        }
    }
    if skipped > 0 {
        return Err(Refusal::Unavailable(format!("the quarantine in {} cannot be read, or others can", hold.root)));
    }
    Ok(None)
}

/// Removing what shares its extents with another file frees nothing.
fn bar(root: &Root, path: &[u8], stat: &Stat) -> Option<&'static str> {
    extents::are_shared_at(root, path, stat).then_some(extents::SHARED_EXTENTS)
}

fn unlink(site: &Guard, file: &File, aside: &[u8]) -> Result<(), Fate> {
    Ok(site::check_extents(site, file)?.remove(file.identity(), aside)?)
}

fn quarantined(site: &Guard, file: &File, step: &Step, number: usize) -> Result<(), Fate> {
    let guarded = site::check_extents(site, file)?;
    guarded.still(file.identity())?;
    step.take(guarded.parent.as_fd(), &guarded.name, number).map_err(|error| failed("moving it", error))?;
    let looked = step.look(number).map_err(|error| failed("looking at it", error));
    // If it is another file by now, or was written to, it goes back.
    looked.and_then(|stat| Ok(guarded.moved(file.identity(), &stat)?)).map_err(|why| {
        match step.give_back(number, guarded.parent.as_fd(), &guarded.name) {
            Ok(()) => why,
            Err(error) => safe_unlink::kept(&step.shown(number), error).into(),
        }
    })
}

/// Restores a target. `step` is its directory in the quarantine; `None` if that is gone, for instance because an
/// interrupted undo has restored everything.
fn restored(root: &Root, file: &File, step: Option<&Step>, number: usize) -> Result<(), Fate> {
    if is_back(root, file) {
        return Ok(());
    }
    let step = step.filter(|step| step.held(number, file.ino).is_some());
    returned(root, file, step.ok_or_else(|| Fate::Failed("it is not held any more".into()))?, number)
}

fn is_back(root: &Root, file: &File) -> bool {
    let Some(path) = file.path() else { return false };
    let (parent, name) = split(&path);
    let looked = root.directory(parent).and_then(|parent| Stat::at(parent.as_fd(), name));
    looked.is_ok_and(|stat| file.identity().is_still(&stat))
}

/// Gives the file with this number the target's name back.
fn returned(root: &Root, file: &File, step: &Step, number: usize) -> Result<(), Fate> {
    let path = file.path().ok_or_else(|| Fate::Failed("this is no path below a root".into()))?;
    let (parent, name) = split(&path);
    let parent = root.directory(parent).map_err(|error| failed("opening its directory", error))?;
    step.give_back(number, parent.as_fd(), name).map_err(|error| match error {
        Errno::EXIST => Fate::Skipped("exists: there is a new file of this name".into()),
        error => failed("moving it back", error),
    })?;
    entry::sync(parent);
    Ok(())
}

/// Makes the removal of these names durable, so that the outcome stays true after a loss of power.
fn sync_parents(root: &Root, files: &[File], items: &[Item]) {
    let done = files.iter().zip(items).filter(|(_, item)| item.fate == Fate::Done);
    let paths: Vec<Vec<u8>> = done.filter_map(|(file, _)| file.path()).collect();
    let parents: std::collections::BTreeSet<&[u8]> = paths.iter().map(|path| split(path).0).collect();
    for parent in parents {
        if let Ok(parent) = root.directory(parent) {
            entry::sync(parent);
        }
    }
}

fn removed(file: &File, done: Result<(), Fate>) -> Item {
    match done {
        Ok(()) => item(file.path.clone(), Fate::Done, file.bytes),
        Err(fate) => item(file.path.clone(), fate, 0),
    }
}

fn held(file: &File, moved: Moved, done: Result<(), Fate>) -> Item {
    match done {
        Ok(()) => Item { undo: serde_json::json!(moved), ..item(file.path.clone(), Fate::Done, 0) },
        Err(fate) => item(file.path.clone(), fate, 0),
    }
}
