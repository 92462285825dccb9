//! `vacuum`: removes archived journal files, oldest first.
//!
//! It does not run `journalctl --vacuum-size`: that would choose again when it runs, by what is there then, and
//! what was previewed and approved must be what is removed. journald removes archived files the same way, by
//! name, and it and all readers notice a removal by themselves. Damaged files count as archived.

use std::collections::{BTreeMap, HashSet};
use std::ffi::CString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::quantity::show_bytes;
use ansai_core::scope::is_within;
use ansai_core::text::{path_bytes, path_text};
use ansai_core::{LeftOut, Measure, Outcome, Preview, Refusal, Subject, Unit};
use serde::{Deserialize, Serialize};

use super::directory::{Directory, Identity};
use super::names::{self, Kind};
use super::open_files::{Held, OpenFiles};
use super::survey::{self, PATH, Survey, survey};
use crate::disk::mounts;
use ansai_kit::action::{Applied, Begun, Fate, Item, Proposed, Step, StepContext, TypedAction, read_targets};
use ansai_kit::host::{Host, ProbeContext};

/// The action's audit name.
const NAME: &str = "ansai:journal/journal-actions.vacuum";
/// journald itself keeps a hundred archived files unless it was told otherwise.
const MOST_TARGETS: usize = 10_000;
const SAMPLE: usize = 10;
/// How often, and after what pause, it looks whether readers let go of what was removed.
const RELEASE_LOOKS: u32 = 10;
const RELEASE_PAUSE: Duration = Duration::from_millis(100);
const HELD_OPEN: &str = "held open";
const SEVERAL_LINKS: &str = "several links";

pub(super) struct Vacuum;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Arguments {
    keep_bytes: u64,
    reason: String,
}

/// An archived file to remove. Names are as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Target {
    directory: String,
    name: String,
    identity: Identity,
    allocated_bytes: u64,
}

impl Target {
    fn path(&self) -> String {
        format!("{PATH}/{}/{}", self.directory, self.name)
    }

    /// Both names as the system has them, if they still are those of an archived journal file.
    fn names(&self) -> Option<(CString, CString)> {
        let (directory, name) = (path_bytes(&self.directory)?, path_bytes(&self.name)?);
        let right = names::is_machine_directory(&directory) && names::kind(&name) == Some(Kind::Archived);
        let plain = right && !directory.contains(&b'/') && !name.contains(&b'/');
        plain.then_some((CString::new(directory).ok()?, CString::new(name).ok()?))
    }
}

fn refuse_protected(host: &Host) -> Result<(), Refusal> {
    match host.protected().iter().any(|own| is_within(PATH, &own.to_string_lossy())) {
        true => Err(Refusal::Denied(format!("{PATH} is protected"))),
        false => Ok(()),
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
        refuse_protected(ask.host)?;
        let mut taken = HashSet::new();
        for step in earlier.iter().filter(|step| step.action == NAME) {
            taken.extend(read_targets::<Vec<Target>>(&step.targets)?.into_iter().map(|target| target.identity));
        }
        let is_over = || ask.deadline.is_over();
        let survey = survey(ask.host, &is_over)?;
        let open = OpenFiles::look(ask.host, &is_over)?;
        Ok(choose(&survey, keep_bytes, &taken, &open))
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments: Arguments { keep_bytes, .. }, targets } = what;
        refuse_protected(doing.host)?;
        let survey = survey(doing.host, &|| false)?;
        let open = OpenFiles::look(doing.host, &|| false)?;
        let before = mounts::level(doing.host, PATH.as_ref())?.available_bytes;
        let mut removal = Removal { left: survey.bytes(), keep_bytes, open, directories: BTreeMap::new() };
        let mut items: Vec<Item> = targets
            .iter()
            .map(|target| match doing.is_stopping() {
                true => left(target, "ansai was asked to stop"),
                false => removal.one(&survey.root, target),
            })
            .collect();
        count_released(doing, &targets, &mut items);
        let mut applied = sum_up(items, targets.len());
        if doing.is_stopping() && applied.outcome == Outcome::Done {
            applied.outcome = Outcome::Other;
        }
        applied.measures.push(Measure::count("available-bytes-before", before, Unit::Bytes));
        if let Ok(level) = mounts::level(doing.host, PATH.as_ref()) {
            applied.measures.push(Measure::count("available-bytes-after", level.available_bytes, Unit::Bytes));
        }
        Ok(Begun::Finished(applied))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("removed journal files do not come back".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let root = survey::open(doing.host)?;
        let mut items = Vec::new();
        for target in &targets {
            if is_gone(&root, target)? {
                items.push(done(target, target.allocated_bytes));
            }
        }
        let mut applied = sum_up(items, targets.len());
        if applied.items.len() < targets.len() {
            applied.outcome = Outcome::Failed;
        }
        Ok(applied)
    }
}

