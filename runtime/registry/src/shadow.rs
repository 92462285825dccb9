//! A new version that runs in observe mode beside the pinned one: what the lock file asks for, and what this host has seen.

use ansai_core::text::prose;
use ansai_core::{Millis, Timestamp};
use ansai_storage::WriteOptions;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::store::INDEX;
use crate::{Digest, Locked, RegistryError, Result, Store};

const FILE: &str = "shadows.json";
const MOST_BYTES: u64 = 8 << 20;
/// The most differences of one version that are kept one by one.
pub const MOST_DIFFERENCES: usize = 50;
/// The most sources that are remembered; the oldest are forgotten.
const MOST_SHADOWS: usize = 500;
/// The most characters of a text of a policy, and of a reason.
const MOST_TEXT: usize = 300;

/// A version that runs beside the pinned one before it takes over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// So long both run side by side on each host, in milliseconds. Time in which ansai does not run does not count.
    pub lasts_ms: Millis,
    /// Whether a person accepted that this version can do more.
    #[serde(default)]
    pub accepts_wider: bool,
    /// Whether a person accepted that this version decides differently.
    #[serde(default)]
    pub accepts_differences: bool,
    /// The version.
    pub policy: Locked,
}

/// How a shadow ended on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShadowEnd {
    /// The new version runs in place of the pinned one.
    TookOver,
    /// The pinned version goes on; why, for people.
    Held(String),
}

/// A finding that the two versions decide differently about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowDifference {
    /// The instance.
    pub instance: String,
    /// The key of the finding.
    pub finding: String,
    /// The decision of the pinned version.
    pub old: Vec<String>,
    /// The decision of the new one.
    pub new: Vec<String>,
    /// How often.
    pub times: u64,
    /// When it was seen last.
    pub last: Timestamp,
}

/// Counts of recorded evaluations that the new version decided about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowReplay {
    /// The same decision.
    pub same: u64,
    /// Another decision.
    pub different: u64,
    /// The new version asked for something that was not recorded.
    pub unknown: u64,
    /// The recording is not that of the audit log.
    pub refused: u64,
}

/// What this host has seen of a shadow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowRecord {
    /// The manifest of the new version.
    pub digest: Digest,
    /// The manifest of the version beside which it runs.
    pub beside: Digest,
    /// When it began.
    pub began: Timestamp,
    /// So long both have run side by side.
    pub watched: Millis,
    /// How often the two were compared.
    pub compared: u64,
    /// What differs on live evaluations.
    #[serde(default)]
    pub live: Vec<ShadowDifference>,
    /// How many more differ.
    #[serde(default)]
    pub more: u64,
    /// Decisions on recorded evaluations, before it began.
    #[serde(default)]
    pub recorded: Option<ShadowReplay>,
    /// What differs on them.
    #[serde(default)]
    pub replayed: Vec<ShadowDifference>,
    /// Why it was not evaluated the last time.
    #[serde(default)]
    pub problem: Option<String>,
    /// How it ended; `None` while it runs.
    #[serde(default)]
    pub end: Option<ShadowEnd>,
}

impl ShadowRecord {
    /// One that begins.
    pub fn new(digest: Digest, beside: Digest, began: Timestamp) -> ShadowRecord {
        ShadowRecord {
            digest,
            beside,
            began,
            watched: Millis::ZERO,
            compared: 0,
            live: Vec::new(),
            more: 0,
            recorded: None,
            replayed: Vec::new(),
            problem: None,
            end: None,
        }
    }

    /// Whether it is about this shadow of a lock file, beside the version that is pinned there.
    pub fn is_of(&self, shadow: &Shadow, pinned: &Locked) -> bool {
        self.digest == shadow.policy.digest && self.beside == pinned.digest
    }

    /// How many findings the two versions decide differently about.
    pub fn differences(&self) -> u64 {
        let kept = self.live.len().saturating_add(self.replayed.len());
        u64::try_from(kept).unwrap_or(u64::MAX).saturating_add(self.more)
    }

    /// Counts a difference on a live evaluation. Answers whether it is a new one.
    pub fn count(&mut self, difference: ShadowDifference) -> bool {
        count(&mut self.live, &mut self.more, difference)
    }

    /// Counts a difference on a recorded evaluation.
    pub fn count_replayed(&mut self, difference: ShadowDifference) {
        count(&mut self.replayed, &mut self.more, difference);
    }
}

fn count(kept: &mut Vec<ShadowDifference>, more: &mut u64, difference: ShadowDifference) -> bool {
    let is_same = |one: &&mut ShadowDifference| {
        (&one.instance, &one.finding, &one.old, &one.new)
            == (&difference.instance, &difference.finding, &difference.old, &difference.new)
    };
    if let Some(known) = kept.iter_mut().find(is_same) {
        known.times = known.times.saturating_add(1);
        known.last = difference.last;
        return false;
    }
    match kept.len() < MOST_DIFFERENCES {
        true => kept.push(difference),
        false => *more = more.saturating_add(1),
    }
    true
}

