//! What was answered within the last minute, so that no policy asks an authority more often. The process that calls servers
//! lives for a minute after its last call, so this holds there, too.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer is given again.
const KEPT: Duration = Duration::from_secs(60);
/// The most answers that are kept; each has less than 2 KiB.
const MOST: usize = 1_024;

pub(super) struct Recent<T>(Mutex<BTreeMap<String, (Instant, T)>>);

impl<T: Clone> Recent<T> {
    pub(super) const fn new() -> Recent<T> {
        Recent(Mutex::new(BTreeMap::new()))
    }

    pub(super) fn get(&self, key: &str) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(since, _)| since.elapsed() < KEPT).map(|(_, answer)| answer.clone())
    }

    pub(super) fn put(&self, key: String, answer: T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| since.elapsed() < KEPT);
        // A policy that asks about that many things gets its answers, and the others are asked again.
        if known.len() >= MOST {
            known.pop_first();
        }
        known.insert(key, (Instant::now(), answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_are_kept() {
        let recent = Recent::new();
        (0..MOST + 3).for_each(|number| recent.put(format!("{number:06}"), number));
        let known: Vec<bool> =
            [0, 2, 3, MOST + 2].iter().map(|one| recent.get(&format!("{one:06}")).is_some()).collect();
        assert_eq!(known, [false, false, true, true]);
    }
}
