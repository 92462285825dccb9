//! The steps for a file system that is full.

use ansai_sdk::{Ladder, Refusal, Size};

use super::Situation;
use super::containers::containers;
use super::selection::Kind;
use crate::calls::{self, CLEAN, COMPRESS, FILES_PROBE, JOURNAL_PROBE, JOURNAL_VACUUM_ACTIONS};
use crate::calls::{PACKAGE_CACHE_ACTIONS, PACKAGE_CACHE_PROBE, QUARANTINE_ACTIONS, RECLAIM, REMOVE, VACUUM};

pub(super) fn propose(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    for step in [reclaim, package_caches, logs, journal, temporary_files, containers] {
        if !ladder.is_enough() {
            step(situation, ladder);
        }
    }
}

/// Deletes quarantined files permanently, so they can no longer be restored. It is unknown how many inodes this frees,
/// so a file system that has run out of inodes loses as much of its quarantine as is granted. One step stays within one
/// granted table, so there is one for each table at most.
pub(super) fn reclaim(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    let held: u64 = situation.held().entries.iter().map(|held| held.bytes).sum();
    if situation.is_urgent && held > 0 && ladder.is_granted(QUARANTINE_ACTIONS) {
        let (mount, reason) = (situation.mount, situation.reason("removed files in quarantine"));
        let enough = |rest| if situation.is_inodes { 0 } else { rest };
        for _ in situation.host.grants().tables(QUARANTINE_ACTIONS) {
            let before = ladder.items();
            ladder.step(RECLAIM, mount, |rest| calls::reclaim(situation.host, mount, enough(rest), &reason));
            if ladder.items() == before {
                break;
            }
        }
    }
}

fn package_caches(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    let interfaces = [PACKAGE_CACHE_PROBE, PACKAGE_CACHE_ACTIONS];
    if !situation.settings.package_cache || !interfaces.iter().all(|one| ladder.is_granted(one)) {
        return;
    }
    let Some(caches) = ladder.read("package caches", calls::caches(situation.host)) else { return };
    let reason = situation.reason("downloaded packages, which can be downloaded again");
    for cache in caches.entries.iter().filter(|cache| cache.mount == situation.mount && cache.bytes > 0) {
        ladder.step(CLEAN, &cache.about.name, |_| calls::clean(situation.host, &cache.manager, &reason));
    }
}

/// Removes logs that are old enough, and compresses others. In a directory with logs to remove, removes first: a
/// compressed file is new, and cannot be removed until it is old again.
fn logs(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    let settings = situation.settings;
    let (mut expired, mut fresh) = (Vec::new(), Vec::new());
    for root in situation.roots(&settings.log_dirs, ladder) {
        let mut old = Kind::old_logs(&root, settings, situation.age(&root, settings.logs_older_than));
        match situation.count(&mut old, &root) {
            Some(0) => fresh.push(root),
            _ => expired.push((root, old)),
        }
    }
    for root in &fresh {
        compress(situation, ladder, root);
    }
    for (root, kind) in &expired {
        situation.remove(ladder, root, kind);
    }
    for (root, _) in &expired {
        compress(situation, ladder, root);
    }
}

fn compress(situation: &Situation<'_>, ladder: &mut Ladder<'_>, root: &str) {
    let settings = situation.settings;
    let kinds = [
        Kind::plain_logs(root, settings, situation.age(root, settings.compress_logs_older_than)),
        Kind::idle_logs(root, situation.age(root, settings.logs_older_than)),
    ];
    for kind in kinds {
        if !ladder.is_enough() && situation.has_plain(&kind, root) {
            let reason = situation.reason(&kind.words());
            ladder.step(COMPRESS, root, |rest| calls::compress(situation.host, &kind.select(root, rest, 0), &reason));
        }
    }
}

fn journal(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    if !ladder.is_granted(JOURNAL_PROBE) || !ladder.is_granted(JOURNAL_VACUUM_ACTIONS) {
        return;
    }
    let usage = match calls::journal(situation.host) {
        Ok(usage) => usage,
        // The host has no journal.
        Err(Refusal::Unsupported(_)) => return,
        Err(refusal) => return ladder.note(format!("journal: {}", refusal.words())),
    };
    let keep = situation.settings.journal_size;
    let all = Size(usage.archived_bytes.saturating_add(usage.active_bytes));
    if usage.mount == situation.mount && usage.archived_bytes > 0 && all > keep {
        let reason = situation.reason(&format!("the journal uses {all}"));
        ladder.step(VACUUM, &usage.about.name, |_| calls::vacuum(situation.host, keep.0, &reason));
    }
}

fn temporary_files(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    for root in situation.temp_roots(ladder) {
        if ladder.is_enough() {
            return;
        }
        let mut kind = situation.temporary(&root);
        if situation.count(&mut kind, &root) != Some(0) {
            situation.remove(ladder, &root, &kind);
        }
    }
}

impl Situation<'_> {
    /// The reason of a step.
    pub(super) fn reason(&self, what: &str) -> String {
        format!("{what}; {}", self.how_full())
    }

    fn remove(&self, ladder: &mut Ladder<'_>, root: &str, kind: &Kind) {
        let reason = self.reason(&kind.words());
        ladder.step(REMOVE, root, |rest| calls::remove(self.host, &kind.select(root, rest, 0), &reason));
    }

    /// Number of matching files; `None` if it is unknown. If a root is too large for one scan, each plan continues
    /// where the previous one stopped, and starts again after the end.
    pub(super) fn count(&self, kind: &mut Kind, root: &str) -> Option<u64> {
        if !self.host.grants().has(FILES_PROBE) {
            return None;
        }
        let place = format!("place:{}:{root}", kind.name);
        kind.from = self.host.recall(&place).filter(|cursor| !cursor.is_empty());
        let query = kind.query(root);
        let found = calls::measure(self.host, &query, kind.from.as_deref());
        let next = found.as_ref().ok().and_then(|usages| usages.cursor.clone()).unwrap_or_default();
        if kind.from.is_some() || !next.is_empty() {
            self.host.remember(&place, &next);
        }
        if !next.is_empty() {
            self.unfinished.replace(Some(root.to_owned()));
        }
        let usages = found.ok()?;
        let files = usages.entries.iter().map(|usage| usage.files).sum();
        let is_whole = usages.complete && kind.from.is_none();
        if is_whole {
            self.scanned.borrow_mut().push((query, files));
        }
        (files > 0 || is_whole).then_some(files)
    }

    /// Whether there may be something to compress.
    fn has_plain(&self, kind: &Kind, root: &str) -> bool {
        if !self.host.grants().has(FILES_PROBE) {
            return true;
        }
        let Ok(files) = calls::list(self.host, &kind.query(root), None) else { return true };
        files.cursor.is_some() || !files.complete || files.entries.iter().any(|file| !file.open && file.links == 1)
    }
}
