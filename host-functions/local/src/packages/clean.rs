//! `clean-cache`: the package manager's own command empties its cache.
//!
//! apt is told the directory that was previewed, whatever its configuration says, and to leave its index caches alone:
//! they hold no packages, and the next run of apt would build them again.
//!
//! Every file passes the guard right before the command runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{Bytes, Measure, Outcome, Preview, Refusal, Reversibility, Unit};
use serde::{Deserialize, Serialize};

use super::cache::{self, Manager};
use super::contents::{Contents, Target, Targets};
use super::{guard, lock};
use crate::disk::filesystems::Filesystems;
use crate::safety::root::Root;
use ansai_kit::action::{Applied, Begun, Described, Fate, Item, Proposed, Step, StepContext, TypedAction, Work};
use ansai_kit::call::read;
use ansai_kit::host::{Host, ProbeContext};
use ansai_kit::program::{Ended, Program, Ran};

/// The action's name in the audit log.
const NAME: &str = "ansai:packages/package-cache-actions.clean-cache";
const SAMPLE: usize = 10;
const LIMIT: Duration = Duration::from_secs(300);
/// How long the program may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct CleanCache;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    manager: String,
    reason: String,
}

/// Refuses a manager that this host lacks or whose lock another process holds.
fn check(host: &Host, manager: Manager) -> Result<(), Refusal> {
    if !cache::managers(host).contains(&manager) {
        return Err(Refusal::Unsupported(format!("this host has no {}", manager.name())));
    }
    match lock::held(host, manager) {
        Some(lock) => Err(Refusal::Busy(format!("another process holds {lock}"))),
        None => Ok(()),
    }
}

impl TypedAction for CleanCache {
    type Arguments = Arguments;
    type Targets = Targets;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { manager, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Targets), Refusal> {
        let manager = Manager::named(&manager)?;
        check(ask.host, manager)?;
        let mut preview = Preview::nothing(cache::subject(ask.host, manager));
        preview.reversible = Reversibility::None;
        let path = cache::path(ask.host, manager);
        let filesystems = Filesystems::read(ask.host)?;
        preview.mount = match Root::following(ask.host, path) {
            Ok(root) => filesystems.name(path.as_ref(), &root.stat),
            Err(_) => filesystems.name_by_path(path.as_ref()),
        };
        let is_again = earlier
            .iter()
            .filter(|step| step.action == NAME)
            .any(|step| read::<Arguments>(&step.arguments).is_ok_and(|arguments| arguments.manager == manager.name()));
        // After an earlier step of the plan empties the cache, nothing remains to be removed.
        if is_again {
            return Ok((preview, Targets { directory: path.to_owned(), files: Vec::new() }));
        }
        let is_over = || ask.deadline.is_over();
        let mut contents = Contents::read(ask.host, manager, &is_over)?;
        if is_over() {
            return Err(Refusal::TimedOut(format!("{} could not be read in time", cache::path(ask.host, manager))));
        }
        guard::foresee(ask, manager, &mut contents)?;
        preview.items = contents.files.len() as u64;
        preview.frees_now_bytes = contents.frees();
        preview.complete = true;
        let targets = contents.targets(ask.host, manager);
        preview.sample = targets.names().take(SAMPLE).collect();
        Ok((preview, targets))
    }

    fn work(&self) -> Option<Work> {
        Some(Work::CleanPackages)
    }

