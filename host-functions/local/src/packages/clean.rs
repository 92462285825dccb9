//! `clean-cache`: the package manager's own command empties its cache.
//!
//! apt is told the directory that was previewed, whatever its configuration says, and to leave its index caches
//! alone: those hold no packages, and the next run would make them again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ansai_core::quantity::show_bytes;
use ansai_core::scope::is_within;
use ansai_core::text::inert;
use ansai_core::{Measure, Outcome, Preview, Refusal, Subject, Unit};
use serde::{Deserialize, Serialize};

use super::cache::{self, Manager};
use super::lock;
use crate::journal::directory::Identity;
use ansai_kit::action::{Applied, Begun, Fate, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::call::read;
use ansai_kit::command::{self, Ended, Program, Ran};
use ansai_kit::host::{Host, ProbeContext};

/// The action's audit name.
const NAME: &str = "ansai:packages/packages-actions.clean-cache";
const MOST_TARGETS: usize = 20_000;
const SAMPLE: usize = 10;
const LIMIT: Duration = Duration::from_secs(300);
/// How long a program that was asked to end may take.
const PATIENCE: Duration = Duration::from_secs(10);
const ENVIRONMENT: &[(&str, &str)] =
    &[("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C.UTF-8"), ("DEBIAN_FRONTEND", "noninteractive")];

pub(super) struct CleanCache;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    manager: Manager,
    reason: String,
}

/// A file of the cache.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Target {
    /// As text.
    path: String,
    identity: Identity,
    allocated_bytes: u64,
}

/// Everything in a cache at one time.
#[derive(Default)]
struct Contents {
    /// Those that were asked for, by their paths; at most [`MOST_TARGETS`].
    files: HashMap<String, Target>,
    count: u64,
    /// Allocated by all files, and by those that have no other name.
    bytes: u64,
    frees: u64,
    complete: bool,
}

fn look(
    host: &Host,
    manager: Manager,
    is_wanted: &dyn Fn(&str) -> bool,
    is_over: &dyn Fn() -> bool,
) -> Result<Contents, Refusal> {
    let mut contents = Contents::default();
    let survey = cache::survey(host, manager, is_over, &mut |file| {
        let bytes = file.state.allocated_bytes;
        contents.count = contents.count.saturating_add(1);
        contents.bytes = contents.bytes.saturating_add(bytes);
        if file.state.links <= 1 {
            contents.frees = contents.frees.saturating_add(bytes);
        }
        if contents.files.len() < MOST_TARGETS && is_wanted(&file.path) {
            let target = Target { path: file.path.clone(), identity: file.state.identity, allocated_bytes: bytes };
            contents.files.insert(file.path, target);
        }
    })?;
    contents.complete = survey.complete && survey.skipped == 0 && contents.count <= MOST_TARGETS as u64;
    Ok(contents)
}

/// Refuses a manager that this host lacks, whose cache is protected, or whose lock another process holds.
fn check(host: &Host, manager: Manager) -> Result<(), Refusal> {
    if !cache::managers(host).contains(&manager) {
        return Err(Refusal::Unsupported(format!("this host has no {}", manager.name())));
    }
    let path = cache::path(host, manager);
    if host.protected().iter().any(|own| is_within(path, &own.to_string_lossy())) {
        return Err(Refusal::Denied(format!("{path} is protected")));
    }
    match lock::held(host, manager) {
        Some(lock) => Err(Refusal::Busy(format!("another process holds {lock}"))),
        None => Ok(()),
    }
}

