//! When a step goes back by itself.

use std::time::Duration;

use ansai_core::host_clock::ClockReading;
use ansai_core::{Lasting, Millis};
use serde::{Deserialize, Serialize};

/// The guard of a step waits as much longer, so that a living ansai is first and records it.
const GRACE: Duration = Duration::from_secs(10);

/// A step with a guard. Only the clock since boot decides when its time is over: the time of day is for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guarded {
    /// Both clocks when the guard was armed.
    pub(crate) armed: ClockReading,
    /// How long the step stays after that.
    pub(crate) limit: Millis,
    /// It stays if verification finds the thing healthy before. Otherwise it goes back in any case.
    pub(crate) confirmable: bool,
}

impl Guarded {
    /// For a step that lasts so long; `None` if it is for good.
    pub(crate) fn new(lasting: Lasting, armed: ClockReading) -> Option<Guarded> {
        match lasting {
            Lasting::ForGood => None,
            Lasting::UntilVerified(limit) => Some(Guarded { armed, limit, confirmable: true }),
            Lasting::ForATime(limit) => Some(Guarded { armed, limit, confirmable: false }),
        }
    }

    /// After how long the guard fires.
    pub(crate) fn fires_after(&self) -> Millis {
        let limit = Duration::from(self.limit);
        Millis::from(limit.saturating_add((limit / 4).min(GRACE)))
    }

    /// What is left of its time; nothing after a restart of the machine, because the guard is gone then.
    pub(crate) fn left(&self, now: &ClockReading) -> Duration {
        now.since(&self.armed)
            .map_or(Duration::ZERO, |passed| Duration::from(self.limit).saturating_sub(Duration::from(passed)))
    }

    /// Whether its guard has had its time, so that nobody else ends the step any more.
    pub(crate) fn must_have_fired(&self, now: &ClockReading) -> bool {
        now.since(&self.armed).is_none_or(|passed| passed > self.fires_after())
    }

    /// Whether the machine was restarted since.
    pub(crate) fn is_of_another_boot(&self, now: &ClockReading) -> bool {
        self.armed.boot != now.boot
    }
}

#[cfg(test)]
mod tests {
    use ansai_core::Timestamp;

    use super::*;

    fn reading(wall: u64, since_boot: u64, boot: &str) -> ClockReading {
        let (wall, since_boot) = (Timestamp::from_millis(wall), Millis::new(since_boot));
        ClockReading { wall, since_boot, boot: boot.into(), is_synchronized: false }
    }

    /// Would break: an end that is a time of day.
    #[test]
    fn a_clock_that_jumps_across_the_end_neither_ends_it_nor_delays_it() {
        let guarded = Guarded::new(Lasting::ForATime(Millis::new(60_000)), reading(1_000_000, 5_000, "a")).unwrap();
        let left = |wall, since_boot, boot| guarded.left(&reading(wall, since_boot, boot)).as_secs();
        assert_eq!(left(1_010_000, 15_000, "a"), 50);
        assert_eq!(left(999_999_999, 15_000, "a"), 50, "ahead, across the end");
        assert_eq!(left(0, 64_000, "a"), 1, "back");
        assert_eq!(left(0, 65_000, "a"), 0, "and it ends although the time of day is before its beginning");
        assert_eq!(left(1_010_000, 15_000, "b"), 0, "after a restart of the machine there is no guard");
    }

    #[test]
    fn the_guard_leaves_ansai_a_moment() {
        let of = |limit| {
            let guarded = Guarded::new(Lasting::UntilVerified(Millis::new(limit)), reading(0, 0, "a")).unwrap();
            guarded.fires_after().get()
        };
        assert_eq!([of(0), of(4_000), of(3_600_000)], [0, 5_000, 3_610_000]);
        assert_eq!(Guarded::new(Lasting::ForGood, reading(0, 0, "a")), None);
    }
}
