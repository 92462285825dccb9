//! `remove-unnamed-volumes`.

use std::sync::Arc;

use ansai_core::{Preview, Refusal, Timestamp};
use ansai_kit::action::{Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::remove::{self, LIMIT, MOST, Thing, Things, is_old};
use crate::container::api::{Engine, Volumes, instant};
use crate::container::fields::{MIN_AGE_HOURS, UNNAMED_VOLUMES};
use crate::container::identity::is_name;
use crate::container::listing::{Used, all_volumes, is_named};
use crate::container::probe::engine_of_preview;

pub(super) struct RemoveVolumes;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Arguments {
    target: String,
    min_age_hours: u32,
    reason: String,
}

/// The volumes without a name that no container uses and that are old enough, and whether those are all.
fn unused(engine: &Engine, now: Timestamp, min_age_hours: u64) -> Result<(Vec<Thing>, bool), Refusal> {
    let used = Used::whole(engine)?.with_volumes(engine)?;
    let all = all_volumes(engine)?;
    let is_unused = |name: &str| is_name(name) && !used.has_volume(name);
    let mut things: Vec<Thing> = all
        .read
        .iter()
        .filter(|one| is_unused(&one.name) && !is_named(engine, one))
        .filter(|one| is_old(instant(&one.created_at), now, min_age_hours))
        .map(|one| Thing { id: one.name.clone(), made: one.created_at.clone(), shown: one.name.clone(), bytes: 0 })
        .collect();
    things.sort_by(|one, other| one.made.cmp(&other.made).then_with(|| one.id.cmp(&other.id)));
    let complete = all.skipped == 0 && things.len() <= MOST;
    things.truncate(MOST);
    Ok((things, complete))
}

/// Adds what each of them holds. The engine counts it, which can take long.
fn weigh(engine: &Engine, things: &mut [Thing]) -> Result<(), Refusal> {
    if things.is_empty() {
        return Ok(());
    }
    let path = if engine.has(1, 42) { "/system/df?type=volume" } else { "/system/df" };
    let found: Volumes = engine.get(path).map_err(|failed| failed.refusal("the sizes of its volumes"))?;
    for thing in things {
        let size = found.volumes.read.iter().find(|one| one.name == thing.id).and_then(|one| one.usage_data.size);
        thing.bytes = size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    }
    Ok(())
}

impl TypedAction for RemoveVolumes {
    type Arguments = Arguments;
    type Targets = Things;
    const NOUN: &'static str = "volume";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, min_age_hours, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Things), Refusal> {
        if !ask.scope.is_on(&UNNAMED_VOLUMES) {
            return Err(Refusal::Denied("`unnamed_volumes` of the grant is not `true`".into()));
        }
        let engine = engine_of_preview(ask, &target)?;
        let (mut all, complete) = unused(&engine, ask.now, min_age_hours.into())?;
        weigh(&engine, &mut all)?;
        let things = Things { target, all };
        let mut preview = things.preview(ask, &engine);
        preview.complete = complete;
        Ok((preview, things))
    }

    fn describe(&self, things: Things) -> Described {
        things.described()
    }

    fn begin(&self, doing: &StepContext<'_>, Step { arguments, targets }: Step<Self>) -> Result<Begun, Refusal> {
        if !doing.scope.is_on(&UNNAMED_VOLUMES) {
            return Err(Refusal::Denied("`unnamed_volumes` of the grant is no longer `true`".into()));
        }
        let engine = Engine::of(doing.host, doing.reach, &targets.target, LIMIT)?;
        let min_age_hours = u64::from(arguments.min_age_hours).max(doing.scope.hours(&MIN_AGE_HOURS));
        let (still, _) = unused(&engine, doing.now, min_age_hours)?;
        let path = |thing: &Thing| format!("/volumes/{}", thing.id);
        Ok(Begun::Finished(remove::remove(doing, &engine, targets.all, &still, |_| Ok(true), path, Self::NOUN)))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        remove::not_undoable("a removed volume")
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let engine = Engine::of(doing.host, doing.reach, &targets.target, LIMIT)?;
        let all = all_volumes(&engine)?;
        let is_there = |thing: &Thing| all.read.iter().any(|one| one.name == thing.id && one.created_at == thing.made);
        Ok(remove::resolved(targets.all, is_there, Self::NOUN))
    }
}
