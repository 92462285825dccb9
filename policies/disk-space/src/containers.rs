//! The container engines that are granted, and what their images take.

use ansai_sdk::{Baseline, Host, Span, largest};

use crate::calls::{self, CONTAINER_CLEANUP_ACTIONS, CONTAINER_PROBE};
use crate::imports::ansai::container::container_probe::{Engine, Image};

/// Maximum number of engines that are asked.
const MOST_ENGINES: usize = 8;
/// Maximum number of images that are remembered.
const MOST_REMEMBERED: usize = 60;
/// Remembered in place of images if an engine did not show all of them. No image has this name.
const UNKNOWN: &str = "";

/// The targets that the probe may ask.
pub(crate) fn targets(host: &Host) -> Vec<String> {
    host.grants().texts(CONTAINER_PROBE, "targets").into_iter().take(MOST_ENGINES).collect()
}

/// Whether steps for a target are granted.
pub(crate) fn may_clean(host: &Host, target: &str) -> bool {
    host.grants().texts(CONTAINER_CLEANUP_ACTIONS, "targets").iter().any(|one| one == target)
}

/// The smallest value of a number such as `min_age_hours` in the tables of a target.
pub(crate) fn granted(host: &Host, target: &str, name: &str) -> Option<u64> {
    host.grants().least(CONTAINER_CLEANUP_ACTIONS, name, |table| table.texts("targets").any(|one| one == target))
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

/// An image by a name that a person knows.
pub(crate) fn name(image: &Image) -> String {
    let id = image.id.trim_start_matches("sha256:");
    image.tags.first().cloned().unwrap_or_else(|| id.get(..12).unwrap_or(id).to_owned())
}

/// The store's key for the baseline of a target.
pub(crate) fn key(target: &str) -> String {
    format!("images:{target}")
}

/// What a healthy time had. `None` if nothing is known of it.
pub(crate) fn before(host: &Host, target: &str) -> Option<Baseline> {
    Baseline::recall(host, &key(target)).filter(|known| known.value(UNKNOWN).is_none())
}

/// Remembers the sizes of all images of one engine in each evaluation, and of each engine once a day, while its file system is
/// healthy.
pub(crate) fn remember(host: &Host, is_healthy: impl Fn(&str) -> bool) {
    if !host.keeps_what_is_stored() {
        return;
    }
    let age = |target: &str| Baseline::recall(host, &key(target)).map_or(Span(u64::MAX), |known| known.age(host));
    for target in targets(host).into_iter().filter(|target| age(target) >= Span::from_days(1)) {
        let found = match calls::engine(host, &target) {
            // The next one may be on another file system.
            Ok(Engine { mount: Some(mount), .. }) if !is_healthy(&mount) => continue,
            Ok(_) => calls::images(host, &target).ok().filter(|listed| listed.end.is_none() && listed.skipped == 0),
            Err(_) => None,
        };
        let values: Vec<(String, u64)> = match found {
            Some(all) => {
                let largest = largest(all.entries, MOST_REMEMBERED, |image| image.bytes);
                largest.into_iter().map(|image| (name(&image), image.bytes)).collect()
            }
            // Retry an engine that cannot be asked tomorrow.
            None => vec![(UNKNOWN.to_owned(), 0)],
        };
        Baseline::remember(host, &key(&target), values);
        break;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::ansai::container::container_probe::ImagePage;
    use ansai_sdk::Subject;
    use ansai_sdk::testing::StandIn;

    fn engine(mount: &str) -> Engine {
        let (name, version, store) = ("docker".into(), "26".into(), "/x".into());
        Engine { about: Subject::new("target", "x"), name, version, store, mount: Some(mount.into()) }
    }

    fn page(skipped: u32) -> ImagePage {
        let (about, id) = (Subject::new("image", "x"), "sha256:aaaaaaaaaaaaaa".to_owned());
        let tags = vec!["app:1".to_owned()];
        let image = Image { about, id, tags, bytes: 5, own_bytes: None, created: None, used: false };
        ImagePage { entries: vec![image], skipped, complete: true, cursor: None }
    }

    /// Would break: an engine that cannot be asked, or shows a part, and whose images are all new later; one on a full file
    /// system that keeps the others from being remembered.
    #[test]
    fn what_is_unknown_is_not_new_and_a_full_one_keeps_no_other_waiting() {
        let (look, list) = ("ansai:container/container-probe.look", "ansai:container/container-probe.list-images");
        let host = StandIn::default()
            .grants(CONTAINER_PROBE, r#"{"targets": ["full", "down", "part", "well"]}"#)
            .answers_with(look, "\"full\"", engine("/full"))
            .answers_with(look, "\"part\"", engine("/"))
            .answers_with(look, "\"well\"", engine("/"))
            .answers_with(list, "\"part\"", page(1))
            .answers_with(list, "\"well\"", page(0))
            .host();
        for _ in 0..4 {
            remember(&host, |mount| mount == "/");
        }
        let stored = |target: &str| Baseline::recall(&host, &key(target)).is_some();
        assert_eq!(["full", "down", "part", "well"].map(stored), [false, true, true, true]);
        let known = |target: &str| before(&host, target).map(|known| known.value("app:1"));
        assert_eq!(["full", "down", "part", "well"].map(known), [None, None, None, Some(Some(5))]);
    }
}
