//! The last steps: images and volumes that no container uses.

use ansai_sdk::{Ladder, Size, Span, largest, text};

use super::Situation;
use crate::calls::{self, REMOVE_IMAGES, REMOVE_VOLUMES, images, volumes};
use crate::containers::{before, granted, may_clean, on_mount};
use crate::imports::ansai::container::container_probe::Engine;

/// Maximum number of images that are named for one engine.
const MOST_NAMED: usize = 3;

/// Images, and volumes if the operator has opted in, of the engines whose store is on the full file system.
pub(super) fn containers(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    for (target, _) in engines(situation, |why| ladder.note(why)) {
        if may_clean(situation.host, target) {
            clean(situation, ladder, target);
        }
    }
}

/// The engines on the full file system. Each is asked once in a plan: one that hangs costs its time once.
fn engines<'a>(situation: &'a Situation<'_>, note: impl FnMut(String)) -> &'a [(String, Engine)] {
    situation.engines.get_or_init(|| on_mount(situation.host, situation.mount, note))
}

/// The steps of one engine, if it has something to remove. They find out more: what is young, and which tags stay.
fn clean(situation: &Situation<'_>, ladder: &mut Ladder<'_>, target: &str) {
    let (host, settings, tagged) = (situation.host, situation.settings, situation.settings.tagged_images);
    let hours = settings.images_older_than.hours_granted(granted(host, target, "min_age_hours"));
    let because = |what: &str| situation.reason(&format!("{what}, older than {}", Span::from_hours(hours)));
    if settings.images && !ladder.is_enough() {
        let all = ladder.read(&format!("images of {target}"), images(host, target));
        if all.is_some_and(|all| all.entries.iter().any(|image| !image.used && (tagged || image.tags.is_empty()))) {
            let least = granted(host, target, "keep_tags").unwrap_or(0);
            let keep = settings.keep_tags.max(u32::try_from(least).unwrap_or(u32::MAX));
            let reason = because(if tagged { "images that no container uses" } else { "dangling images" });
            ladder.step(REMOVE_IMAGES, target, |_| calls::remove_images(host, target, hours, keep, !tagged, &reason));
        }
    }
    if settings.unnamed_volumes && !ladder.is_enough() {
        let all = ladder.read(&format!("volumes of {target}"), volumes(host, target));
        if all.is_some_and(|all| all.entries.iter().any(|volume| !volume.named && !volume.used)) {
            let reason = because("volumes without a name");
            ladder.step(REMOVE_VOLUMES, target, |_| calls::remove_volumes(host, target, hours, &reason));
        }
    }
}

/// What images take, which are the largest, and which are new since the file system was last healthy.
pub(super) fn explain(situation: &Situation<'_>) -> Vec<String> {
    let host = situation.host;
    let mut parts = Vec::new();
    for (target, engine) in engines(situation, drop) {
        let Ok(all) = images(host, target) else { continue };
        let sizes = all.entries.iter().map(|image| image.own_bytes.unwrap_or(image.bytes));
        let bytes = Size(sizes.fold(0, u64::saturating_add));
        let unused = all.entries.iter().filter(|image| !image.used).count() as u64;
        let count = text::count(all.entries.len() as u64, "image");
        let (name, store) = (&engine.name, &engine.store);
        let mut words = format!("{target} ({name} in {store}) has {count} with at most {bytes}, {unused} unused");
        if let Some(missing) = all.missing("image") {
            words.push_str(&format!(" ({missing})"));
        }
        parts.push(words);
        let before = before(host, target);
        let is_new = |name: &str| before.as_ref().is_some_and(|before| before.value(name).is_none());
        let named = largest(all.entries, MOST_NAMED, |image| image.bytes).into_iter().map(|image| {
            let name = crate::containers::name(&image);
            let new = if is_new(&name) { ", new since last healthy" } else { "" };
            format!("{name} with {}{new}", Size(image.bytes))
        });
        parts.extend(text::list("largest images", named));
        let volumes = volumes(host, target).map(|all| all.entries).unwrap_or_default();
        let unused = volumes.iter().filter(|volume| !volume.used).count() as u64;
        if unused > 0 {
            parts.push(format!("{} of {target} that no container uses", text::count(unused, "volume")));
        }
    }
    parts
}
