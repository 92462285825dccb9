//! A new version that runs in observe mode beside the pinned one: what the lock file asks for, and what this host has seen.

use ansai_core::text::prose;
use ansai_core::{Millis, Timestamp};
use ansai_storage::WriteOptions;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::store::INDEX;
use crate::{Digest, Locked, RegistryError, Result, Store};

const FILE: &str = "shadows.json";
const MOST_BYTES: u64 = 8 << 20;
/// The most differences of one version that are kept one by one.
pub const MOST_DIFFERENCES: usize = 50;
/// The most other differences of one version that are told apart. Further ones are not counted.
pub const MOST_OTHERS: usize = 200;
/// Why a version is held that can do more than the pinned one.
pub const HELD_AS_WIDER: &str = "it can do more than the pinned version";
/// The most sources that are remembered; the oldest are forgotten.
const MOST_SHADOWS: usize = 500;
/// The most characters of a text of a policy, and of a reason.
const MOST_TEXT: usize = 300;
/// The most lines of a decision.
const MOST_LINES: usize = 20;

/// A version that runs beside the pinned one before it takes over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// So long both run side by side on each host, in milliseconds. Time in which ansai does not run does not count.
    pub lasts_ms: Millis,
    /// When a person began it. What a host has seen of one that began earlier says nothing about it.
    pub began: Timestamp,
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
    /// When it began, as the lock file has it.
    pub began: Timestamp,
    /// So long both have run side by side.
    pub watched: Millis,
    /// How often the two were compared.
    pub compared: u64,
    /// What differs on live evaluations.
    #[serde(default)]
    pub live: Vec<ShadowDifference>,
    /// How many more differ: exact up to [`MOST_OTHERS`], at least so many beyond.
    #[serde(default)]
    pub more: u64,
    /// Hashes of those that are not kept, so that each is counted once.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    others: BTreeSet<u64>,
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
            others: BTreeSet::new(),
            recorded: None,
            replayed: Vec::new(),
            problem: None,
            end: None,
        }
    }

    /// Whether it is about this shadow of a lock file, beside the version that is pinned there.
    pub fn is_of(&self, shadow: &Shadow, pinned: &Locked) -> bool {
        (&self.digest, &self.beside, self.began) == (&shadow.policy.digest, &pinned.digest, shadow.began)
    }

    /// How many findings the two versions decide differently about.
    pub fn differences(&self) -> u64 {
        let kept = self.live.len().saturating_add(self.replayed.len());
        u64::try_from(kept).unwrap_or(u64::MAX).saturating_add(self.more)
    }

    /// Counts a difference on a live evaluation. Answers whether it is a new one.
    pub fn count(&mut self, difference: ShadowDifference) -> bool {
        count(&mut self.live, (&mut self.others, &mut self.more), difference)
    }

    /// Counts a difference on a recorded evaluation.
    pub fn count_replayed(&mut self, difference: ShadowDifference) {
        count(&mut self.replayed, (&mut self.others, &mut self.more), difference);
    }

    /// Keeps only the number of differences.
    fn shorten(&mut self) {
        for one in self.live.drain(..).chain(self.replayed.drain(..)) {
            self.more = self.more.saturating_add(1);
            if self.others.len() < MOST_OTHERS {
                self.others.insert(hash(&one));
            }
        }
    }
}

/// Counts a difference. Answers whether it is a new one: what a hostile policy varies without end is news at most
/// [`MOST_DIFFERENCES`] and [`MOST_OTHERS`] times.
fn count(
    kept: &mut Vec<ShadowDifference>,
    (others, more): (&mut BTreeSet<u64>, &mut u64),
    mut difference: ShadowDifference,
) -> bool {
    // As it is stored: after a restart, it is the same one.
    make_safe(&mut difference);
    let is_same = |one: &&mut ShadowDifference| {
        (&one.instance, &one.finding, &one.old, &one.new)
            == (&difference.instance, &difference.finding, &difference.old, &difference.new)
    };
    if let Some(known) = kept.iter_mut().find(is_same) {
        known.times = known.times.saturating_add(1);
        known.last = difference.last;
        return false;
    }
    let hash = hash(&difference);
    if others.contains(&hash) {
        return false;
    }
    if kept.len() < MOST_DIFFERENCES {
        kept.push(difference);
        return true;
    }
    if others.len() >= MOST_OTHERS {
        return false;
    }
    others.insert(hash);
    *more = more.saturating_add(1);
    true
}