/// Why a version did not take over after it ran beside the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {version} does not take over, so version {runs} runs on: {why}")]
pub struct ShadowHeld {
    /// The new version.
    pub version: String,
    /// The version that runs.
    pub runs: String,
    /// Why.
    pub why: String,
}

impl Store {
    /// What was seen of versions beside pinned ones, by source.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn shadows(&self) -> Result<BTreeMap<String, ShadowRecord>> {
        let invalid = |why: String| RegistryError::Invalid { path: self.root().path_of(FILE), why };
        let Some(content) = self.root().read(FILE, MOST_BYTES)? else { return Ok(BTreeMap::new()) };
        if u64::try_from(content.bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(invalid(format!("larger than {MOST_BYTES} bytes")));
        }
        serde_json::from_slice(&content.bytes).map_err(|error| invalid(error.to_string()))
    }

    /// Replaces what is known of the shadow of a source; `None` forgets it. Texts are made safe for terminals.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn note_shadow(&self, source: &str, record: Option<ShadowRecord>) -> Result<()> {
        self.note_shadow_if(source, record, |_| true).map(drop)
    }

    /// The same, unless another shadow of the source began meanwhile. Answers whether it did not.
    ///
    /// # Errors
    /// As [`Store::note_shadow`].
    pub fn continue_shadow(&self, source: &str, record: ShadowRecord) -> Result<bool> {
        let identity = |one: &ShadowRecord| (one.digest.clone(), one.beside.clone(), one.began);
        let own = identity(&record);
        self.note_shadow_if(source, Some(record), |known| identity(known) == own)
    }

    fn note_shadow_if(
        &self,
        source: &str,
        record: Option<ShadowRecord>,
        replaces: impl FnOnce(&ShadowRecord) -> bool,
    ) -> Result<bool> {
        let invalid = |error: serde_json::Error| RegistryError::Invalid {
            path: self.root().path_of(FILE),
            why: error.to_string(),
        };
        let _alone = self.lock(INDEX, FlockOperation::LockExclusive)?;
        let mut shadows = self.shadows()?;
        if shadows.get(source).is_some_and(|known| !replaces(known)) {
            return Ok(false);
        }
        match record {
            None => drop(shadows.remove(source)),
            Some(record) => drop(shadows.insert(source.to_owned(), safe(record))),
        }
        while shadows.len() > MOST_SHADOWS {
            let oldest = shadows.iter().min_by_key(|(_, one)| one.began).map(|(source, _)| source.clone());
            oldest.and_then(|source| shadows.remove(&source));
        }
        let bytes = serde_json::to_vec_pretty(&shadows).map_err(invalid)?;
        self.root().replace(FILE, &bytes, WriteOptions::PRIVATE)?;
        Ok(true)
    }
}

fn safe(mut record: ShadowRecord) -> ShadowRecord {
    for one in record.live.iter_mut().chain(&mut record.replayed) {
        one.finding = prose(&one.finding, MOST_TEXT);
        for line in one.old.iter_mut().chain(&mut one.new) {
            *line = prose(line, MOST_TEXT);
        }
    }
    record.problem = record.problem.map(|why| prose(&why, MOST_TEXT));
    if let Some(ShadowEnd::Held(why)) = &mut record.end {
        *why = prose(why, MOST_TEXT);
    }
    record
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use ansai_storage::Directory;

    use super::*;

    fn record() -> ShadowRecord {
        ShadowRecord::new(Digest::of(b"new"), Digest::of(b"old"), Timestamp::EPOCH)
    }

    fn difference(finding: &str) -> ShadowDifference {
        ShadowDifference {
            instance: "web".to_owned(),
            finding: finding.to_owned(),
            old: vec!["healthy".to_owned()],
            new: vec!["critical\u{1b}[2J".to_owned()],
            times: 1,
            last: Timestamp::EPOCH,
        }
    }

    #[test]
    fn what_was_seen_is_kept_safe_for_terminals_and_bounded() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::create(&Directory::open(place.path()).unwrap()).unwrap();
        let mut record = record();
        for index in 0..MOST_DIFFERENCES + 5 {
            assert!(record.count(difference(&format!("key {index}"))));
        }
        assert!(!record.count(difference("key 0")), "it is known");
        assert_eq!((record.live.len(), record.more), (MOST_DIFFERENCES, 5));
        assert_eq!(record.differences(), 55);
        store.note_shadow("a@^1", Some(record.clone())).unwrap();
        let kept = store.shadows().unwrap().remove("a@^1").unwrap();
        assert_eq!(kept.live.first().unwrap().times, 2);
        assert!(kept.live.iter().all(|one| one.new.iter().all(|line| !line.contains('\u{1b}'))));
        store.note_shadow("a@^1", None).unwrap();
        assert!(store.shadows().unwrap().is_empty());
        std::fs::write(place.path().join("registry").join(FILE), "{\"a\":{\"end\":\"took-over\"}}").unwrap();
        assert!(matches!(store.shadows(), Err(RegistryError::Invalid { .. })), "a damaged file lets nothing take over");
    }
}
