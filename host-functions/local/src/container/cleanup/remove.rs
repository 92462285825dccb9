//! Removes one thing after the other, and measures what that frees.

use std::path::Path;
use std::time::{Duration, Instant};

use ansai_core::{Bytes, Measure, Millis, Outcome, Preview, Refusal, Reversibility, Subject, Timestamp, Unit};
use ansai_kit::action::{Applied, Described, Fate, Item, StepContext};
use ansai_kit::host::{Host, ProbeContext};
use serde::{Deserialize, Serialize};

use crate::container::api::{Engine, Failed, Method};
use crate::container::probe::{mount, store};
use crate::disk::filesystems::Filesystems;

/// One call of the executor.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// One removal: a large image takes long on a slow disk.
const REMOVAL: Duration = Duration::from_secs(60);
/// A whole step: no removal begins later.
const WHOLE: Duration = Duration::from_secs(600);
/// The most things of one step.
pub(super) const MOST: usize = 256;
const SAMPLE: usize = 10;
const CHANGED: &str = "it is used or changed now";

/// Something that is removed, as it was previewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Thing {
    /// The id of an image, or the name of a volume.
    pub(super) id: String,
    /// When it was made, as the engine writes it: a volume of the same name can be another one.
    pub(super) made: String,
    /// As a person knows it.
    pub(super) shown: String,
    /// What is freed at most.
    pub(super) bytes: u64,
}

/// What a step removes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Things {
    pub(super) target: String,
    pub(super) all: Vec<Thing>,
}

impl Things {
    /// A preview of their removal.
    pub(super) fn preview(&self, ask: &ProbeContext<'_>, engine: &Engine) -> Preview {
        let mut preview = Preview::nothing(Subject::new("target", self.target.as_str()));
        preview.items = self.all.len() as u64;
        preview.frees_now_bytes = self.all.iter().fold(0, |sum: u64, one| sum.saturating_add(one.bytes));
        preview.reversible = Reversibility::None;
        preview.mount = store(engine).ok().and_then(|store| mount(ask, &store));
        preview.sample = self.all.iter().take(SAMPLE).map(|one| one.shown.clone()).collect();
        preview
    }

    pub(super) fn described(self) -> Described {
        Described { names: self.all.into_iter().map(|one| one.shown).collect(), undo_for: None }
    }
}

/// Whether it is known to be that old.
pub(super) fn is_old(made: Option<Timestamp>, now: Timestamp, min_age_hours: u64) -> bool {
    made.and_then(|made| now.checked_since(made)).is_some_and(|age| age >= Millis::from_hours(min_age_hours))
}

/// Removes those that `still` finds again, one after the other, if `is_same` says of each that it did not change since.
pub(super) fn remove(
    doing: &StepContext<'_>,
    engine: &Engine,
    things: Vec<Thing>,
    still: &[Thing],
    is_same: impl Fn(&Thing) -> Result<bool, Failed>,
    path: impl Fn(&Thing) -> String,
    noun: &str,
) -> Applied {
    let store = store(engine).ok();
    let available = || available(doing.host, store.as_deref()?);
    let (before, until, mut ended) = (available(), Instant::now() + WHOLE, false);
    let mut items = Vec::with_capacity(things.len());
    for thing in things {
        let fate = if ended || doing.is_stopping() || Instant::now() >= until {
            ended = true;
            Fate::Skipped("the step ended before".into())
        } else if !still.iter().any(|one| one.id == thing.id && one.made == thing.made) {
            Fate::Skipped(CHANGED.into())
        } else {
            let removed = is_same(&thing).and_then(|is_same| match is_same {
                true => engine.within(REMOVAL).tell(Method::Delete, &path(&thing)).map(|()| true),
                false => Ok(false),
            });
            match removed {
                Ok(true) => Fate::Done,
                Ok(false) => Fate::Skipped(CHANGED.into()),
                Err(Failed::Status(404, _)) => Fate::Skipped("it is gone already".into()),
                Err(failed) => {
                    // An engine that does not answer now will not answer the next call.
                    ended = !matches!(failed, Failed::Status(..));
                    Fate::Failed(failed.refusal(&thing.shown).to_string())
                }
            }
        };
        let freed_bytes = if fate == Fate::Done { thing.bytes } else { 0 };
        items.push(Item { target: thing.shown, fate, freed_bytes, undo: serde_json::Value::Null });
    }
    let measured = before.zip(available()).map(|(before, after)| after.saturating_sub(before));
    sum_up(items, measured, ended, noun)
}

/// What became of them after a crash: what is no longer there was removed, by whomever.
pub(super) fn resolved(things: Vec<Thing>, is_there: impl Fn(&Thing) -> bool, noun: &str) -> Applied {
    let all = things.len();
    let gone = things.into_iter().filter(|thing| !is_there(thing));
    let items: Vec<Item> = gone
        .map(|thing| Item {
            target: thing.shown,
            fate: Fate::Done,
            freed_bytes: thing.bytes,
            undo: serde_json::Value::Null,
        })
        .collect();
    let is_whole = items.len() == all;
    sum_up(items, None, !is_whole, noun)
}

fn sum_up(mut items: Vec<Item>, measured: Option<u64>, ended: bool, noun: &str) -> Applied {
    let sum = items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.freed_bytes));
    // Other processes write and remove at the same time, so a measurement can be larger than what was removed.
    let freed = measured.map_or(sum, |measured| measured.min(sum));
    if measured.is_some() {
        share(&mut items, sum, freed);
    }
    let count = |is: fn(&Fate) -> bool| items.iter().filter(|item| is(&item.fate)).count();
    let (done, failed) = (count(|fate| *fate == Fate::Done), count(|fate| matches!(fate, Fate::Failed(_))));
    let skipped = items.len().saturating_sub(done).saturating_sub(failed);
    let measure = if measured.is_some() { "measured" } else { "at most" };
    let mut detail =
        format!("removed {done} {noun}{}, freed {} ({measure})", if done == 1 { "" } else { "s" }, Bytes::new(freed));
    if failed > 0 {
        detail.push_str(&format!(", {failed} failed"));
    }
    if skipped > 0 {
        detail.push_str(&format!(", {skipped} skipped"));
    }
    let outcome = if failed > 0 || ended { Outcome::Failed } else { Outcome::Done };
    let measures = vec![
        Measure::count("freed-bytes", freed, Unit::Bytes),
        Measure::count(format!("removed-{noun}s"), done as u64, Unit::None),
    ];
    Applied { outcome, reason: None, detail, measures, items, evidence: Vec::new() }
}

/// Shares what was measured out, in proportion to what each was thought to free.
fn share(items: &mut [Item], sum: u64, freed: u64) {
    for item in items.iter_mut() {
        let part = u128::from(item.freed_bytes).saturating_mul(u128::from(freed)).checked_div(u128::from(sum));
        item.freed_bytes = part.and_then(|part| u64::try_from(part).ok()).unwrap_or_default();
    }
}

/// The room on the file system of the store; `None` if that cannot be told.
fn available(host: &Host, store: &str) -> Option<u64> {
    if !ansai_core::scope::is_plain_absolute(store) {
        return None;
    }
    let found = Filesystems::read(host).ok()?;
    let name = found.name_by_path(Path::new(store))?;
    let mount = found.listed().iter().find(|mount| mount.shown() == name)?;
    found.level(host, mount).ok().map(|level| level.available_bytes)
}

/// A refusal in place of an undo.
pub(super) fn not_undoable(what: &str) -> Result<Applied, Refusal> {
    Err(Refusal::Unsupported(format!("{what} cannot be restored")))
}
