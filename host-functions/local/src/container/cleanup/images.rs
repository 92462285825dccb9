//! `remove-images`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ansai_core::text::inert;
use ansai_core::{LeftOut, Preview, Refusal, Timestamp};
use ansai_kit::action::{Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::remove::{self, LIMIT, MOST, Thing, Things, is_old};
use crate::container::api::{Engine, Failed, ImageDetail, ImageLine, instant};
use crate::container::fields::{DANGLING_ONLY, KEEP_TAGS, MIN_AGE_HOURS};
use crate::container::identity::is_id;
use crate::container::listing::{Used, all_images, own_bytes};
use crate::container::probe::engine_of_preview;

pub(super) struct RemoveImages;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Arguments {
    target: String,
    min_age_hours: u32,
    keep_tags: u32,
    dangling_only: bool,
    reason: String,
}

/// What stays, whatever else is asked.
#[derive(Debug, Clone, Copy)]
struct Rules {
    now: Timestamp,
    min_age_hours: u64,
    keep_tags: u64,
    dangling_only: bool,
}

/// What may be removed, and why the rest may not.
#[derive(Default)]
struct Found {
    things: Vec<Thing>,
    left_out: BTreeMap<&'static str, (u64, u64)>,
    complete: bool,
}

impl Found {
    fn leave(&mut self, reason: &'static str, bytes: u64) {
        let (items, all) = self.left_out.entry(reason).or_default();
        (*items, *all) = (items.saturating_add(1), all.saturating_add(bytes));
    }
}

/// The images that no container uses and that the rules give up.
fn unused(engine: &Engine, rules: Rules) -> Result<Found, Refusal> {
    let used = Used::whole(engine)?;
    let all = all_images(engine)?;
    let mut found = Found { complete: all.skipped == 0, ..Found::default() };
    let mut images: Vec<ImageLine> = all.read.into_iter().filter(|one| is_id(&one.id)).collect();
    // The newest first, so that those of a repository can be counted.
    images.sort_by(|one, other| other.created.cmp(&one.created).then_with(|| other.id.cmp(&one.id)));
    let mut kept: BTreeMap<String, u64> = BTreeMap::new();
    // One that is used counts among the newest of its repository.
    let mut is_recent = |image: &ImageLine| {
        let repositories: BTreeSet<&str> = image.tags().into_iter().map(repository).collect();
        repositories.into_iter().fold(false, |is_recent, repository| {
            let count = kept.entry(repository.to_owned()).or_default();
            *count = count.saturating_add(1);
            is_recent || *count <= rules.keep_tags
        })
    };
    let marked: Vec<(&ImageLine, bool)> = images.iter().map(|image| (image, is_recent(image))).collect();
    // The oldest first: a step has a limit.
    for (image, is_recent) in marked.into_iter().rev() {
        let bytes = own_bytes(engine, image).unwrap_or_else(|| image.bytes());
        let tags = image.tags();
        if used.has_image(&image.id) {
            continue;
        }
        match tags.len() {
            0 => {}
            _ if rules.dangling_only => continue,
            _ if is_recent => {
                found.leave("kept-tag", bytes);
                continue;
            }
            1 => {}
            // By its id it could not be removed without force, and tag by tag another image could be hit.
            _ => {
                found.leave("several-tags", bytes);
                continue;
            }
        }
        if !is_old(image.created(), rules.now, rules.min_age_hours) {
            found.leave("too-young", bytes);
            continue;
        }
        if found.things.len() >= MOST || engine.is_late() {
            found.complete = false;
            continue;
        }
        match tagged_lately(engine, image, rules) {
            Ok(false) => found.things.push(thing(image, &tags, bytes)),
            Ok(true) => found.leave("too-young", bytes),
            Err(_) => found.complete = false,
        }
    }
    found.things.sort_by_key(|thing| thing.shown.contains(':'));
    Ok(found)
}

/// Whether it was fetched or built here lately: what was built long ago may have arrived a minute ago.
fn tagged_lately(engine: &Engine, image: &ImageLine, rules: Rules) -> Result<bool, Failed> {
    let tagged = instant(&detail(&engine.for_one(), &image.id)?.metadata.last_tag_time);
    Ok(tagged.is_some() && !is_old(tagged, rules.now, rules.min_age_hours))
}

fn detail(engine: &Engine, id: &str) -> Result<ImageDetail, Failed> {
    engine.get(&format!("/images/{id}/json"))
}

/// The tag is a part of the identity: an image that got one meanwhile is no longer dangling.
fn made(tags: &[&str]) -> String {
    tags.first().map(|tag| inert(tag, 256)).unwrap_or_default()
}

fn thing(image: &ImageLine, tags: &[&str], bytes: u64) -> Thing {
    let short = image.id.trim_start_matches("sha256:").get(..12).unwrap_or_default();
    let shown = tags.first().map_or_else(|| short.to_owned(), |tag| inert(tag, 256));
    Thing { id: image.id.clone(), made: made(tags), shown, bytes }
}

/// `registry:5000/app:1` is of `registry:5000/app`.
fn repository(tag: &str) -> &str {
    match tag.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => tag,
    }
}

impl TypedAction for RemoveImages {
    type Arguments = Arguments;
    type Targets = Things;
    const NOUN: &'static str = "image";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, min_age_hours, keep_tags, dangling_only, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Things), Refusal> {
        let engine = engine_of_preview(ask, &target)?;
        let (min_age_hours, keep_tags) = (min_age_hours.into(), keep_tags.into());
        let found = unused(&engine, Rules { now: ask.now, min_age_hours, keep_tags, dangling_only })?;
        let things = Things { target, all: found.things };
        let mut preview = things.preview(ask, &engine);
        preview.complete = found.complete;
        let left_out = found.left_out.into_iter();
        preview.left_out =
            left_out.map(|(reason, (items, bytes))| LeftOut { reason: reason.into(), items, bytes }).collect();
        Ok((preview, things))
    }

    fn describe(&self, things: Things) -> Described {
        things.described()
    }

    fn begin(&self, doing: &StepContext<'_>, Step { arguments, targets }: Step<Self>) -> Result<Begun, Refusal> {
        let engine = Engine::of(doing.host, doing.reach, &targets.target, LIMIT)?;
        // As it is granted now.
        let rules = Rules {
            now: doing.now,
            min_age_hours: u64::from(arguments.min_age_hours).max(doing.scope.hours(&MIN_AGE_HOURS)),
            keep_tags: u64::from(arguments.keep_tags).max(doing.scope.count(&KEEP_TAGS)),
            dangling_only: arguments.dangling_only || doing.scope.is_on(&DANGLING_ONLY),
        };
        let still = unused(&engine, rules)?.things;
        // It may get a tag while others are removed.
        let is_same = |thing: &Thing| {
            detail(&engine.within(LIMIT), &thing.id).map(|now| {
                let tags = now.tags();
                tags.len() <= 1 && made(&tags) == thing.made
            })
        };
        let path = |thing: &Thing| format!("/images/{}", thing.id);
        Ok(Begun::Finished(remove::remove(doing, &engine, targets.all, &still, is_same, path, Self::NOUN)))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        remove::not_undoable("a removed image")
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        let engine = Engine::of(doing.host, doing.reach, &targets.target, LIMIT)?;
        let all = all_images(&engine)?;
        Ok(remove::resolved(targets.all, |thing| all.read.iter().any(|one| one.id == thing.id), Self::NOUN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        let found = ["app:1", "registry:5000/app:1", "registry:5000/app", "app"].map(repository);
        assert_eq!(found, ["app", "registry:5000/app", "registry:5000/app", "app"]);
    }
}