    fn describe(&self, targets: Targets) -> Described {
        Described { names: targets.names().collect(), undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        if !doing.host.is_this_machine() {
            return Err(Refusal::Unsupported("package managers are run on this machine only".into()));
        }
        let Step { arguments: Arguments { manager, .. }, targets } = what;
        let manager = Manager::named(&manager)?;
        check(doing.host, manager)?;
        let program = cache::program(doing.host, manager)
            .ok_or_else(|| Refusal::Unsupported(format!("the program of {} is missing", manager.name())))?;
        let before = guard::check(doing, manager, &targets.files)?;
        let run = Program::new(program.as_ref()).args(arguments(doing.host, manager)).limit(LIMIT).patience(PATIENCE);
        let ran = run.run(&|| doing.is_stopping())?;
        let after = Contents::read(doing.host, manager, &|| false)?;
        let problem = problem(program, &ran);
        // Another process may have taken the lock since.
        if problem.is_some() && after.files.len() >= before.files.len() && lock::held(doing.host, manager).is_some() {
            return Err(Refusal::Busy(format!("another process holds the lock of {}", manager.name())));
        }
        let freed = before.bytes().saturating_sub(after.bytes());
        let removed = before.files.len().saturating_sub(after.files.len());
        let mut applied = sum_up(items(targets, &after), freed, removed);
        // apt only warns about what it could not remove.
        if applied.items.iter().any(|item| item.fate != Fate::Done) {
            applied.outcome = Outcome::Failed;
        }
        if let Some(problem) = problem {
            applied.outcome = if ran.ended == Ended::Stopped { Outcome::Other } else { Outcome::Failed };
            applied.detail = format!("{problem}; {}", applied.detail);
        }
        Ok(Begun::Finished(applied))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("the package manager downloads removed packages again when it needs them".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let Step { arguments: Arguments { manager, .. }, targets } = what;
        let manager = Manager::named(&manager)?;
        let all = targets.files.len();
        let now = Contents::read(doing.host, manager, &|| false)?;
        let mut items = items(targets, &now);
        items.retain(|item| item.fate == Fate::Done);
        let freed = items.iter().fold(0u64, |sum, item| sum.saturating_add(item.freed_bytes));
        let removed = items.len();
        let mut applied = sum_up(items, freed, removed);
        if removed < all {
            applied.outcome = Outcome::Failed;
        }
        Ok(applied)
    }
}

/// The command line. Its options win over the configuration of apt, which could lead the command to another directory.
fn arguments(host: &Host, manager: Manager) -> &'static [&'static str] {
    match manager {
        Manager::Apt => &[
            "-o",
            "RootDir=",
            "-o",
            "Dir::Cache=/var/cache/apt",
            "-o",
            "Dir::Cache::archives=archives/",
            "-o",
            "Dir::Cache::pkgcache=",
            "-o",
            "Dir::Cache::srcpkgcache=",
            "clean",
        ],
        Manager::Dnf if cache::is_dnf5(host) => &["clean", "packages"],
        Manager::Dnf => &["--setopt=cachedir=/var/cache/dnf", "--setopt=exit_on_lock=True", "clean", "packages"],
    }
}

/// The error of the command, as the start of a sentence.
fn problem(program: &str, ran: &Ran) -> Option<String> {
    match ran.ended {
        Ended::By(status) if status.success() => None,
        Ended::By(status) => {
            let said = ran.stderr.last_line().unwrap_or("no error message");
            Some(format!("{program}: {status}: {}", inert(said, 200)))
        }
        Ended::TimeLimit => Some(format!("{program} took longer than {} s and was ended", LIMIT.as_secs())),
        Ended::Stopped => Some(format!("{program} was ended because ansai was asked to stop")),
    }
}

/// The fate of each target.
fn items(targets: Targets, now: &Contents) -> Vec<Item> {
    let there: HashMap<&[u8], u64> = now.files.iter().map(|file| (&*file.path, file.stat.ino)).collect();
    let names = targets.names().collect::<Vec<_>>();
    let item = |(target, name): (Target, String)| {
        // By inode number alone: a device may have another number after a restart.
        let is_there = target.path().is_ok_and(|path| there.get(&*path) == Some(&target.identity.ino));
        let (fate, freed_bytes) = match is_there {
            true => (Fate::Failed("still there".into()), 0),
            false => (Fate::Done, target.allocated_bytes),
        };
        Item { target: name, fate, freed_bytes, undo: serde_json::Value::Null }
    };
    targets.files.into_iter().zip(names).map(item).collect()
}

fn sum_up(items: Vec<Item>, freed: u64, removed: usize) -> Applied {
    Applied {
        outcome: Outcome::Done,
        reason: None,
        detail: format!("{removed} files removed from the package cache, {} freed", Bytes::new(freed)),
        measures: vec![
            Measure::count("freed-bytes", freed, Unit::Bytes),
            Measure::count("removed-files", removed as u64, Unit::None),
        ],
        items,
        evidence: Vec::new(),
    }
}
