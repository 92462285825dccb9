//! Finds the files of a selection that a step would touch.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use ansai_core::{LeftOut, Preview, Refusal};
use serde::{Deserialize, Serialize};

use super::fields::{MAX_BYTES, MAX_FILES, MIN_AGE_HOURS};
use super::file::File;
use super::patterns::{self, Wanted};
use super::place;
use super::position::Position;
use super::targets::{MOST_FILES, MOST_PATH_BYTES, taken};
use super::walk::Walk;
use crate::safety::guard::Guard;
use crate::safety::identity::{Stat, Time};
use crate::safety::names::LONGEST_PATH;
use crate::safety::root::Root;
use crate::safety::rules::Rules;
use ansai_kit::action::Proposed;
use ansai_kit::host::ProbeContext;

/// The record `selection` of the WIT.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Selection {
    pub(super) root: String,
    globs: Vec<String>,
    exclude: Vec<String>,
    pub(super) min_age_hours: u32,
    min_bytes: u64,
    max_files: u32,
    pub(super) enough_bytes: u64,
    cursor: Option<String>,
}

impl Selection {
    /// Fuel for its patterns.
    pub(super) fn cost(&self) -> u64 {
        patterns::cost(&self.globs, &self.exclude)
    }
}

/// A file that may be touched. Ordered by age, oldest first.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) path: Vec<u8>,
    pub(super) stat: Stat,
}

