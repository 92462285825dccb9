//! Files in quarantine: listing them, and `reclaim`, which removes them permanently.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_core::scope::is_within;
use ansai_core::{Preview, Refusal, Reversibility, Scope, Subject, Timestamp};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fields::{self, MAX_BYTES, MAX_FILES, ROOTS};
use super::quarantine::{Quarantine, Readable, Step, all};
use super::report::{Report, failed, item};
use super::select::Left;
use super::targets::{MOST_FILES, taken, treated_names};
use super::{place, site};
use crate::disk::filesystems::Filesystems;
use crate::safety::identity::Inode;
use crate::safety::root::{Root, absolute};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Fate, Item, Proposed, Step as Planned, StepContext, TypedAction, read_targets,
};
use ansai_kit::call::NoArguments;
use ansai_kit::host::{Host, ProbeContext};

/// One file in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    /// The directory that has the quarantine.
    pub(super) hold: String,
    /// The name of the quarantine in it.
    quarantine: String,
    /// The directory of the step in the quarantine, and the number of the file in it.
    pub(super) step: String,
    pub(super) number: usize,
    dev: u64,
    pub(super) ino: u64,
    pub(super) bytes: u64,
    /// Its original path, as text.
    pub(super) path: String,
    pub(super) until: Timestamp,
}

