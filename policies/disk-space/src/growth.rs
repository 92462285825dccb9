//! Remembers directory sizes while a file system is healthy, to show later which ones grew.

use std::cmp::Reverse;

use ansai_sdk::pages::{self, Page};
use ansai_sdk::{Baseline, Host, Span, largest};

use crate::calls::{self, FILES_PROBE};
use crate::imports::ansai::files::files_probe::{Usage, Usages};

/// Maximum number of remembered directories for each root.
const MOST: usize = 60;
/// Number of entries of a full page.
const PAGE: usize = 500;
/// Maximum number of pages that are read for one root and depth.
const MOST_PAGES: usize = 10;
const MOST_ROOTS: usize = 8;
/// Maximum length of a key in the store, in bytes.
const MOST_KEY: usize = 256;

/// The store's key for the baseline of a root.
pub(crate) fn key(root: &str) -> String {
    format!("directories:{root}")
}

/// The roots whose directory sizes are read.
pub(crate) fn roots(host: &Host) -> Vec<String> {
    host.grants().texts(FILES_PROBE, "roots").into_iter().take(MOST_ROOTS).collect()
}

/// Sizes of the directories one and two levels below a root; `None` if it cannot be read.
pub(crate) fn directories(host: &Host, root: &str) -> Option<Vec<Usage>> {
    let level = |depth| {
        pages::read(MOST_PAGES, |cursor| {
            let Usages { entries, skipped, complete, cursor } = calls::largest_directories(host, root, depth, cursor)?;
            // A page that is not full ended at its time limit; the rest would take as long again.
            let cursor = cursor.filter(|_| entries.len() >= PAGE);
            Ok(Page { entries, skipped, complete, cursor })
        })
    };
    let mut all = level(1).ok()?.entries;
    all.extend(level(2).map(|listed| listed.entries).unwrap_or_default());
    Some(all)
}

/// Remembers one healthy root in each evaluation, and each root once a day, because this reads whole trees.
pub(crate) fn remember(host: &Host, is_healthy: impl Fn(&str) -> bool) {
    if !host.keeps_what_is_stored() {
        return;
    }
    let age = |root: &str| Baseline::recall(host, &key(root)).map_or(Span(u64::MAX), |known| known.age(host));
    let due = roots(host)
        .into_iter()
        .filter(|root| key(root).len() <= MOST_KEY && is_healthy(root))
        .map(|root| (Reverse(age(&root)), root))
        .filter(|(Reverse(age), _)| *age >= Span::from_days(1))
        .min();
    if let Some((_, root)) = due {
        // Retry a root that cannot be read tomorrow.
        let found = largest(directories(host, &root).unwrap_or_default(), MOST, |one| one.bytes);
        Baseline::remember(host, &key(&root), found.into_iter().map(|one| (one.path, one.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ansai_sdk::Subject;
    use ansai_sdk::testing::StandIn;

    #[test]
    fn once_a_day_one_root() {
        let about = Subject::new("directory", "/a/x");
        let entry = Usage { about, path: "/a/x".into(), files: 1, bytes: 5, oldest: None, newest: None };
        let usages = Usages { entries: vec![entry], complete: true, skipped: 0, cursor: None };
        let host = StandIn::default()
            .grants(FILES_PROBE, r#"{"roots": ["/a", "/b", "/sick"]}"#)
            .answers_with("ansai:files/files-probe.largest-directories", "(\"/a\", 1,", usages)
            .host();
        let is_healthy = |root: &str| root != "/sick";
        remember(&host, is_healthy);
        let known = |root: &str| Baseline::recall(&host, &key(root)).map(|known| known.value("/a/x"));
        assert_eq!((known("/a"), known("/b")), (Some(Some(5)), None));
        remember(&host, is_healthy);
        remember(&host, is_healthy);
        // Refused, and not retried before tomorrow.
        assert_eq!((known("/b"), known("/sick")), (Some(None), None));
        assert_eq!(host.stand_in().calls().len(), 3);
    }
}
