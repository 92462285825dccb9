//! The guard in front of the manager's command, which removes every file of the cache and cannot leave one out: one
//! file that does not pass refuses the step.

use std::collections::HashSet;

use ansai_core::{Refusal, Timestamp};

use super::cache::{self, Manager};
use super::contents::{Contents, MOST_TARGETS, Target};
use crate::safety::guard::{GONE, Guard};
use crate::safety::reason::{Blocked, Reason};
use crate::safety::rules::Rules;
use ansai_kit::action::StepContext;
use ansai_kit::host::{Host, ProbeContext};

/// A package that a person linked elsewhere loses nothing with its name here.
const RULES: Rules = Rules { min_age_hours: None, readers: false, links: true };

/// For the preview.
///
/// # Errors
/// `busy` for a file in use, `denied` for a protected directory, `unavailable` for what no action may touch or what
/// could not be read, `over-budget` for too many files.
pub(super) fn foresee(ask: &ProbeContext<'_>, manager: Manager, contents: &mut Contents) -> Result<(), Refusal> {
    let Some(guard) = enter(ask.host, manager, contents, ask.now, &|| ask.deadline.is_over())? else { return Ok(()) };
    for file in &contents.files {
        let foreseen = guard.foresee(&file.path, &file.stat);
        foreseen.map_err(|reason| reason.refusal(&cache::shown(ask.host, manager, &file.path)))?;
    }
    Ok(())
}

/// Right before the command: what is in the cache now, all of it previewed and unchanged.
///
/// # Errors
/// Those of [`foresee`], and `changed`.
pub(super) fn check(doing: &StepContext<'_>, manager: Manager, targets: &[Target]) -> Result<Contents, Refusal> {
    let mut contents = Contents::read(doing.host, manager, &|| false)?;
    let Some(guard) = enter(doing.host, manager, &mut contents, doing.now, &|| false)? else { return Ok(contents) };
    let mut previewed = HashSet::new();
    for target in targets {
        let path = target.path()?;
        match guard.check(&path, target.identity) {
            Ok(_) | Err(Blocked::Because(Reason::Changed(GONE))) => previewed.insert(path),
            Err(blocked) => return Err(blocked.refusal(&cache::shown(doing.host, manager, &path))),
        };
    }
    match contents.files.iter().find(|file| !previewed.contains(&file.path)) {
        Some(new) => {
            Err(Reason::Changed("it is not in the preview").refusal(&cache::shown(doing.host, manager, &new.path)))
        }
        None => Ok(contents),
    }
}

/// `None` if there is no cache.
fn enter(
    host: &Host,
    manager: Manager,
    contents: &mut Contents,
    now: Timestamp,
    is_over: &dyn Fn() -> bool,
) -> Result<Option<Guard>, Refusal> {
    let Some(root) = contents.root.take() else { return Ok(None) };
    let guard = Guard::enter(host, root, RULES, now, is_over)?;
    guard.protected.refuse_around(&guard.root)?;
    let path = cache::path(host, manager);
    if !contents.is_complete || contents.files.len() > MOST_TARGETS {
        return Err(Refusal::OverBudget(format!("{path} has more than {MOST_TARGETS} files")));
    }
    match contents.skipped {
        0 => Ok(Some(guard)),
        skipped => Err(Refusal::Unavailable(format!(
            "{path}: cannot check what the command would remove: unreadable, on another mount, or not regular files: \
             {skipped}"
        ))),
    }
}
