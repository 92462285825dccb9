//! The container engines that are granted, and what their images take.

use ansai_sdk::pages::{self, Listed, Page};
use ansai_sdk::{Baseline, Host, Refusal, Span};

use crate::calls::{self, CONTAINER_CLEANUP_ACTIONS, CONTAINER_PROBE};
use crate::imports::ansai::container::container_probe::{Engine, Image, Volume};

/// Maximum number of engines that are asked, and of pages of a list.
const MOST_ENGINES: usize = 8;
const MOST_PAGES: usize = 8;

/// The targets that the probe may ask.
pub(crate) fn targets(host: &Host) -> Vec<String> {
    host.grants().texts(CONTAINER_PROBE, "targets").into_iter().take(MOST_ENGINES).collect()
}

/// Whether steps for a target are granted.
pub(crate) fn may_clean(host: &Host, target: &str) -> bool {
    host.grants().texts(CONTAINER_CLEANUP_ACTIONS, "targets").iter().any(|one| one == target)
}

/// The smallest value of a number such as `min_age_hours` in the tables of a target, because any of them can cover a step.
pub(crate) fn granted(host: &Host, target: &str, name: &str) -> u64 {
    let tables = host.grants().tables(CONTAINER_CLEANUP_ACTIONS);
    let own = tables.filter(|table| table.texts("targets").any(|one| one == target));
    own.filter_map(|table| table.count(name)).min().unwrap_or(0)
}

/// The engines whose store is on a file system, with their targets. `note` gets why one is left out.
pub(crate) fn on_mount(host: &Host, mount: &str, mut note: impl FnMut(String)) -> Vec<(String, Engine)> {
    let mut found = Vec::new();
    for target in targets(host) {
        match calls::engine(host, &target) {
            Ok(engine) if engine.mount.as_deref() == Some(mount) => found.push((target, engine)),
            Ok(Engine { mount: Some(_), .. }) => {}
            Ok(_) => note(format!("the file system of the containers of {target} is unknown")),
            Err(refusal) => note(format!("containers of {target}: {}", refusal.words())),
        }
    }
    found
}

/// All images of an engine.
pub(crate) fn images(host: &Host, target: &str) -> Result<Listed<Image>, Refusal> {
    pages::read(MOST_PAGES, |cursor| {
        let page = calls::images(host, target, cursor)?;
        Ok(Page { entries: page.entries, skipped: page.skipped, complete: page.complete, cursor: page.cursor })
    })
}

/// All volumes of an engine.
pub(crate) fn volumes(host: &Host, target: &str) -> Result<Listed<Volume>, Refusal> {
    pages::read(MOST_PAGES, |cursor| {
        let page = calls::volumes(host, target, cursor)?;
        Ok(Page { entries: page.entries, skipped: page.skipped, complete: page.complete, cursor: page.cursor })
    })
}

/// An image by a name that a person knows.
pub(crate) fn name(image: &Image) -> String {
    let id = image.id.trim_start_matches("sha256:");
    image.tags.first().cloned().unwrap_or_else(|| id.get(..12).unwrap_or(id).to_owned())
}

/// The store's key for the baseline of a target.
pub(crate) fn key(target: &str) -> String {
    format!("images:{target}")
}

/// Remembers the sizes of all images of one engine in each evaluation, and of each engine once a day, while its file system is
/// healthy.
pub(crate) fn remember(host: &Host, is_healthy: impl Fn(&str) -> bool) {
    if !host.keeps_what_is_stored() {
        return;
    }
    let age = |target: &str| Baseline::recall(host, &key(target)).map_or(Span(u64::MAX), |known| known.age(host));
    let due = targets(host).into_iter().find(|target| age(target) >= Span::from_days(1));
    let Some(target) = due else { return };
    // Retry an engine that cannot be asked tomorrow.
    let found = match calls::engine(host, &target) {
        Ok(Engine { mount: Some(mount), .. }) if !is_healthy(&mount) => return,
        Ok(_) => images(host, &target).map(|listed| listed.entries).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let largest = ansai_sdk::largest(found, 60, |image| image.bytes);
    Baseline::remember(host, &key(&target), largest.into_iter().map(|image| (name(&image), image.bytes)));
}