fn hash(one: &ShadowDifference) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&one.instance, &one.finding, &one.old, &one.new).hash(&mut hasher);
    hasher.finish()
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
        self.known(FILE, MOST_BYTES)
    }

    /// Replaces what is known of the shadow of a source; `None` forgets it. Texts are made safe for terminals.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub fn note_shadow(&self, source: &str, record: Option<ShadowRecord>) -> Result<()> {
        self.note_shadow_if(source, record, |_| true).map(drop)
    }

    /// The same, unless a later shadow of the source began meanwhile. Answers whether none did. One that began earlier is
    /// replaced: only `ansai update` on the host where a person begins a shadow notes it at once.
    ///
    /// # Errors
    /// As [`Store::note_shadow`].
    pub fn continue_shadow(&self, source: &str, record: ShadowRecord) -> Result<bool> {
        let identity = |one: &ShadowRecord| (one.digest.clone(), one.beside.clone(), one.began);
        let own = identity(&record);
        self.note_shadow_if(source, Some(record), |known| identity(known) == own || known.began < own.2)
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
        let bytes = bounded(&mut shadows, MOST_BYTES).map_err(invalid)?;
        self.root().replace(FILE, &bytes, WriteOptions::PRIVATE)?;
        Ok(true)
    }
}

/// All records in at most so many bytes, which can be read again: those with the most differences keep only their number.
fn bounded(shadows: &mut BTreeMap<String, ShadowRecord>, most: u64) -> serde_json::Result<Vec<u8>> {
    loop {
        let bytes = serde_json::to_vec_pretty(shadows)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
            return Ok(bytes);
        }
        let kept = |one: &ShadowRecord| one.live.len().saturating_add(one.replayed.len());
        match shadows.values_mut().max_by_key(|one| kept(one)).filter(|one| kept(one) > 0) {
            Some(largest) => largest.shorten(),
            None => return Ok(bytes),
        }
    }
}

fn make_safe(one: &mut ShadowDifference) {
    // Escapes make a text longer. The second time cuts it, and from then on it stays as it is.
    let safe = |text: &str| prose(&prose(text, MOST_TEXT), MOST_TEXT);
    one.finding = safe(&one.finding);
    for lines in [&mut one.old, &mut one.new] {
        lines.truncate(MOST_LINES);
        for line in lines {
            *line = safe(line);
        }
    }
}

