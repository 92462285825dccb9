//! Where a step acts: the guard over its root, within the grants as they are now.

use ansai_core::Refusal;
use ansai_core::scope::is_within;
use rustix::fd::AsFd as _;

use super::fields::{MIN_AGE_HOURS, ROOTS};
use super::file::File;
use super::targets::Targets;
use crate::safety::extents;
use crate::safety::guard::{Guard, Guarded};
use crate::safety::root::Root;
use crate::safety::rules::Rules;
use ansai_kit::action::{Fate, StepContext};

/// Refuses a directory that is not within the granted roots as they are now.
pub(super) fn granted(doing: &StepContext<'_>, directory: &str) -> Result<(), Refusal> {
    if doing.scope.roots(&ROOTS).iter().any(|root| is_within(directory, root)) {
        return Ok(());
    }
    Err(Refusal::Denied(format!("{directory} is not within the granted roots any more")))
}

/// Enters the guard with the scope and the root as they are now.
pub(super) fn enter(doing: &StepContext<'_>, targets: &Targets) -> Result<Guard, Refusal> {
    granted(doing, &targets.root)?;
    let granted = doing.scope.hours(&MIN_AGE_HOURS);
    let root = Root::open(doing.host, &targets.root)?;
    if root.stat.inode() != targets.root_inode {
        return Err(Refusal::Changed(format!("{} is another directory than previewed", targets.root)));
    }
    let rules = Rules { min_age_hours: Some(targets.min_age_hours.max(granted)), ..Rules::default() };
    Guard::enter(doing.host, root, rules, doing.now, &|| doing.is_stopping())
}

/// The same for what has to free its bytes.
pub(super) fn check_extents(guard: &Guard, file: &File) -> Result<Guarded, Fate> {
    let guarded = check(guard, file)?;
    match &guarded.file {
        Some(open) if extents::are_shared(open.as_fd()) => Err(Fate::Skipped(extents::SHARED_EXTENTS.into())),
        _ => Ok(guarded),
    }
}

/// All checks on one target.
pub(super) fn check(guard: &Guard, file: &File) -> Result<Guarded, Fate> {
    let path = file.path().ok_or_else(|| Fate::Failed("this is no path below a root".into()))?;
    Ok(guard.check(&path, file.identity())?)
}