impl Candidate {
    fn key(&self) -> (Time, &[u8]) {
        (self.stat.mtime, &self.path)
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Candidate {}
impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Candidates that a step skips, by reason: their number and allocated bytes.
#[derive(Debug, Default)]
pub(super) struct Left(BTreeMap<&'static str, (u64, u64)>);

impl Left {
    pub(super) fn add(&mut self, reason: &'static str, bytes: u64) {
        let (items, sum) = self.0.entry(reason).or_default();
        *items += 1;
        *sum = sum.saturating_add(bytes);
    }

    pub(super) fn list(&self) -> Vec<LeftOut> {
        let line = |(reason, (items, bytes)): (&&'static str, &(u64, u64))| LeftOut {
            reason: (*reason).to_owned(),
            items: *items,
            bytes: *bytes,
        };
        self.0.iter().map(line).collect()
    }
}

/// The result of a search for targets.
pub(super) struct Found {
    pub(super) guard: Guard,
    /// Oldest first.
    pub(super) candidates: Vec<Candidate>,
    pub(super) left: Left,
    pub(super) complete: bool,
    pub(super) min_age_hours: u64,
}

/// A reason of the action's own to skip a file.
pub(super) type Bar<'a> = &'a dyn Fn(&Root, &[u8], &Stat) -> Option<&'static str>;

/// Finds the files that a selection matches and an action may touch.
///
/// # Errors
/// `invalid` for a bad selection; those of [`Root::open`] and [`Guard::enter`].
pub(super) fn find(
    ask: &ProbeContext<'_>,
    what: &Selection,
    earlier: &[Arc<Proposed>],
    bar: Bar<'_>,
) -> Result<Found, Refusal> {
    let wanted = Wanted::new(&what.globs, &what.exclude, what.min_bytes)?;
    if what.globs.is_empty() {
        return Err(Refusal::Invalid("`globs` is empty: at least one pattern, `**` for every file".into()));
    }
    let taken = taken(earlier)?;
    let from = Position::read(what.cursor.as_deref())?;
    let root = Root::open(ask.host, &what.root)?;
    let min_age_hours = u64::from(what.min_age_hours).max(ask.scope.hours(&MIN_AGE_HOURS));
    let rules = Rules { min_age_hours: Some(min_age_hours), ..Rules::default() };
    let guard = Guard::enter(ask.host, root, rules, ask.now, &|| ask.deadline.is_over())?;
    let max_bytes = ask.scope.bytes(&MAX_BYTES);
    let most = most_files(ask, what);

    let mut left = Left::default();
    let mut oldest: BinaryHeap<Candidate> = BinaryHeap::new();
    let mut walk = Walk::new(&guard.root, ask.deadline, Some(&guard.protected), &from);
    while let Some(entry) = walk.next(|_, path| wanted.match_path(path)) {
        let stat = entry.stat;
        if let Some(reason) = entry.barred.filter(|_| stat.is_directory()) {
            left.add(reason.code(), 0);
            continue;
        }
        if (stat.is_directory() && !wanted.match_path(entry.path)) || taken.contains(&stat.inode()) {
            continue;
        }
        // Not wanted, as if no glob matched it: `left-out` has only what the selection means.
        if !wanted.is_large_enough(&stat) {
            continue;
        }
        let foreseen = guard.foresee(entry.path, &stat).err().map(|reason| reason.code());
        let reason = foreseen
            .or_else(|| (entry.path.len() > LONGEST_PATH).then_some("path-too-long"))
            .or_else(|| bar(&guard.root, entry.path, &stat))
            // A bound of 0 permits nothing, not even files without content.
            .or_else(|| (stat.bytes > max_bytes || max_bytes == 0).then_some("beyond-limit"));
        if let Some(reason) = reason {
            left.add(reason, stat.bytes);
            continue;
        }
        if oldest.len() >= most {
            let is_older = oldest.peek().is_some_and(|youngest| (stat.mtime, entry.path) < youngest.key());
            let beyond = if is_older { oldest.pop().map_or(0, |youngest| youngest.stat.bytes) } else { stat.bytes };
            left.add("beyond-limit", beyond);
            if !is_older {
                continue;
            }
        }
        oldest.push(Candidate { path: entry.path.to_vec(), stat });
    }
    let complete = walk.is_complete();
    Ok(Found { candidates: oldest.into_sorted_vec(), guard, left, complete, min_age_hours })
}

fn most_files(ask: &ProbeContext<'_>, what: &Selection) -> usize {
    let granted = ask.scope.count(&MAX_FILES);
    let most = if what.max_files == 0 { granted } else { granted.min(u64::from(what.max_files)) };
    usize::try_from(most).unwrap_or(usize::MAX).min(MOST_FILES)
}

impl Found {
    pub(super) fn root(&self) -> &Root {
        &self.guard.root
    }

    /// Keeps the oldest until a limit is reached: the bytes of the grant, `enough_bytes` as counted by `returns`, or
    /// the size of all paths.
    pub(super) fn limit(&mut self, ask: &ProbeContext<'_>, enough_bytes: u64, returns: impl Fn(&Candidate) -> u64) {
        let max_bytes = ask.scope.bytes(&MAX_BYTES);
        let (mut bytes, mut back, mut paths, mut kept) = (0_u64, 0_u64, 0_usize, 0_usize);
        for candidate in &self.candidates {
            bytes = bytes.saturating_add(candidate.stat.bytes);
            paths += candidate.path.len() * 4;
            let enough = enough_bytes > 0 && back >= enough_bytes;
            if enough || bytes > max_bytes || paths > MOST_PATH_BYTES {
                break;
            }
            back = back.saturating_add(returns(candidate));
            kept += 1;
        }
        for beyond in self.candidates.drain(kept..) {
            self.left.add("beyond-limit", beyond.stat.bytes);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.candidates.iter().fold(0, |sum, candidate| sum.saturating_add(candidate.stat.bytes))
    }

    pub(super) fn files(&self) -> Vec<File> {
        self.candidates.iter().map(|candidate| File::new(&candidate.path, &candidate.stat)).collect()
    }

    /// A preview, complete but for what the step frees.
    pub(super) fn preview(&self, ask: &ProbeContext<'_>) -> Preview {
        let about = place::subject(ask.host, self.root());
        Preview {
            items: self.candidates.len() as u64,
            mount: Some(about.name.clone()),
            complete: self.complete,
            sample: self.candidates.iter().take(10).map(|candidate| self.root().shown(&candidate.path)).collect(),
            left_out: self.left.list(),
            ..Preview::nothing(about)
        }
    }
}
