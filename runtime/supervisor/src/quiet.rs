//! Which evaluations that found nothing new are recorded: all of them with a few instances, a sample with thousands.
//! Whatever is unhealthy, unknown, failed, proposed or different from last time is recorded always.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::Instant;
use ansai_core::event::EvaluationResult;

/// An instance's evaluations without news are recorded no more often than this, milliseconds.
const AT_LEAST_MS: u64 = 60_000;
/// And those of all instances together no more often than this.
const PER_SECOND: u64 = 10;

/// What was recorded last, by instance.
pub(crate) struct Quiet {
    every_ms: u64,
    seen: Mutex<HashMap<Arc<str>, Seen>>,
}

struct Seen {
    /// Without news: the same answer again, with no incident open.
    result: Option<EvaluationResult>,
    recorded: Instant,
    unrecorded: u64,
}

impl Quiet {
    pub(crate) fn new(instances: usize) -> Quiet {
        let every_ms = AT_LEAST_MS.max(instances as u64 * 1_000 / PER_SECOND);
        Quiet { every_ms, seen: Mutex::default() }
    }

    /// Whether this evaluation is recorded, and then how many before it were not. `quiet` is the result of one that
    /// found everything healthy while no incident is open.
    pub(crate) fn admit(&self, instance: &Arc<str>, at: Instant, quiet: Option<EvaluationResult>) -> Option<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = seen.get_mut(instance) else {
            seen.insert(instance.clone(), Seen { result: quiet, recorded: at, unrecorded: 0 });
            return Some(0);
        };
        // A clock that was set back must not silence an instance.
        let soon = at.checked_sub(last.recorded).is_some_and(|since| since < self.every_ms);
        if soon && quiet.is_some() && last.result == quiet {
            last.unrecorded += 1;
            return None;
        }
        last.result = quiet;
        last.recorded = at;
        Some(std::mem::take(&mut last.unrecorded))
    }

    /// Evaluations of all instances that were not recorded since the last one of theirs that was.
    pub(crate) fn unrecorded(&self) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().map(|seen| seen.unrecorded).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy(count: u32) -> Option<EvaluationResult> {
        Some(EvaluationResult::Observed { healthy: count, unhealthy: 0, unknown: 0 })
    }

    #[test]
    fn news_is_always_recorded_and_the_rest_from_time_to_time() {
        let quiet = Quiet::new(3);
        let a: Arc<str> = "a".into();
        assert_eq!(quiet.admit(&a, 1_000, healthy(2)), Some(0), "the first");
        assert_eq!(quiet.admit(&a, 2_000, healthy(2)), None);
        assert_eq!(quiet.admit(&a, 3_000, healthy(2)), None);
        assert_eq!(quiet.admit(&"b".into(), 3_000, healthy(2)), Some(0), "another instance");
        assert_eq!(quiet.unrecorded(), 2);
        assert_eq!(quiet.admit(&a, 4_000, healthy(3)), Some(2), "another answer");
        assert_eq!(quiet.admit(&a, 5_000, healthy(3)), None);
        assert_eq!(quiet.admit(&a, 6_000, None), Some(1), "something is wrong");
        assert_eq!(quiet.admit(&a, 7_000, None), Some(0), "and still is");
        assert_eq!(quiet.admit(&a, 8_000, healthy(3)), Some(0), "well again");
        assert_eq!(quiet.admit(&a, 67_000, healthy(3)), None);
        assert_eq!(quiet.admit(&a, 68_000, healthy(3)), Some(1), "a minute later");
        assert_eq!(quiet.admit(&a, 10, healthy(3)), Some(0), "the clock was set back");
    }

    #[test]
    fn thousands_of_instances_share_what_is_recorded() {
        let quiet = Quiet::new(10_000);
        let a: Arc<str> = "a".into();
        assert_eq!(quiet.admit(&a, 0, healthy(1)), Some(0));
        assert_eq!(quiet.admit(&a, 999_000, healthy(1)), None);
        assert_eq!(quiet.admit(&a, 1_000_000, healthy(1)), Some(1), "one of ten each second");
    }
}
