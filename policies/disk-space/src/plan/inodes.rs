//! The steps for a file system that runs out of inodes. Steps that remove the most files come first, whatever their
//! size. Images come last, as always: the engine does not tell how many inodes one frees, so each counts as one.

use ansai_sdk::{Ladder, largest};

use super::Situation;
use super::containers::containers;
use super::ladder::reclaim;
use super::selection::Kind;
use crate::calls::{self, REMOVE};

pub(super) fn propose(situation: &Situation<'_>, ladder: &mut Ladder<'_>) {
    reclaim(situation, ladder);
    let settings = situation.settings;
    let temp_roots = situation.temp_roots(ladder).into_iter();
    let log_roots = situation.roots(&settings.log_dirs, ladder).into_iter();
    let steps = temp_roots.map(|root| (situation.temporary(&root), root));
    let old_logs = |root: &str| Kind::old_logs(root, settings, situation.age(root, settings.logs_older_than));
    let steps = steps.chain(log_roots.map(|root| (old_logs(&root), root)));
    // Steps whose files cannot be counted come last.
    let counted = steps.map(|(mut kind, root)| (situation.count(&mut kind, &root).unwrap_or(1), root, kind));
    let steps: Vec<(u64, String, Kind)> = counted.filter(|(files, ..)| *files > 0).collect();
    let all = steps.len();
    for (_, root, kind) in largest(steps, all, |(files, ..)| *files) {
        let reason = situation.reason(&kind.words());
        ladder.step(REMOVE, &root, |rest| {
            let most = u32::try_from(rest).unwrap_or(0);
            calls::remove(situation.host, &kind.select(&root, 0, most), &reason)
        });
    }
    if !ladder.is_enough() {
        containers(situation, ladder);
    }
}
