//! The steps for a file system that is full, least regretted first.

use super::Situation;
use super::proposals::Proposals;
use super::selection::{Kind, is_compressed};
use crate::detect::said;
use crate::mounts::roots_on;
use crate::never;
use crate::port::*;
use crate::words;

const COMPRESS: &str = "ansai:files/files-actions.compress";
pub(super) const REMOVE: &str = "ansai:files/files-actions.remove";
pub(super) const RECLAIM: &str = "ansai:files/files-actions.reclaim-held";
const VACUUM: &str = "ansai:journal/journal-actions.vacuum";
const CLEAN: &str = "ansai:packages/packages-actions.clean-cache";

pub(super) fn propose(situation: &Situation<'_>, proposals: &mut Proposals<'_>) {
    let steps = [reclaim, package_caches, logs, journal, temporary_files];
    for step in steps {
        if proposals.is_enough() {
            return;
        }
        step(situation, proposals);
    }
}

/// Gives up quarantined files: somebody may have wanted them back, but not more than room.
fn reclaim(situation: &Situation<'_>, proposals: &mut Proposals<'_>) {
    if !situation.is_urgent() || !situation.has(FILES_ACTIONS, proposals) {
        return;
    }
    if situation.held().iter().any(|held| held.bytes > 0) {
        let reason = format!("removed files that wait in quarantine; {}", situation.how_full());
        proposals
            .propose(RECLAIM, &situation.mount, |host, remaining| host.reclaim(&situation.mount, remaining, &reason));
    }
}

fn package_caches(situation: &Situation<'_>, proposals: &mut Proposals<'_>) {
    if !situation.settings.package_cache
        || !situation.has(PACKAGES_PROBE, proposals)
        || !situation.has(PACKAGES_ACTIONS, proposals)
    {
        return;
    }
    let caches = match situation.host.caches() {
        Ok(caches) => caches.entries,
        Err(refusal) => return proposals.note(format!("package caches: {}", said(&refusal))),
    };
    let reason = format!("downloaded packages, which can be downloaded again; {}", situation.how_full());
    for cache in caches.iter().filter(|cache| cache.mount == situation.mount && cache.bytes > 0) {
        if cache.manager != Manager::Other {
            proposals.propose(CLEAN, &cache.path, |host, _| host.clean(cache.manager, &reason));
        }
    }
}

/// Compresses logs, and removes those past their time. Where there are such, they go first: a compressed file is a
/// new one, and would have to become old again before it may be removed.
fn logs(situation: &Situation<'_>, proposals: &mut Proposals<'_>) {
    let settings = &situation.settings;
    let age = situation.scopes.age(settings.remove_logs_hours());
    let (mut expired, mut fresh) = (Vec::new(), Vec::new());
    for root in situation.roots(&settings.log_dirs, proposals) {
        let mut old = Kind::old_logs(&root, settings, age);
        match situation.count(&mut old, &root) {
            Some(0) => fresh.push(root),
            _ => expired.push((root, old)),
        }
    }
    for root in &fresh {
        compress(situation, proposals, root);
    }
    for (root, kind) in &expired {
        let reason = older_than("rotated logs", kind, situation);
        proposals.propose(REMOVE, root, |host, enough| host.remove(&kind.select(root, enough, 0), &reason));
    }
    for (root, _) in &expired {
        compress(situation, proposals, root);
    }
}

fn compress(situation: &Situation<'_>, proposals: &mut Proposals<'_>, root: &str) {
    let settings = &situation.settings;
    let age = |hours| situation.scopes.age(hours);
    let kinds = [
        ("rotated logs", Kind::plain_logs(root, settings, age(settings.compress_logs_hours()))),
        ("logs without a writer", Kind::idle_logs(root, age(settings.remove_logs_hours()))),
    ];
    for (words, kind) in kinds {
        if proposals.is_enough() {
            return;
        }
        if situation.has_plain(&kind.query(root)) {
            let reason = older_than(words, &kind, situation);
            proposals.propose(COMPRESS, root, |host, enough| host.compress(&kind.select(root, enough, 0), &reason));
        }
    }
}

