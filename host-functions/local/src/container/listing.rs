//! `list-images` and `list-volumes`, and what containers use.

use std::collections::BTreeSet;

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::host::ProbeContext;

use super::api::{Engine, Entries, ImageLine, VolumeLine, Volumes, instant};
use super::identity::{is_id, is_name};
use super::probe::{List, all, engine};
use super::subject;
use super::wire::{Image, Page, Volume};

/// Images or volumes in one page.
const PAGE: usize = 256;
const MOST_TAGS: usize = 64;
/// Docker names volumes so if nobody else does.
const MADE_UP: usize = 64;
/// Docker 23 says so, too.
const ANONYMOUS: &str = "com.docker.volume.anonymous";

/// What containers use, also those that do not run.
#[derive(Debug, Default)]
pub(super) struct Used {
    images: BTreeSet<String>,
    volumes: BTreeSet<String>,
    /// Volumes that the engine itself says nothing uses. A volume is unused only if both say so.
    idle: BTreeSet<String>,
    /// Containers that could not be read may use anything.
    is_whole: bool,
}

impl Used {
    pub(super) fn of(engine: &Engine) -> Result<Used, Refusal> {
        let all = all(engine)?;
        let mut used = Used { is_whole: all.skipped == 0, ..Used::default() };
        for line in all.read {
            // A container of Podman can have a directory in place of an image.
            used.is_whole &= line.image_id.is_empty() || is_id(&line.image_id);
            used.images.insert(hex(&line.image_id).to_owned());
            used.volumes.extend(line.mounts.into_iter().map(|mount| mount.name));
        }
        Ok(used)
    }

    /// The same with what the engine says of its volumes.
    pub(super) fn with_volumes(self, engine: &Engine) -> Result<Used, Refusal> {
        // {"dangling":["true"]}
        let path = "/volumes?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D";
        let idle: Volumes = engine.get(path).map_err(|failed| failed.refusal("its volumes"))?;
        Ok(Used { idle: idle.volumes.read.into_iter().map(|one| one.name).collect(), ..self })
    }

    /// The same for a step that removes what is not used.
    pub(super) fn whole(engine: &Engine) -> Result<Used, Refusal> {
        let used = Used::of(engine)?;
        match used.is_whole {
            true => Ok(used),
            false => Err(Refusal::Unavailable("not all containers can be read, and they may use anything".into())),
        }
    }

    pub(super) fn has_image(&self, id: &str) -> bool {
        !self.is_whole || self.images.contains(hex(id))
    }

    pub(super) fn has_volume(&self, name: &str) -> bool {
        !self.is_whole || self.volumes.contains(name) || !self.idle.contains(name)
    }
}

/// Docker writes the kind of the hash before it, Podman does not.
fn hex(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

/// All images, without those that only others are made of.
pub(super) fn all_images(engine: &Engine) -> Result<Entries<ImageLine>, Refusal> {
    // Older engines do not know the word, and tell no sizes.
    let path = if engine.has(1, 42) { "/images/json?shared-size=1" } else { "/images/json" };
    engine.get(path).map_err(|failed| failed.refusal("its images"))
}

/// What no other image shares, if the engine tells.
pub(super) fn own_bytes(engine: &Engine, image: &ImageLine) -> Option<u64> {
    // Podman always says 0.
    let shared = image.shared_size.filter(|_| engine.has(1, 42) && !engine.is_podman)?;
    u64::try_from(shared).ok().map(|shared| image.bytes().saturating_sub(shared))
}

pub(super) fn images(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Image>, Refusal> {
    let engine = engine(ask, &target)?;
    let (used, all) = (Used::of(&engine)?, all_images(&engine)?);
    let shown = |line: &ImageLine| Image {
        about: subject("image", &target, &line.id),
        id: line.id.clone(),
        tags: line.tags().into_iter().take(MOST_TAGS).map(|tag| inert(tag, 256)).collect(),
        bytes: line.bytes(),
        own_bytes: own_bytes(&engine, line),
        created: line.created(),
        used: used.has_image(&line.id),
    };
    Ok(page(all, cursor.as_deref(), |line| is_id(&line.id).then_some(line.id.as_str()), shown))
}

/// All volumes.
pub(super) fn all_volumes(engine: &Engine) -> Result<Entries<VolumeLine>, Refusal> {
    let found: Volumes = engine.get("/volumes").map_err(|failed| failed.refusal("its volumes"))?;
    Ok(found.volumes)
}

/// Whether somebody has named a volume, or may have: the data of what nobody named was made for one container. A volume
/// of another driver, or with options, lies elsewhere.
pub(super) fn is_named(engine: &Engine, volume: &VolumeLine) -> bool {
    let is_made_up = volume.name.len() == MADE_UP && is_id(&volume.name);
    let is_plain = volume.driver == "local" && volume.options.is_empty();
    // Before version 1.42 of the API, and with Podman, nothing else tells.
    let says_so =
        volume.labels.contains_key(ANONYMOUS) || (volume.labels.is_empty() && (engine.is_podman || !engine.has(1, 42)));
    !(is_made_up && is_plain && says_so)
}

pub(super) fn volumes(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Volume>, Refusal> {
    let engine = engine(ask, &target)?;
    let (used, all) = (Used::of(&engine)?.with_volumes(&engine)?, all_volumes(&engine)?);
    let shown = |line: &VolumeLine| Volume {
        about: subject("volume", &target, &line.name),
        name: line.name.clone(),
        named: is_named(&engine, line),
        used: used.has_volume(&line.name),
        bytes: line.usage_data.size.and_then(|size| u64::try_from(size).ok()),
        created: instant(&line.created_at),
    };
    Ok(page(all, cursor.as_deref(), |line| is_name(&line.name).then_some(line.name.as_str()), shown))
}

/// The page after a cursor, in byte order of what `key` finds.
fn page<L, T>(
    mut all: Entries<L>,
    cursor: Option<&str>,
    key: impl Fn(&L) -> Option<&str>,
    shown: impl Fn(&L) -> T,
) -> Page<T> {
    let before = all.read.len();
    all.read.retain(|line| key(line).is_some());
    let invalid = u32::try_from(before.saturating_sub(all.read.len())).unwrap_or(u32::MAX);
    all.read.retain(|line| cursor.is_none_or(|cursor| key(line) > Some(cursor)));
    all.read.sort_by(|one, other| key(one).cmp(&key(other)));
    let is_more = all.read.len() > PAGE;
    all.read.truncate(PAGE);
    let cursor = all.read.last().filter(|_| is_more).and_then(key).map(str::to_owned);
    let entries = all.read.iter().map(shown).collect();
    Page { entries, skipped: all.skipped.saturating_add(invalid), complete: !is_more, cursor }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn pages_cover_all_and_count_what_has_no_name() {
        let names: Vec<String> = (0..600).rev().map(|n| format!("v{n:03}")).collect();
        let list = || Entries { read: names.iter().cloned().chain(["/etc".to_owned()]).collect(), skipped: 1 };
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = page(list(), cursor.as_deref(), |line| is_name(line).then_some(line.as_str()), String::clone);
            assert_eq!(page.skipped, 2);
            seen.extend(page.entries);
            cursor = page.cursor;
            assert_eq!(page.complete, cursor.is_none());
            if cursor.is_none() {
                break;
            }
        }
        let mut expected = names.clone();
        expected.sort();
        assert_eq!(seen, expected);
    }
}
