//! `vacuum`: removes archived journal files, oldest first.
//!
//! It does not run `journalctl --vacuum-size`, which would choose again by what is there when it runs: what was
//! previewed and approved must be what is removed. journald removes archived files in the same way, by name. It and all
//! readers notice a removal by themselves. Damaged files count as archived.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::text::{path_bytes, path_text};
use ansai_core::{Bytes, LeftOut, Measure, Outcome, Preview, Refusal, Reversibility, Unit};
use serde::{Deserialize, Serialize};

use super::names::{self, Kind};
use super::survey::{self, JournalFile, PATH, Survey, survey};
use crate::disk::filesystems::Filesystems;
use crate::disk::mounts;
use crate::safety::guard::{Guard, Holders};
use crate::safety::identity::{Identity, Inode};
use crate::safety::names::{is_name, split};
use crate::safety::open_files::{InUse, OpenFiles};
use crate::safety::rules::Rules;
use crate::safety::safe_unlink;
use crate::safety::step_name::step_name;
use ansai_kit::action::{
    Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction, read_targets,
};
use ansai_kit::host::ProbeContext;

/// The action's name in the audit log.
const NAME: &str = "ansai:journal/journal-vacuum-actions.vacuum";
/// journald itself keeps a hundred archived files by default.
const MOST_TARGETS: usize = 10_000;
const SAMPLE: usize = 10;
/// How often, and after what pause, it checks whether readers have closed the removed files.
const RELEASE_LOOKS: u32 = 10;
const RELEASE_PAUSE: Duration = Duration::from_millis(100);

/// `journalctl -f` and log shippers have every journal file open, and close a file once they notice its removal. A
/// process that has one open for writing still needs it: journald keeps the file that it rotated last for a while.
const RULES: Rules = Rules { min_age_hours: None, readers: true, links: false };

pub(super) struct Vacuum;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Arguments {
    keep_bytes: u64,
    reason: String,
}

/// An archived file to remove.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Target {
    /// Below [`PATH`], as text.
    path: String,
    identity: Identity,
    allocated_bytes: u64,
}

impl Target {
    fn new(file: &JournalFile) -> Target {
        Target { path: path_text(&file.path), identity: Identity::of(&file.stat), allocated_bytes: file.stat.bytes }
    }

    fn shown(&self) -> String {
        format!("{PATH}/{}", self.path)
    }

    /// The bytes of the path, if it is that of an archived journal file.
    fn path(&self) -> Option<Vec<u8>> {
        let path = path_bytes(&self.path)?;
        let (machine, name) = split(&path);
        let is_archived = names::is_machine_directory(machine) && names::kind(name) == Some(Kind::Archived);
        (is_archived && is_name(machine) && is_name(name)).then_some(path)
    }

    fn item(&self, fate: Fate, freed_bytes: u64) -> Item {
        Item { target: self.shown(), fate, freed_bytes, undo: serde_json::Value::Null }
    }
}

impl TypedAction for Vacuum {
    type Arguments = Arguments;
    type Targets = Vec<Target>;
    const NOUN: &'static str = "journal file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { keep_bytes, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Vec<Target>), Refusal> {
        let mut taken = HashSet::new();
        for step in earlier.iter().filter(|step| step.action == NAME) {
            taken.extend(read_targets::<Vec<Target>>(&step.targets)?.iter().map(|target| target.identity.inode()));
        }
        let is_over = || ask.deadline.is_over();
        let Survey { files, skipped, complete, root } = survey(ask.host, &is_over)?;
        let guard = Guard::enter(ask.host, root, RULES, ask.now, &is_over)?;
        let (mut preview, targets) = choose(files, keep_bytes, &taken, &guard);
        preview.complete &= complete && skipped == 0;
        preview.mount = Filesystems::read(ask.host)?.name(PATH.as_ref(), &guard.root.stat);
        Ok((preview, targets))
    }

    fn describe(&self, targets: Vec<Target>) -> Described {
        Described { names: targets.iter().map(Target::shown).collect(), undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments: Arguments { keep_bytes, .. }, targets } = what;
        let step = step_name(doing.step_id)?;
        let Survey { files, root, .. } = survey(doing.host, &|| false)?;
        let guard = Guard::enter(doing.host, root, RULES, doing.now, &|| false)?;
        let level = || mounts::level_of(guard.root.fd()).map_err(|error| Refusal::io(PATH, &error.into()));
        let before = level()?.available_bytes;
        let mut removal = Removal { left: survey::bytes(&files), keep_bytes, guard: &guard, step };
        let mut items: Vec<Item> = targets
            .iter()
            .enumerate()
            .map(|(number, target)| match doing.is_stopping() {
                true => target.item(Fate::Skipped("ansai was asked to stop".into()), 0),
                false => removal.one(number, target),
            })
            .collect();
        count_released(doing, &guard, &targets, &mut items);
        let mut applied = sum_up(items, targets.len());
        if doing.is_stopping() && applied.outcome == Outcome::Done {
            applied.outcome = Outcome::Other;
        }
        applied.measures.push(Measure::count("available-bytes-before", before, Unit::Bytes));
        if let Ok(level) = level() {
            applied.measures.push(Measure::count("available-bytes-after", level.available_bytes, Unit::Bytes));
        }
        Ok(Begun::Finished(applied))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("removed journal files cannot be restored".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let step = step_name(doing.step_id)?;
        let root = survey::open(doing.host)?;
        let mut items = Vec::new();
        for (number, target) in targets.iter().enumerate() {
            let Some(path) = target.path() else { continue };
            if let Err(blocked) = safe_unlink::settle(&root, &path, target.identity, &safe_unlink::name(step, number)) {
                items.push(target.item(blocked.into(), 0));
            } else if safe_unlink::is_gone(&root, &path, target.identity.ino)
                .map_err(|error| Refusal::io(target.shown(), &error.into()))?
            {
                items.push(target.item(Fate::Done, target.allocated_bytes));
            }
        }
        let removed = items.iter().filter(|item| item.fate == Fate::Done).count();
        let mut applied = sum_up(items, targets.len());
        if removed < targets.len() {
            applied.outcome = Outcome::Failed;
        }
        Ok(applied)
    }
}

