//! The steps for a file system that is full, or has run out of inodes.

use ansai_sdk::{Ladder, Refusal, Size, largest};

use super::Situation;
use super::containers::containers;
use super::selection::Kind;
use crate::calls::{self, CLEAN, COMPRESS, FILES_PROBE, JOURNAL_PROBE, JOURNAL_VACUUM_ACTIONS};
use crate::calls::{PACKAGE_CACHE_ACTIONS, PACKAGE_CACHE_PROBE, QUARANTINE_ACTIONS, RECLAIM, REMOVE, VACUUM};

pub(super) fn propose(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    let steps: &[fn(&Situation<'_>, &mut Ladder<'_>)] = match situation.is_inodes {
        true => &[reclaim, most_files_first, containers],
        false => &[reclaim, package_caches, logs, journal, temporary_files, containers],
    };
    for step in steps {
        if !ladder.is_enough() {
            step(situation, ladder);
        }
    }
}

/// Deletes quarantined files permanently, so they can no longer be restored. It is unknown how many inodes this frees,
/// so a file system that has run out of inodes loses as much of its quarantine as is granted. One step stays within one
/// granted table, so there is one for each table at most.
fn reclaim(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
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
    let roots = situation.roots(&situation.settings.log_dirs, ladder);
    let old = roots.iter().map(|root| situation.old_logs(root));
    let (fresh, expired): (Vec<Kind>, Vec<Kind>) = old.partition(|old| old.files == Some(0));
    fresh.iter().for_each(|old| compress(situation, ladder, &old.query.root));
    expired.iter().for_each(|old| situation.remove(ladder, old));
    expired.iter().for_each(|old| compress(situation, ladder, &old.query.root));
}

fn compress(situation: &Situation<'_>, ladder: &mut Ladder<'_>, root: &str) {
    let settings = situation.settings;
    let kinds = [
        Kind::plain_logs(root, settings, situation.age(root, settings.compress_logs_older_than)),
        Kind::idle_logs(root, situation.age(root, settings.logs_older_than)),
    ];
    for kind in kinds {
        if !ladder.is_enough() && situation.has_plain(&kind) {
            let reason = situation.reason(&kind.words());
            ladder.step(COMPRESS, root, |rest| calls::compress(situation.host, &kind.select(rest, 0), &reason));
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
        let kind = situation.temporary(&root);
        if kind.files != Some(0) {
            situation.remove(ladder, &kind);
        }
    }
}

/// For inodes, the steps that remove the most files come first, whatever their size. Images come last, as always: the engine
/// does not tell how many inodes one frees, so each counts as one.
fn most_files_first(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    let (temp_roots, log_roots) = (situation.temp_roots(ladder), situation.roots(&situation.settings.log_dirs, ladder));
    let temporary = temp_roots.iter().map(|root| situation.temporary(root));
    let kinds = temporary.chain(log_roots.iter().map(|root| situation.old_logs(root)));
    let kinds: Vec<Kind> = kinds.filter(|kind| kind.files != Some(0)).collect();
    let all = kinds.len();
    // Those whose files cannot be counted come last.
    for kind in largest(kinds, all, |kind| kind.files.unwrap_or(1)) {
        situation.remove(ladder, &kind);
    }
}

impl Situation<'_> {
    /// The reason of a step.
    pub(super) fn reason(&self, what: &str) -> String {
        format!("{what}; {}", self.how_full())
    }

    fn remove(&self, ladder: &mut Ladder<'_>, kind: &Kind) {
        let reason = self.reason(&kind.words());
        let select = |rest| match self.is_inodes {
            true => kind.select(0, u32::try_from(rest).unwrap_or(0)),
            false => kind.select(rest, 0),
        };
        ladder.step(REMOVE, &kind.query.root, |rest| calls::remove(self.host, &select(rest), &reason));
    }

    /// Rotated logs below a root that may be removed, and how many.
    fn old_logs(&self, root: &str) -> Kind {
        self.counted(Kind::old_logs(root, self.settings, self.age(root, self.settings.logs_older_than)))
    }

    /// Temporary files below a root that may be removed, and how many.
    fn temporary(&self, root: &str) -> Kind {
        self.counted(Kind::temporary(root, self.settings, self.age(root, self.settings.temp_files_older_than)))
    }

    /// Counts the files of a kind. If a root is too large for one scan, each plan continues where the previous one stopped, and
    /// starts again after the end.
    fn counted(&self, mut kind: Kind) -> Kind {
        if !self.host.grants().has(FILES_PROBE) {
            return kind;
        }
        let place = format!("place:{}:{}", kind.name, kind.query.root);
        kind.from = self.host.recall(&place).filter(|cursor| !cursor.is_empty());
        let found = calls::measure(self.host, &kind.query, kind.from.as_deref());
        let next = found.as_ref().ok().and_then(|usages| usages.cursor.clone()).unwrap_or_default();
        if kind.from.is_some() || !next.is_empty() {
            self.host.remember(&place, &next);
        }
        if !next.is_empty() {
            self.unfinished.replace(Some(kind.query.root.clone()));
        }
        let Ok(usages) = found else { return kind };
        let files = usages.entries.iter().map(|usage| usage.files).sum();
        let is_whole = usages.complete && kind.from.is_none();
        if is_whole {
            self.scanned.borrow_mut().push((kind.query.clone(), files));
        }
        kind.files = (files > 0 || is_whole).then_some(files);
        kind
    }

    /// Whether there may be something to compress.
    fn has_plain(&self, kind: &Kind) -> bool {
        if !self.host.grants().has(FILES_PROBE) {
            return true;
        }
        let Ok(files) = calls::list(self.host, &kind.query, None) else { return true };
        files.cursor.is_some() || !files.complete || files.entries.iter().any(|file| !file.open && file.links == 1)
    }
}