fn safe(mut record: ShadowRecord) -> ShadowRecord {
    record.live.iter_mut().chain(&mut record.replayed).for_each(make_safe);
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
            new: vec!["critical\u{1b}[2J".repeat(100)],
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
        assert!(!record.count(difference(&format!("key {}", MOST_DIFFERENCES + 2))), "it is counted, but not kept");
        assert_eq!((record.live.len(), record.more), (MOST_DIFFERENCES, 5));
        assert_eq!(record.differences(), 55);
        store.note_shadow("a@^1", Some(record.clone())).unwrap();
        let kept = store.shadows().unwrap().remove("a@^1").unwrap();
        assert_eq!(kept.live.first().unwrap().times, 2);
        assert!(kept.live.iter().all(|one| one.new.iter().all(|line| !line.contains('\u{1b}'))));
        let mut again = kept;
        for index in 0..MOST_DIFFERENCES + 5 {
            assert!(!again.count(difference(&format!("key {index}"))), "after a restart, it is known");
        }
        assert_eq!(again.differences(), 55);
        for index in 0..2 * MOST_OTHERS {
            again.count(difference(&format!("other {index}")));
        }
        assert_eq!(again.more, u64::try_from(MOST_OTHERS).unwrap());
        assert!(!again.count(difference("without end")), "it is not stored each time");
        store.note_shadow("a@^1", None).unwrap();
        assert!(store.shadows().unwrap().is_empty());
        std::fs::write(place.path().join("registry").join(FILE), "{\"a\":{\"end\":\"took-over\"}}").unwrap();
        assert!(matches!(store.shadows(), Err(RegistryError::Invalid { .. })), "a damaged file lets nothing take over");
    }

    #[test]
    fn a_version_that_begins_again_has_not_taken_over() {
        let locked = |content: &[u8]| Locked {
            source: "a@^1".to_owned(),
            resolved: String::new(),
            digest: Digest::of(content),
            component: Digest::of(content),
            version: "1.0.0".to_owned(),
            imports: Vec::new(),
            scopes: BTreeMap::new(),
            signers: Vec::new(),
        };
        let shadow = |began: u64| Shadow {
            lasts_ms: Millis::from_hours(1),
            began: Timestamp::from_millis(began),
            accepts_wider: false,
            accepts_differences: false,
            policy: locked(b"new"),
        };
        assert!(record().is_of(&shadow(0), &locked(b"old")));
        assert!(!record().is_of(&shadow(1), &locked(b"old")), "it began again");
        assert!(!record().is_of(&shadow(0), &locked(b"other")), "it was compared with another version");
    }

    #[test]
    fn the_file_stays_small_enough_to_be_read() {
        let mut shadows = BTreeMap::new();
        for source in ["a@^1", "b@^1", "c@^1"] {
            let mut record = record();
            for index in 0..if source == "b@^1" { MOST_DIFFERENCES } else { 5 } {
                let lines = vec!["x".repeat(1_000); 1_000];
                record.count(ShadowDifference { old: lines, ..difference(&format!("key {index}")) });
            }
            shadows.insert(source.to_owned(), record);
        }
        let kept = &shadows["b@^1"].live[0].old;
        assert_eq!((kept.len(), kept[0].chars().count() <= MOST_TEXT + 1), (MOST_LINES, true));
        let bytes = bounded(&mut shadows, 100_000).unwrap();
        assert!(bytes.len() <= 100_000);
        let mut again: BTreeMap<String, ShadowRecord> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(again, shadows);
        let lengths: Vec<(usize, u64)> = again.values().map(|one| (one.live.len(), one.differences())).collect();
        assert_eq!(lengths, [(5, 5), (0, 50), (5, 5)], "the largest one gives way, and stays held");
        let lines = vec!["x".repeat(1_000); 1_000];
        let known = ShadowDifference { old: lines, ..difference("key 7") };
        assert!(!again.get_mut("b@^1").unwrap().count(known), "it is known");
        assert!(bounded(&mut again, 1).is_ok(), "what cannot be smaller is written all the same");
    }

    #[test]
    fn what_was_seen_of_a_shadow_gives_way_to_a_later_one_of_the_lock_file() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::create(&Directory::open(place.path()).unwrap()).unwrap();
        let at = |began: u64| ShadowRecord { began: Timestamp::from_millis(began), ..record() };
        let over = ShadowRecord { end: Some(ShadowEnd::TookOver), ..at(1) };
        store.note_shadow("a@^1", Some(over)).unwrap();
        // Another host wrote the lock file.
        assert!(store.continue_shadow("a@^1", at(2)).unwrap());
        assert_eq!(store.shadows().unwrap()["a@^1"], at(2));
        assert!(!store.continue_shadow("a@^1", at(1)).unwrap(), "the earlier one has ended");
        assert_eq!(store.shadows().unwrap()["a@^1"], at(2));
    }
}
