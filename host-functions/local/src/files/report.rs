//! The sentence and the numbers that tell what a step did.

use std::collections::BTreeMap;

use ansai_core::{Bytes, Measure, Outcome, Unit};

use crate::safety::reason::Blocked;
use ansai_kit::action::{Applied, Fate, Item};

/// What a step did, apart from its items.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The verb of the sentence: `removed`, `compressed`, …
    pub(super) verb: &'static str,
    /// Bytes that are in quarantine now.
    pub(super) held_bytes: u64,
    /// Available bytes of the file system before the step.
    pub(super) before: Option<u64>,
    /// The same after it.
    pub(super) after: Option<u64>,
    /// Whether files of the file system can share extents, so that only it knows what was freed.
    pub(super) is_measured: bool,
}

impl Report {
    /// The outcome is `done` if nothing failed.
    pub(super) fn applied(self, items: Vec<Item>) -> Applied {
        let (mut done, mut left, mut failed) = (0_u64, BTreeMap::<&str, u64>::new(), 0_u64);
        let mut first_failure = None;
        for item in &items {
            match &item.fate {
                Fate::Done => done += 1,
                Fate::Skipped(why) => *left.entry(why.split(':').next().unwrap_or(why)).or_default() += 1,
                Fate::Failed(why) => {
                    failed += 1;
                    first_failure.get_or_insert(why);
                }
            }
        }
        let expected = items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.freed_bytes));
        let measured = self.before.zip(self.after).map(|(before, after)| after.saturating_sub(before));
        let freed = measured.filter(|_| self.is_measured).map_or(expected, |measured| measured.min(expected));
        let mut detail = format!("{} {done} {}", self.verb, if done == 1 { "file" } else { "files" });
        if freed > 0 || self.held_bytes == 0 {
            detail.push_str(&format!(", freed {}", Bytes::new(freed)));
        }
        if freed < expected {
            detail.push_str(&format!(" of up to {}", Bytes::new(expected)));
        }
        if self.held_bytes > 0 {
            detail.push_str(&format!(", frees {} when the quarantine expires", Bytes::new(self.held_bytes)));
        }
        let alone: u64 = left.values().sum();
        if alone > 0 {
            let reasons: Vec<&str> = left.keys().copied().collect();
            detail.push_str(&format!("; {alone} skipped ({})", reasons.join(", ")));
        }
        if let Some(why) = first_failure {
            detail.push_str(&format!("; {failed} failed ({why})"));
        }
        let mut measures = vec![
            Measure::count(format!("{}-files", self.verb), done, Unit::None),
            Measure::count("left-files", alone, Unit::None),
            Measure::count("failed-files", failed, Unit::None),
            Measure::count("freed-bytes", freed, Unit::Bytes),
            Measure::count("held-bytes", self.held_bytes, Unit::Bytes),
        ];
        let levels = [("available-before", self.before), ("available-after", self.after)];
        measures.extend(levels.iter().filter_map(|(name, bytes)| Some(Measure::count(*name, (*bytes)?, Unit::Bytes))));
        let outcome = if failed == 0 { Outcome::Done } else { Outcome::Failed };
        Applied { outcome, reason: None, detail, measures, items, evidence: Vec::new() }
    }
}

/// An item without undo.
pub(super) fn item(target: String, fate: Fate, freed_bytes: u64) -> Item {
    Item { target, fate, freed_bytes, undo: serde_json::Value::Null }
}

/// The fate of a target that the system refused to treat.
pub(super) fn failed(trying: &str, error: impl std::fmt::Display) -> Fate {
    Blocked::failed(trying, error).into()
}

/// The fate of a target that is no longer the file of the preview.
pub(super) fn changed(how: &'static str) -> Fate {
    Blocked::changed(how).into()
}
