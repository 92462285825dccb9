//! Which new versions are pinned: those that can do no more than before, and those that a person accepted.

use std::io::{BufRead as _, IsTerminal as _};

use ansai_core::codes;
use ansai_daemon::pulled::{self, Newer, Shadowed};
use ansai_daemon::{Configuration, Error};
use ansai_registry::{Lock, Locked, RegistryError, Shadow, ShadowEnd, Store, WentBack};

use super::accepted::Accepted;
use super::{Arguments, Outcome, Updated, show};
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{self, terminal};

/// Whether a newer version is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pinning {
    /// It is.
    Pinned,
    /// It can do more than the pinned one: a person has to accept it.
    Held,
    /// It would be, without `--dry-run`.
    WouldPin,
    /// It would be held.
    WouldHold,
    /// The lock file was changed meanwhile.
    Changed,
    /// It begins to run beside the pinned one.
    Beside,
    /// A version runs beside the pinned one already.
    Shadowed,
    /// A version ran beside the pinned one, and does not take over.
    ShadowHeld,
}

/// A version that failed on this host is not pinned again.
pub(super) fn failed_here(new: &Locked) -> RegistryError {
    let why = "it failed in its first evaluations".to_owned();
    WentBack { version: new.version.clone(), why, runs: "an earlier one".to_owned() }.into()
}

/// Refuses to accept differences that no shadow has shown: a name that is mistyped must not look like one that was accepted. What
/// is pinned already is no mistake.
pub(super) fn check_seen(
    arguments: &Arguments,
    configuration: &Configuration,
    store: &Store,
    lock: &Lock,
) -> anyhow::Result<()> {
    if arguments.shadow.is_some() {
        return Ok(());
    }
    let shadows = Shadowed::all(lock, &store.shadows().map_err(Error::from)?);
    let beside = shadows.values().map(|beside| (&beside.pinned.source, &beside.shadow.policy));
    let known: Vec<(Vec<String>, &Locked)> = (lock.policies().map(|pinned| (&pinned.source, pinned)).chain(beside))
        .map(|(source, policy)| (super::instances(configuration, source), policy))
        .collect();
    let is_known = |one: &&Accepted| known.iter().any(|(instances, policy)| one.is_of(instances, policy));
    match arguments.accept_differences.iter().find(|one| !is_known(one)) {
        None => Ok(()),
        Some(unseen) => {
            let name = &unseen.instance;
            let message = format!("{unseen} did not run as a shadow on this host, so it has shown no differences");
            let hint = format!("`ansai update {name} --shadow 7d` runs the newest version as a shadow");
            Err(Fault::usage(codes::NOT_A_SHADOW, message).hint(hint).into())
        }
    }
}

/// Decides, and asks where somebody can answer.
pub(super) fn decide(
    arguments: &Arguments,
    global: &Global,
    instances: &[String],
    (pinned, beside): (&Locked, Option<&Shadowed>),
    newer: &Newer,
) -> anyhow::Result<Pinning> {
    let is_wider = newer.difference.is_wider();
    let accepts = |list: &[Accepted]| list.iter().any(|one| one.is_of(instances, &newer.locked));
    if arguments.shadow.is_some() {
        return Ok(Pinning::Beside);
    }
    // A person wants to see more of it first, so no timer that runs `ansai update` pins it.
    match beside.map(|beside| &beside.record.end) {
        Some(None) if !accepts(&arguments.accept_differences) => return Ok(Pinning::Shadowed),
        Some(Some(ShadowEnd::Held(_))) if !accepts(&arguments.accept_differences) => return Ok(Pinning::ShadowHeld),
        // What took over is pinned before, except by --dry-run.
        Some(None | Some(ShadowEnd::Held(_) | ShadowEnd::TookOver)) | None => {}
    }
    if arguments.dry_run {
        return Ok(if is_wider { Pinning::WouldHold } else { Pinning::WouldPin });
    }
    if !is_wider || accepts(&arguments.accept_wider) {
        return Ok(Pinning::Pinned);
    }
    let can_ask = global.format == Format::Text && terminal::is_stdout() && std::io::stdin().is_terminal();
    if !can_ask {
        return Ok(Pinning::Held);
    }
    output::say(&show::difference(pinned, newer))?;
    output::say(&format!(
        "Pin version {}, which can do more? [y/N] ",
        ansai_core::text::inert(&newer.locked.version, 100)
    ))?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let is_yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    Ok(if is_yes { Pinning::Pinned } else { Pinning::Held })
}

/// Names what is pinned in the store, and then writes the lock file as a whole. What somebody else pinned meanwhile stays.
pub(super) fn write(
    arguments: &Arguments,
    configuration: &Configuration,
    store: &Store,
    updated: &mut [Updated],
) -> Result<(), Error> {
    let trials = store.trials()?;
    let mut lock = pulled::lock_of(&configuration.path)?;
    // Noted before the lock file is written.
    let known = store.shadows()?;
    let mut begun = Vec::new();
    let mut is_changed = false;
    for one in updated {
        let Outcome::Newer { newer, pinning, last_good } = &mut one.outcome else { continue };
        if !matches!(pinning, Pinning::Pinned | Pinning::Beside) {
            continue;
        }
        if lock.get(&one.pinned.source).ok().map(|now| &now.digest) != Some(&one.pinned.digest) {
            *pinning = Pinning::Changed;
            continue;
        }
        store.add(&newer.fetched)?;
        if let (Some(lasts_ms), Some(record)) = (arguments.shadow, &one.shadow) {
            let accepts = |list: &[Accepted]| list.iter().any(|accepted| accepted.is_of(&one.instances, &newer.locked));
            let (accepts_wider, accepts_differences) =
                (accepts(&arguments.accept_wider), accepts(&arguments.accept_differences));
            let policy = newer.locked.clone();
            lock.set_shadow(Shadow { lasts_ms, began: record.began, accepts_wider, accepts_differences, policy });
            // Before the lock file: a daemon that reads it then finds what was replayed.
            begun.push(one.pinned.source.clone());
            store.note_shadow(&one.pinned.source, Some(record.as_ref().clone()))?;
            is_changed = true;
            continue;
        }
        let is_good = pulled::is_good(&lock, store, &one.pinned, &trials);
        lock.pin(newer.locked.clone(), is_good);
        *last_good = lock.earlier(&one.pinned.source).map(|earlier| earlier.version.clone());
        is_changed = true;
    }
    if is_changed && let Err(error) = lock.write() {
        // The lock file still names the shadows of before, which go on.
        for source in begun {
            if let Err(error) = store.note_shadow(&source, known.get(&source).cloned()) {
                tracing::warn!("what is known of the shadow of {source} is not recorded: {error}");
            }
        }
        return Err(error.into());
    }
    Ok(())
}