fn journal(situation: &Situation<'_>, proposals: &mut Proposals<'_>) {
    if !situation.has(JOURNAL_PROBE, proposals) || !situation.has(JOURNAL_ACTIONS, proposals) {
        return;
    }
    let usage = match situation.host.journal() {
        Ok(usage) => usage,
        // A host without a journal has nothing to explain.
        Err(Refusal::Unsupported(_)) => return,
        Err(refusal) => return proposals.note(format!("journal: {}", said(&refusal))),
    };
    let keep = situation.settings.journal_size;
    let all = usage.archived_bytes.saturating_add(usage.active_bytes);
    if usage.mount == situation.mount && usage.archived_bytes > 0 && all > keep {
        let reason = format!("the journal takes {}; {}", words::bytes(all), situation.how_full());
        proposals.propose(VACUUM, "the journal", |host, _| host.vacuum(keep, &reason));
    }
}

fn temporary_files(situation: &Situation<'_>, proposals: &mut Proposals<'_>) {
    for root in situation.roots(&situation.settings.temp_dirs, proposals) {
        if proposals.is_enough() {
            return;
        }
        let mut kind = Kind::temporary(&root, situation.scopes.age(situation.settings.temp_hours()));
        if situation.count(&mut kind, &root) != Some(0) {
            let reason = older_than("temporary files", &kind, situation);
            proposals.propose(REMOVE, &root, |host, enough| host.remove(&kind.select(&root, enough, 0), &reason));
        }
    }
}

pub(super) fn older_than(what: &str, kind: &Kind, situation: &Situation<'_>) -> String {
    format!("{what} older than {}; {}", words::hours(kind.min_age_hours.into()), situation.how_full())
}

impl Situation<'_> {
    /// Whether it is granted; noted where it is not.
    fn has(&self, interface: &str, proposals: &mut Proposals<'_>) -> bool {
        let granted = self.scopes.has(interface);
        if !granted {
            proposals.note(format!("{interface} is not granted"));
        }
        granted
    }

    /// Parts of these directories that are on this file system and granted.
    pub(super) fn roots(&self, dirs: &[String], proposals: &mut Proposals<'_>) -> Vec<String> {
        if !self.has(FILES_ACTIONS, proposals) {
            return Vec::new();
        }
        let mut roots = roots_on(&self.mount, dirs, &self.scopes.roots(FILES_ACTIONS), &self.filesystems);
        roots.retain(|root| {
            let forbidden = never::is_forbidden(root);
            if forbidden {
                proposals.note(format!("{root} is never touched"));
            }
            !forbidden
        });
        roots
    }

    /// How many files match; `None` where it cannot be told. Of a root that is too large for one look, each plan sees
    /// the part after the one that the last plan saw, and begins anew after the end.
    pub(super) fn count(&self, kind: &mut Kind, root: &str) -> Option<u64> {
        if !self.scopes.has(FILES_PROBE) {
            return None;
        }
        let place = format!("place:{}:{root}", kind.name);
        kind.from = self.host.remembered(&place).filter(|cursor| !cursor.is_empty());
        let looked = self.host.measure(&kind.query(root), kind.from.as_deref());
        let next = looked.as_ref().ok().and_then(|usages| usages.cursor.clone()).unwrap_or_default();
        if !next.is_empty() {
            self.unfinished.replace(Some(root.to_owned()));
        }
        if kind.from.is_some() || !next.is_empty() {
            self.host.remember(&place, &next);
        }
        let usages = looked.ok()?;
        let files = usages.entries.iter().map(|usage| usage.files).sum();
        if files == 0 && (!usages.complete || kind.from.is_some()) { None } else { Some(files) }
    }

    /// Whether there may be something to compress.
    fn has_plain(&self, query: &FileQuery) -> bool {
        if !self.scopes.has(FILES_PROBE) {
            return true;
        }
        let Ok(files) = self.host.list(query) else { return true };
        files.cursor.is_some()
            || !files.complete
            || files.entries.iter().any(|file| !file.open && file.links == 1 && !is_compressed(&file.path))
    }
}