impl TypedAction for CleanCache {
    type Arguments = Arguments;
    type Targets = Vec<Target>;
    const NOUN: &'static str = "file";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { manager, .. }: Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Vec<Target>), Refusal> {
        check(ask.host, manager)?;
        let mut preview = Preview::nothing(Subject::new("package-cache", cache::path(ask.host, manager)));
        preview.reversible = false;
        let is_again = earlier
            .iter()
            .filter(|step| step.action == NAME)
            .any(|step| read::<Arguments>(&step.arguments).is_ok_and(|arguments| arguments.manager == manager));
        // Once it was emptied there is nothing left to remove.
        if is_again {
            return Ok((preview, Vec::new()));
        }
        let contents = look(ask.host, manager, &|_| true, &|| ask.deadline.is_over())?;
        let mut targets: Vec<Target> = contents.files.into_values().collect();
        targets.sort_by(|a, b| b.allocated_bytes.cmp(&a.allocated_bytes).then_with(|| a.path.cmp(&b.path)));
        preview.items = contents.count;
        preview.frees_now_bytes = contents.frees;
        preview.complete = contents.complete;
        preview.sample = targets.iter().take(SAMPLE).map(|target| target.path.clone()).collect();
        Ok((preview, targets))
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        if !doing.host.is_this_machine() {
            return Err(Refusal::Unsupported("package managers are run on this machine only".into()));
        }
        let Step { arguments: Arguments { manager, .. }, targets } = what;
        check(doing.host, manager)?;
        let program = cache::program(doing.host, manager)
            .ok_or_else(|| Refusal::Unsupported(format!("the program of {} is missing", manager.name())))?;
        let before = look(doing.host, manager, &|_| false, &|| false)?;
        let run = Program {
            path: program.as_ref(),
            arguments: arguments(doing.host, manager),
            environment: ENVIRONMENT,
            input: &[],
            limit: LIMIT,
            patience: PATIENCE,
        };
        let ran = command::run(&run, &|| doing.is_stopping())
            .map_err(|error| Refusal::Unavailable(format!("{program}: {error}")))?;
        let after = look(doing.host, manager, &among(&targets), &|| false)?;
        let problem = problem(program, &ran);
        // Somebody may have taken the lock in between.
        if problem.is_some() && after.count >= before.count && lock::held(doing.host, manager).is_some() {
            return Err(Refusal::Busy(format!("another process holds the lock of {}", manager.name())));
        }
        let freed = before.bytes.saturating_sub(after.bytes);
        let removed = before.count.saturating_sub(after.count);
        let mut applied = sum_up(items(targets, &after), freed, removed);
        // apt only warns of what it could not remove.
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
        Err(Refusal::Unsupported("removed packages can be downloaded again, which the package manager does".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let Step { arguments: Arguments { manager, .. }, targets } = what;
        let all = targets.len();
        let now = look(doing.host, manager, &among(&targets), &|| false)?;
        let mut items = items(targets, &now);
        items.retain(|item| item.fate == Fate::Done);
        let freed = items.iter().fold(0u64, |sum, item| sum.saturating_add(item.freed_bytes));
        let removed = items.len();
        let mut applied = sum_up(items, freed, removed as u64);
        if removed < all {
            applied.outcome = Outcome::Failed;
        }
        Ok(applied)
    }
}

fn arguments(host: &Host, manager: Manager) -> &'static [&'static str] {
    match manager {
        Manager::Apt | Manager::Other => &[
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

/// What went wrong, as the start of a sentence.
fn problem(program: &str, ran: &Ran) -> Option<String> {
    match ran.ended {
        Ended::By(status) if status.success() => None,
        Ended::By(status) => {
            let said = ran.errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            Some(format!("{program}: {status}: {}", inert(said.trim(), 200)))
        }
        Ended::TimeLimit => Some(format!("{program} took longer than {} s and was ended", LIMIT.as_secs())),
        Ended::Stopped => Some(format!("{program} was ended because ansai was asked to stop")),
    }
}

fn among(targets: &[Target]) -> impl Fn(&str) -> bool {
    let paths: HashSet<String> = targets.iter().map(|target| target.path.clone()).collect();
    move |path| paths.contains(path)
}

/// What became of each target.
fn items(targets: Vec<Target>, now: &Contents) -> Vec<Item> {
    let item = |target: Target| {
        let is_there = now.files.get(&target.path).is_some_and(|file| file.identity == target.identity);
        let (fate, freed_bytes) = match is_there {
            true => (Fate::Failed("still there".into()), 0),
            false => (Fate::Done, target.allocated_bytes),
        };
        Item { target: target.path, fate, freed_bytes, undo: serde_json::Value::Null }
    };
    targets.into_iter().map(item).collect()
}

fn sum_up(items: Vec<Item>, freed: u64, removed: u64) -> Applied {
    Applied {
        outcome: Outcome::Done,
        detail: format!("{removed} files removed from the package cache, {} freed", show_bytes(freed)),
        measures: vec![
            Measure::count("freed-bytes", freed, Unit::Bytes),
            Measure::count("removed-files", removed, Unit::None),
        ],
        items,
    }
}
