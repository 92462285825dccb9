//! Ids of plans, steps and recordings.

use std::sync::atomic::{AtomicU32, Ordering};

use ansai_audit::Head;
use ansai_core::{InstanceName, Timestamp};

/// Generates ids that are unique on this host, sort by time and are safe as file names.
pub(crate) struct Ids(AtomicU32);

impl Ids {
    /// Of the run that began with this record, which tells it from all others: the time alone does not, if the clock was
    /// set back or the run before ended within the same millisecond.
    pub(crate) fn of_run(head: &Head) -> Ids {
        // Runs that follow each other are far apart, so that no number of one comes again in the next.
        let first = head.sequence.wrapping_mul(1_009) % (1 << 16);
        Ids(AtomicU32::new(u32::try_from(first).unwrap_or(0)))
    }

    /// Returns an id such as `20261121t025616-123-0001`.
    pub(crate) fn fresh(&self, now: Timestamp) -> String {
        let at = jiff::Timestamp::from_millisecond(i64::try_from(now.as_millis()).unwrap_or(0)).unwrap_or_default();
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        format!("{}-{:03}-{:04}", at.strftime("%Y%m%dt%H%M%S"), now.as_millis() % 1_000, number)
    }
}

/// A step of a plan, and the instance whose grants it uses. As text it is unique on this host and safe as a file name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepId<'a> {
    pub(crate) plan: &'a str,
    /// Number of the step, from 0.
    pub(crate) step: u32,
    pub(crate) instance: &'a InstanceName,
}

impl std::fmt::Display for StepId<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.plan, self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sort_by_time() {
        let ids = Ids::of_run(&Head::genesis());
        let names = [1_000, 1_000, 2_001].map(|at| ids.fresh(Timestamp::from_millis(at)));
        assert_eq!(names, ["19700101t000001-000-0000", "19700101t000001-000-0001", "19700101t000002-001-0002"]);
    }

    /// A run that ended within this millisecond had an id for each number from 0 on.
    #[test]
    fn the_next_run_has_other_names_also_within_the_same_millisecond() {
        let now = Timestamp::from_millis(1_000);
        let [one, other] = [1, 2].map(|sequence| Ids::of_run(&Head { sequence, ..Head::genesis() }).fresh(now));
        assert_ne!(one, other);
    }
}