/// Chooses the oldest archived files until the rest is small enough.
fn choose(
    mut files: Vec<JournalFile>,
    keep_bytes: u64,
    taken: &HashSet<Inode>,
    guard: &Guard,
) -> (Preview, Vec<Target>) {
    let mut preview = Preview::nothing(survey::subject());
    preview.reversible = Reversibility::None;
    preview.complete = true;
    files.retain(|file| !taken.contains(&file.stat.inode()));
    let mut left = survey::bytes(&files);
    files.retain(|file| file.kind == Kind::Archived);
    files.sort_by(|a, b| (a.stat.mtime, &a.path).cmp(&(b.stat.mtime, &b.path)));
    let mut targets = Vec::new();
    for file in files {
        if left <= keep_bytes {
            break;
        }
        if targets.len() == MOST_TARGETS {
            preview.complete = false;
            break;
        }
        let bytes = file.stat.bytes;
        match guard.foresee(&file.path, &file.stat) {
            Err(reason) => {
                leave_out(&mut preview, reason.code(), bytes);
                continue;
            }
            // Readers close it soon after its removal, but not at once.
            Ok(Holders::Readers) => preview.frees_later_bytes = preview.frees_later_bytes.saturating_add(bytes),
            Ok(Holders::None) => preview.frees_now_bytes = preview.frees_now_bytes.saturating_add(bytes),
        }
        let target = Target::new(&file);
        if preview.sample.len() < SAMPLE {
            preview.sample.push(target.shown());
        }
        left = left.saturating_sub(bytes);
        targets.push(target);
    }
    preview.items = targets.len() as u64;
    (preview, targets)
}

fn leave_out(preview: &mut Preview, reason: &str, bytes: u64) {
    match preview.left_out.iter_mut().find(|left| left.reason == reason) {
        Some(left) => {
            left.items = left.items.saturating_add(1);
            left.bytes = left.bytes.saturating_add(bytes);
        }
        None => preview.left_out.push(LeftOut { reason: reason.into(), items: 1, bytes }),
    }
}

/// A removal in progress.
struct Removal<'a> {
    /// Allocated bytes of the whole journal now.
    left: u64,
    keep_bytes: u64,
    guard: &'a Guard,
    step: &'a [u8],
}

impl Removal<'_> {
    fn one(&mut self, number: usize, target: &Target) -> Item {
        // journald may have vacuumed since the preview. The journal never becomes smaller than was agreed.
        if self.left <= self.keep_bytes {
            return target.item(Fate::Skipped("the journal is small enough already".into()), 0);
        }
        let Some(path) = target.path() else {
            return target.item(Fate::Skipped("not an archived journal file".into()), 0);
        };
        let removed = self.guard.check(&path, target.identity).and_then(|guarded| {
            guarded.remove(target.identity, &safe_unlink::name(self.step, number))?;
            Ok((guarded.stat.bytes, guarded.holders))
        });
        match removed {
            Ok((bytes, holders)) => {
                self.left = self.left.saturating_sub(bytes);
                target.item(Fate::Done, if holders == Holders::None { bytes } else { 0 })
            }
            Err(blocked) => target.item(blocked.into(), 0),
        }
    }
}

/// Waits up to a second for readers to close the removed files, and counts what that frees.
fn count_released(doing: &StepContext<'_>, guard: &Guard, targets: &[Target], items: &mut [Item]) {
    for _ in 0..RELEASE_LOOKS {
        let mut waiting = targets
            .iter()
            .zip(items.iter_mut())
            .filter(|(target, item)| item.fate == Fate::Done && item.freed_bytes < target.allocated_bytes)
            .peekable();
        if waiting.peek().is_none() || doing.is_stopping() {
            return;
        }
        std::thread::sleep(RELEASE_PAUSE);
        let Ok(open) = OpenFiles::look(doing.host, guard.root.devices, &|| false) else {
            return;
        };
        for (target, item) in waiting.filter(|(target, _)| open.ask(target.identity.inode()) == InUse::No) {
            item.freed_bytes = target.allocated_bytes;
        }
    }
}

fn sum_up(items: Vec<Item>, targets: usize) -> Applied {
    let removed = items.iter().filter(|item| item.fate == Fate::Done).count();
    let freed = items.iter().fold(0u64, |sum, item| sum.saturating_add(item.freed_bytes));
    let has_failed = items.iter().any(|item| matches!(item.fate, Fate::Failed(_)));
    Applied {
        outcome: if has_failed { Outcome::Failed } else { Outcome::Done },
        reason: None,
        detail: format!("{removed} of {targets} archived journal files removed, {} freed", Bytes::new(freed)),
        measures: vec![
            Measure::count("freed-bytes", freed, Unit::Bytes),
            Measure::count("removed-files", removed as u64, Unit::None),
        ],
        items,
        evidence: Vec::new(),
    }
}