/// Oldest archived files until the rest is small enough.
fn choose(survey: &Survey, keep_bytes: u64, taken: &HashSet<Identity>, open: &OpenFiles) -> (Preview, Vec<Target>) {
    let mut preview = Preview::nothing(Subject::new("journal", PATH));
    preview.reversible = false;
    preview.complete = survey.complete && survey.skipped == 0;
    let mut files: Vec<_> = survey.files.iter().filter(|file| !taken.contains(&file.state.identity)).collect();
    let mut left = files.iter().fold(0u64, |sum, file| sum.saturating_add(file.state.allocated_bytes));
    files.retain(|file| file.kind == Kind::Archived);
    files.sort_by_key(|file| (file.state.identity.modified, file.name.clone(), file.directory.clone()));
    let mut targets = Vec::new();
    for file in files {
        if left <= keep_bytes {
            break;
        }
        if targets.len() == MOST_TARGETS {
            preview.complete = false;
            break;
        }
        let bytes = file.state.allocated_bytes;
        if file.state.links > 1 {
            leave_out(&mut preview, SEVERAL_LINKS, bytes);
            continue;
        }
        match open.held(&file.state.identity) {
            Some(Held::Written) => {
                leave_out(&mut preview, HELD_OPEN, bytes);
                continue;
            }
            // Readers let go once they hear of it: soon, but not at once.
            Some(Held::Read) => preview.frees_later_bytes = preview.frees_later_bytes.saturating_add(bytes),
            None => preview.frees_now_bytes = preview.frees_now_bytes.saturating_add(bytes),
        }
        if preview.sample.len() < SAMPLE {
            preview.sample.push(file.path());
        }
        left = left.saturating_sub(bytes);
        targets.push(Target {
            directory: path_text(file.directory.to_bytes()),
            name: path_text(file.name.to_bytes()),
            identity: file.state.identity.clone(),
            allocated_bytes: bytes,
        });
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

/// Removal in progress.
struct Removal {
    /// Allocated by all of the journal now.
    left: u64,
    keep_bytes: u64,
    open: OpenFiles,
    directories: BTreeMap<CString, Directory>,
}

impl Removal {
    fn one(&mut self, root: &Directory, target: &Target) -> Item {
        // Somebody else may have vacuumed since: less than was agreed on is never kept.
        if self.left <= self.keep_bytes {
            return left(target, "the journal is small enough already");
        }
        let Some((directory, name)) = target.names() else {
            return left(target, "not an archived journal file");
        };
        match self.remove(root, directory, &name, target) {
            Ok(item) => item,
            Err(error) if error.kind() == io::ErrorKind::NotFound => left(target, "gone already"),
            Err(error) => Item {
                target: target.path(),
                fate: Fate::Failed(error.to_string()),
                freed_bytes: 0,
                undo: serde_json::Value::Null,
            },
        }
    }

    fn remove(&mut self, root: &Directory, directory: CString, name: &CString, target: &Target) -> io::Result<Item> {
        let directory = match self.directories.entry(directory) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(none) => {
                let open = root.child(none.key())?;
                none.insert(open)
            }
        };
        let state = match directory.file(name)? {
            Some(state) if state.identity == target.identity => state,
            _ => return Ok(left(target, "no longer what was previewed")),
        };
        if state.links > 1 {
            return Ok(left(target, SEVERAL_LINKS));
        }
        let held = self.open.held(&state.identity);
        if held == Some(Held::Written) {
            return Ok(left(target, HELD_OPEN));
        }
        directory.remove(name)?;
        self.left = self.left.saturating_sub(state.allocated_bytes);
        Ok(done(target, if held.is_some() { 0 } else { state.allocated_bytes }))
    }
}

/// Readers hear of a removal and let go within moments: waits for that a little, and counts what came back.
fn count_released(doing: &StepContext<'_>, targets: &[Target], items: &mut [Item]) {
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
        let Ok(open) = OpenFiles::look(doing.host, &|| false) else {
            return;
        };
        for (target, item) in waiting.filter(|(target, _)| open.held(&target.identity).is_none()) {
            item.freed_bytes = target.allocated_bytes;
        }
    }
}

/// Whether a target is not there any more. What has its name now may be another file.
fn is_gone(root: &Directory, target: &Target) -> Result<bool, Refusal> {
    let Some((directory, name)) = target.names() else {
        return Ok(false);
    };
    match root.child(&directory).and_then(|directory| directory.file(&name)) {
        Ok(Some(state)) => Ok(state.identity != target.identity),
        Ok(None) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Refusal::io(target.path(), &error)),
    }
}

fn done(target: &Target, freed_bytes: u64) -> Item {
    Item { target: target.path(), fate: Fate::Done, freed_bytes, undo: serde_json::Value::Null }
}

fn left(target: &Target, why: &str) -> Item {
    Item { target: target.path(), fate: Fate::Skipped(why.into()), freed_bytes: 0, undo: serde_json::Value::Null }
}

fn sum_up(items: Vec<Item>, targets: usize) -> Applied {
    let removed = items.iter().filter(|item| item.fate == Fate::Done).count();
    let freed = items.iter().fold(0u64, |sum, item| sum.saturating_add(item.freed_bytes));
    let has_failed = items.iter().any(|item| matches!(item.fate, Fate::Failed(_)));
    Applied {
        outcome: if has_failed { Outcome::Failed } else { Outcome::Done },
        detail: format!("{removed} of {targets} archived journal files removed, {} freed", show_bytes(freed)),
        measures: vec![
            Measure::count("freed-bytes", freed, Unit::Bytes),
            Measure::count("removed-files", removed as u64, Unit::None),
        ],
        items,
    }
}