impl Held {
    pub(super) fn inode(&self) -> Inode {
        (self.dev, self.ino)
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Targets {
    pub(super) files: Vec<Held>,
}

/// Every file in quarantine below these roots, with its mount point.
pub(super) struct Found {
    pub(super) files: Vec<(String, Held)>,
    /// How many quarantines, steps of them and files in them could not be read.
    pub(super) skipped: u32,
    pub(super) complete: bool,
}

/// Looks at all quarantines below these roots.
pub(super) fn look(host: &Host, roots: &[String]) -> Found {
    let table = Filesystems::read(host);
    // Without the mount table, only the roots themselves are searched.
    let is_whole = table.is_ok();
    let table = table.unwrap_or_default();
    let Readable { found: quarantines, mut skipped } = all(host, roots, table.visible());
    let mut files = Vec::new();
    for quarantine in quarantines {
        let mount = place::mount(&table, &quarantine.root);
        let steps = quarantine.steps();
        skipped = skipped.saturating_add(steps.skipped);
        for (step, index) in steps.found {
            // Moved here from elsewhere: what these roots grant does not cover it.
            if !roots.iter().any(|root| is_within(&index.root, root)) {
                skipped = skipped.saturating_add(1);
                continue;
            }
            for (number, file) in index.files.iter().enumerate() {
                let stat = match step.look(number) {
                    Ok(stat) if stat.ino == file.ino => stat,
                    // Restored, or deleted for good.
                    Ok(_) | Err(Errno::NOENT) => continue,
                    Err(_) => {
                        skipped = skipped.saturating_add(1);
                        continue;
                    }
                };
                let held = Held {
                    hold: quarantine.root.text.clone(),
                    quarantine: quarantine.name(),
                    step: String::from_utf8_lossy(&step.name).into_owned(),
                    number,
                    dev: stat.dev,
                    ino: stat.ino,
                    bytes: stat.bytes,
                    path: format!("{}/{}", index.root.trim_end_matches('/'), file.path),
                    until: index.until,
                };
                files.push((mount.clone(), held));
            }
        }
    }
    Found { files, skipped, complete: is_whole && skipped == 0 }
}

/// The sum of the quarantined files on one mount: the record `held` of the WIT.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct OnMount {
    mount: String,
    files: u64,
    bytes: u64,
    first_expires: Timestamp,
    last_expires: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Quarantines {
    entries: Vec<OnMount>,
    complete: bool,
    skipped: u32,
}

/// `list-held`.
pub(super) fn list_held(ask: &ProbeContext<'_>, _: NoArguments) -> Result<Quarantines, Refusal> {
    let Found { files, skipped, complete } = look(ask.host, ask.scope.roots(&ROOTS));
    let mut mounts = BTreeMap::<String, OnMount>::new();
    for (mount, held) in files {
        let begin = OnMount {
            mount: mount.clone(),
            files: 0,
            bytes: 0,
            first_expires: held.until,
            last_expires: Timestamp::EPOCH,
        };
        let sum = mounts.entry(mount).or_insert(begin);
        sum.files += 1;
        sum.bytes = sum.bytes.saturating_add(held.bytes);
        sum.first_expires = sum.first_expires.min(held.until);
        sum.last_expires = sum.last_expires.max(held.until);
    }
    Ok(Quarantines { entries: mounts.into_values().collect(), complete, skipped })
}

/// The action `reclaim`.
pub(super) struct Reclaim;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Arguments {
    mount: String,
    enough_bytes: u64,
    reason: String,
}

impl TypedAction for Reclaim {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { mount, enough_bytes, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Targets), Refusal> {
        if absolute(&mount).is_none() {
            return Err(Refusal::Invalid("`mount` is not a mount point".into()));
        }
        let taken = taken(earlier)?;
        let max_bytes = ask.scope.bytes(&MAX_BYTES);
        let max_files = usize::try_from(ask.scope.count(&MAX_FILES)).unwrap_or(usize::MAX);
        let Found { files: mut held, complete, .. } = look(ask.host, ask.scope.roots(&ROOTS));
        held.retain(|(on, file)| *on == mount && !taken.contains(&file.inode()));
        held.sort_by(|(_, a), (_, b)| (a.until, &a.step, a.number).cmp(&(b.until, &b.step, b.number)));
        let (mut left, mut bytes, mut files) = (Left::default(), 0_u64, Vec::new());
        for (_, file) in held {
            let enough = enough_bytes > 0 && bytes >= enough_bytes;
            let is_beyond = max_bytes == 0 || bytes.saturating_add(file.bytes) > max_bytes;
            let full = files.len() >= max_files.min(MOST_FILES) || is_beyond;
            if enough || full {
                left.add("beyond-limit", file.bytes);
                continue;
            }
            bytes += file.bytes;
            files.push(file);
        }
        let preview = Preview {
            items: files.len() as u64,
            frees_now_bytes: bytes,
            reversible: if files.is_empty() { Reversibility::Fully } else { Reversibility::None },
            complete,
            sample: files.iter().take(10).map(|file| file.path.clone()).collect(),
            left_out: left.list(),
            mount: Some(mount.clone()),
            ..Preview::nothing(Subject::new("filesystem", mount))
        };
        Ok((preview, Targets { files }))
    }

    /// A mount point does not show which of the granted directories below it are meant: the files do.
    fn is_within(&self, scope: &Scope, targets: &RawValue) -> Result<bool, Refusal> {
        let files = read_targets::<Targets>(targets)?.files;
        let bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
        let roots = scope.roots(&ROOTS);
        let is_granted = |file: &Held| roots.iter().any(|root| is_within(&file.hold, root));
        let max_bytes = scope.bytes(&MAX_BYTES);
        let is_few = files.len() as u64 <= scope.count(&MAX_FILES) && bytes <= max_bytes && max_bytes > 0;
        Ok(is_few && files.iter().all(is_granted))
    }

    fn describe(&self, targets: Targets) -> Described {
        Described { names: targets.files.into_iter().map(|file| file.path).collect(), undo_for: None }
    }

    fn amounts(&self, targets: &Targets, treated: Option<&[Item]>) -> Vec<Amount> {
        let treated = treated.map(treated_names);
        let counts = |file: &&Held| treated.as_ref().is_none_or(|names| names.contains(file.path.as_str()));
        fields::amounts(targets.files.iter().filter(counts).map(|file| file.bytes))
    }

    fn begin(&self, doing: &StepContext<'_>, what: Planned<Self>) -> Result<Begun, Refusal> {
        Ok(give_up_all(doing, &what.targets, "reclaimed", |_| Ok(())))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Planned<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("files that were given up cannot be restored".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Planned<Self>) -> Result<Applied, Refusal> {
        let targets = what.targets;
        let mut items = Vec::new();
        for file in &targets.files {
            let found = part(doing.host, file)?;
            if found.is_none_or(|(_, step)| step.held(file.number, file.ino).is_none()) {
                items.push(item(file.path.clone(), Fate::Done, file.bytes));
            }
        }
        Ok(Report { verb: "reclaimed", ..Report::default() }.applied(items))
    }
}

fn part(host: &Host, file: &Held) -> Result<Option<(Quarantine, Step)>, Refusal> {
    let root = Arc::new(Root::open(host, &file.hold)?);
    let Some(quarantine) = Quarantine::open(&root, file.quarantine.as_bytes())? else { return Ok(None) };
    let step = quarantine.step(file.step.as_bytes()).map_err(|error| Refusal::io(&file.hold, &error.into()))?;
    Ok(step.map(|step| (quarantine, step)))
}

fn given_up(host: &Host, file: &Held) -> Result<(), Fate> {
    let found = part(host, file).map_err(|refusal| Fate::Failed(refusal.to_string()))?;
    let (quarantine, step) = found.ok_or_else(|| Fate::Skipped("gone".into()))?;
    if step.held(file.number, file.ino).is_none() {
        return Err(Fate::Skipped("gone".into()));
    }
    step.give_up(file.number).map_err(|error| failed("removing it", error))?;
    quarantine.tidy(&step);
    Ok(())
}

/// Removes the targets permanently, except those that `check` skips with a reason.
pub(super) fn give_up_all(
    doing: &StepContext<'_>,
    targets: &Targets,
    verb: &'static str,
    check: impl Fn(&Held) -> Result<(), String>,
) -> Begun {
    let items = targets.files.iter().map(|file| {
        let fate = match check(file) {
            _ if doing.is_stopping() => Fate::Skipped("stopped".into()),
            _ if site::granted(doing, &file.hold).is_err() => Fate::Skipped("no longer granted".into()),
            Err(why) => Fate::Skipped(why),
            Ok(()) => given_up(doing.host, file).map_or_else(|fate| fate, |()| Fate::Done),
        };
        let freed = if fate == Fate::Done { file.bytes } else { 0 };
        item(file.path.clone(), fate, freed)
    });
    Begun::Finished(Report { verb, ..Report::default() }.applied(items.collect()))
}
