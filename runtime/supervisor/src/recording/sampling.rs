//! Selects the evaluations without news that are recorded: all of them with a few instances, a sample with thousands.
//! An evaluation that is unhealthy, unknown or failed, proposes steps, or differs from the last one is always recorded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ansai_core::event::EvaluationResult;
use ansai_core::{InstanceName, Millis, Timestamp};

/// Minimum time between two recorded evaluations without news of an instance, in milliseconds.
const AT_LEAST_MS: u64 = 60_000;
/// Minimum time between two recorded evaluations without news of all instances, in milliseconds.
const APART_MS: u64 = 500;
/// With more instances than this, some evaluations are not recorded each minute, and samples are stored together.
const FEW: u64 = AT_LEAST_MS / APART_MS;

/// An evaluation that is recorded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// How many evaluations before it were not.
    pub(crate) unrecorded: u64,
    /// Whether it is one of thousands that found nothing: its recording is stored together with others.
    pub(crate) is_sample: bool,
}

/// The last recorded evaluation of each instance.
pub(crate) struct Sampling {
    is_sampled: bool,
    /// Milliseconds after which an instance is recorded in any case.
    at_last_ms: u64,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    seen: HashMap<InstanceName, Seen>,
    /// Time of the last recorded one without news, of any instance.
    latest: Timestamp,
}

struct Seen {
    /// The result, if it had no news: the same answer again, and no open incident.
    result: Option<EvaluationResult>,
    recorded: Timestamp,
    unrecorded: u64,
}

impl Sampling {
    pub(crate) fn new(instances: usize) -> Sampling {
        let instances = instances as u64;
        Sampling {
            is_sampled: instances > FEW,
            at_last_ms: AT_LEAST_MS.max(instances.saturating_mul(APART_MS * 2)),
            last: Mutex::default(),
        }
    }

    /// Decides whether this evaluation is recorded. `quiet` is the result if it found everything healthy while no incident
    /// was open.
    pub(crate) fn admit(
        &self,
        instance: &InstanceName,
        at: Timestamp,
        quiet: Option<EvaluationResult>,
    ) -> Option<Admitted> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Last { seen, latest } = &mut *last;
        let Some(known) = seen.get_mut(instance) else {
            let is_sample = self.is_sampled && quiet.is_some();
            seen.insert(instance.clone(), Seen { result: quiet, recorded: at, unrecorded: 0 });
            return Some(Admitted { unrecorded: 0, is_sample });
        };
        // Not one with another answer: an instance decides how often it has one.
        let is_sample = self.is_sampled && quiet.is_some() && known.result == quiet;
        if quiet.is_some() && known.result == quiet {
            // If the clock was set back, record rather than skip.
            let since = |earlier: Timestamp| at.checked_since(earlier).map_or(u64::MAX, Millis::get);
            let is_due = since(known.recorded) >= AT_LEAST_MS && since(*latest) >= APART_MS;
            if !is_due && since(known.recorded) < self.at_last_ms {
                known.unrecorded += 1;
                return None;
            }
            *latest = at;
        }
        known.result = quiet;
        known.recorded = at;
        Some(Admitted { unrecorded: std::mem::take(&mut known.unrecorded), is_sample })
    }

    /// Number of evaluations of all instances without a record since the last record of each.
    pub(crate) fn unrecorded(&self) -> u64 {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.seen.values().map(|seen| seen.unrecorded).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    fn healthy(count: u32) -> Option<EvaluationResult> {
        Some(EvaluationResult::Observed { healthy: count, unhealthy: 0, unknown: 0, gone: 0 })
    }

    /// How many were not recorded before one that is.
    struct Quiet<'a>(&'a Sampling);

    impl Quiet<'_> {
        fn admit(&self, instance: &InstanceName, at: Timestamp, quiet: Option<EvaluationResult>) -> Option<u64> {
            let Admitted { unrecorded, is_sample } = self.0.admit(instance, at, quiet)?;
            assert!(!is_sample, "with a few instances, each recording is a file");
            Some(unrecorded)
        }
    }

    /// Would break: an instance with another answer each time that displaces the samples of all others.
    #[test]
    fn with_many_instances_only_what_is_the_same_again_is_a_sample() {
        let sampling = Sampling::new(121);
        let a = InstanceName::from_static("a");
        let is_sample = |time, quiet| sampling.admit(&a, at(time), quiet).map(|admitted| admitted.is_sample);
        assert_eq!(is_sample(1_000, healthy(1)), Some(true), "the first");
        assert_eq!(is_sample(2_000, healthy(2)), Some(false), "another answer");
        assert_eq!(is_sample(3_000, healthy(1)), Some(false));
        assert_eq!(is_sample(4_000, healthy(1)), None);
        assert_eq!(is_sample(64_000, healthy(1)), Some(true), "a minute later");
        assert_eq!(is_sample(65_000, None), Some(false), "something is wrong");
        assert_eq!(is_sample(66_000, healthy(1)), Some(false), "healthy again");
        let b = InstanceName::from_static("b");
        assert_eq!(sampling.admit(&b, at(1), None), Some(Admitted { unrecorded: 0, is_sample: false }));
    }

    #[test]
    fn news_is_always_recorded_and_the_rest_from_time_to_time() {
        let sampling = Sampling::new(3);
        let quiet = Quiet(&sampling);
        let a = InstanceName::from_static("a");
        assert_eq!(quiet.admit(&a, at(1_000), healthy(2)), Some(0), "the first");
        assert_eq!(quiet.admit(&a, at(2_000), healthy(2)), None);
        assert_eq!(quiet.admit(&a, at(3_000), healthy(2)), None);
        assert_eq!(quiet.admit(&InstanceName::from_static("b"), at(3_000), healthy(2)), Some(0), "another instance");
        assert_eq!(sampling.unrecorded(), 2);
        assert_eq!(quiet.admit(&a, at(4_000), healthy(3)), Some(2), "another answer");
        assert_eq!(quiet.admit(&a, at(5_000), healthy(3)), None);
        assert_eq!(quiet.admit(&a, at(6_000), None), Some(1), "something is wrong");
        assert_eq!(quiet.admit(&a, at(7_000), None), Some(0), "and still is");
        assert_eq!(quiet.admit(&a, at(8_000), healthy(3)), Some(0), "healthy again");
        assert_eq!(quiet.admit(&a, at(67_000), healthy(3)), None);
        assert_eq!(quiet.admit(&a, at(68_000), healthy(3)), Some(1), "a minute later");
        assert_eq!(quiet.admit(&a, at(10), healthy(3)), Some(0), "the clock was set back");
    }

    #[test]
    fn thousands_of_instances_share_what_is_recorded() {
        let quiet = Sampling::new(10_000);
        let names: Vec<InstanceName> = (0..10_000).map(|number| format!("p{number}").parse().unwrap()).collect();
        let mut recorded = HashMap::<&InstanceName, u32>::new();
        // Each instance every 10 seconds, 1,000 evaluations per second, for four hours.
        for pass in 0..4 * 360 {
            for (number, name) in (0u64..).zip(&names) {
                let at = pass * 10_000 + number;
                *recorded.entry(name).or_default() +=
                    u32::from(quiet.admit(name, Timestamp::from_millis(at), healthy(1)).is_some());
            }
        }
        let all: u32 = recorded.values().sum();
        assert!((10_000 + 25_000..10_000 + 29_000).contains(&all), "the first of each, then two a second: {all}");
        assert!(recorded.values().all(|count| *count > 1), "each has its turn");
    }
}
