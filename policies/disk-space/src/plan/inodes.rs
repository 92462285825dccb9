//! The steps for a file system that runs out of inodes: what removes most files, however small they are.

use super::Situation;
use super::ladder::{RECLAIM, REMOVE, older_than};
use super::proposals::Proposals;
use super::selection::Kind;
use crate::growth::largest;
use crate::port::*;

pub(super) fn propose(situation: &Situation<'_>, proposals: &mut Proposals<'_>) {
    let held: u64 = situation.held().iter().filter(|held| held.files > 0).map(|held| held.bytes).sum();
    if situation.is_urgent() && held > 0 && situation.scopes.has(FILES_ACTIONS) {
        let reason = format!("removed files that wait in quarantine; {}", situation.how_full());
        proposals.propose(RECLAIM, &situation.mount, |host, _| host.reclaim(&situation.mount, held, &reason));
    }
    let settings = &situation.settings;
    let mut steps: Vec<(u64, &str, String, Kind)> = Vec::new();
    for root in situation.roots(&settings.temp_dirs, proposals) {
        let mut kind = Kind::temporary(&root, situation.scopes.age(settings.temp_hours()));
        steps.push((files(situation, &mut kind, &root), "temporary files", root, kind));
    }
    for root in situation.roots(&settings.log_dirs, proposals) {
        let mut kind = Kind::old_logs(&root, settings, situation.scopes.age(settings.remove_logs_hours()));
        steps.push((files(situation, &mut kind, &root), "rotated logs", root, kind));
    }
    steps.retain(|(files, ..)| *files > 0);
    let all = steps.len();
    for (_, what, root, kind) in largest(steps, all, |(files, ..)| *files) {
        let reason = older_than(what, &kind, situation);
        proposals.propose(REMOVE, &root, |host, remaining| {
            let most = u32::try_from(remaining).unwrap_or(0);
            host.remove(&kind.select(&root, 0, most), &reason)
        });
    }
}

/// What cannot be counted comes last, but comes.
fn files(situation: &Situation<'_>, kind: &mut Kind, root: &str) -> u64 {
    situation.count(kind, root).unwrap_or(1)
}
