//! What reading all processes found, for whoever asks the same within a few seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long what was read counts at least and at most.
const KEPT: Duration = Duration::from_secs(1);
const KEPT_MOST: Duration = Duration::from_secs(5);
/// The most keys for which something is kept.
const MOST_KEYS: usize = 2;

/// What was read, by key.
pub(crate) struct Recent<K, T>(Mutex<Vec<Kept<K, T>>>);

struct Kept<K, T> {
    key: K,
    /// When the reading began.
    at: Instant,
    counts: Duration,
    found: Arc<T>,
}

impl<K, T> Kept<K, T> {
    fn is_recent(&self, now: Instant) -> bool {
        // One that is later than `now` was read with another clock, as in a test.
        now.checked_duration_since(self.at).is_some_and(|age| age <= self.counts)
    }
}

/// How long what took so long to read counts: else a host on which reading takes a second would be read again each time.
fn counts(took: Duration) -> Duration {
    took.saturating_mul(2).clamp(KEPT, KEPT_MOST)
}

impl<K: PartialEq, T> Recent<K, T> {
    pub(crate) const fn new() -> Self {
        Recent(Mutex::new(Vec::new()))
    }

    /// As of `now`, or of 5 seconds before at most.
    pub(crate) fn get(&self, key: &K, now: Instant) -> Option<Arc<T>> {
        self.lock().iter().find(|kept| kept.key == *key && kept.is_recent(now)).map(|kept| kept.found.clone())
    }

    /// Keeps what was read since `at`, and `took` so long.
    pub(crate) fn keep(&self, key: K, at: Instant, took: Duration, found: Arc<T>) {
        let mut all = self.lock();
        all.retain(|kept| kept.key != key && kept.is_recent(at));
        if all.len() >= MOST_KEYS {
            all.remove(0);
        }
        all.push(Kept { key, at, counts: counts(took), found });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept<K, T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a host on which reading takes longer than what was read counts.
    #[test]
    fn what_took_long_to_read_counts_longer() {
        let after = |took: u64| counts(Duration::from_millis(took)).as_millis();
        assert_eq!([0, 500, 1_500, 60_000].map(after), [1_000, 1_000, 3_000, 5_000]);
    }

    /// Would break: what was read for one root answers for another, counts for ever, or fills the memory.
    #[test]
    fn what_was_read_is_kept_by_key_for_a_second() {
        let (recent, now) = (Recent::new(), Instant::now());
        let at = |after: u64| now + Duration::from_millis(after);
        recent.keep("a", at(10_000), Duration::ZERO, Arc::new(1));
        recent.keep("b", at(10_001), Duration::ZERO, Arc::new(2));
        let found = |key, after| recent.get(&key, at(after)).as_deref().copied();
        assert_eq!([found("a", 11_000), found("b", 11_000), found("c", 11_000)], [Some(1), Some(2), None]);
        assert_eq!([found("a", 11_001), found("a", 9_999)], [None, None], "too late, and before it was read");
        recent.keep("a", at(20_000), Duration::ZERO, Arc::new(3));
        assert_eq!((found("a", 20_000), recent.lock().len()), (Some(3), 1), "what no longer counts is dropped");
        for key in ["b", "c", "d", "e", "f"] {
            recent.keep(key, at(20_000), Duration::ZERO, Arc::new(4));
        }
        assert_eq!([found("d", 20_000), found("e", 20_000), found("f", 20_000)], [None, Some(4), Some(4)]);
    }
}
