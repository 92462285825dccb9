//! How often events evaluate one instance.

use std::time::Duration;

use tokio::time::Instant;

/// A burst is gathered for so long: an editor that saves a file causes several events. A unit that failed is to be seen
/// within 100 ms.
const GATHER: Duration = Duration::from_millis(50);
/// The least time between the end of one evaluation because of events and the next one.
const SHORTEST: Duration = Duration::from_secs(1);
/// The most, while events come without a pause. It is also the longest that an event waits.
const LONGEST: Duration = Duration::from_secs(60);

/// The pace of one instance. The gap between evaluations doubles while events come without a pause, and is short again
/// after a pause.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    longest: Duration,
    gap: Duration,
    not_before: Option<Instant>,
}

impl Pace {
    /// Of an instance that is evaluated at this interval anyway.
    pub(crate) fn new(every: Duration) -> Pace {
        Pace { longest: LONGEST.min(every), gap: SHORTEST, not_before: None }
    }

    /// When to evaluate what waits since then.
    pub(crate) fn due(&self, since: Instant) -> Instant {
        let gathered = since + GATHER;
        self.not_before.map_or(gathered, |not_before| gathered.max(not_before))
    }

    /// An evaluation of what waited since then has ended.
    pub(crate) fn ended(&mut self, since: Instant, now: Instant) {
        let came_without_pause = self.not_before.is_some_and(|not_before| since < not_before);
        let gap = if came_without_pause { self.gap.saturating_mul(2) } else { SHORTEST };
        self.gap = gap.min(self.longest);
        self.not_before = Some(now + self.gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// The seconds between two evaluations while 10,000 events come each second: there is always one that waits.
    fn gaps(every: Duration) -> Vec<u64> {
        let (mut pace, mut now) = (Pace::new(every), Instant::now());
        let mut gaps = Vec::new();
        for _ in 0..9 {
            let due = pace.due(now);
            gaps.push(due.duration_since(now).as_secs());
            pace.ended(now, due);
            now = due;
        }
        gaps
    }

    /// Would break: an evaluation for each event, or events that wait without end.
    #[test]
    fn a_storm_is_evaluated_more_and_more_rarely_up_to_a_bound() {
        assert_eq!(gaps(HOUR), [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(gaps(Duration::from_secs(5)), [0, 1, 2, 4, 5, 5, 5, 5, 5], "not more rarely than by time");
    }

    /// Would break: a unit that failed is seen later than 100 ms after it.
    #[test]
    fn a_single_event_is_looked_at_soon() {
        let now = Instant::now();
        assert!(Pace::new(HOUR).due(now).duration_since(now) <= Duration::from_millis(50));
    }

    #[test]
    fn after_a_pause_events_are_quick_again() {
        let start = Instant::now();
        let mut pace = Pace::new(HOUR);
        for second in [0, 1, 3, 7] {
            let since = start + Duration::from_secs(second);
            pace.ended(since, pace.due(since));
        }
        let later = start + HOUR;
        assert_eq!(pace.due(later), later + GATHER);
        pace.ended(later, later + GATHER);
        assert_eq!(pace.due(later + GATHER), later + GATHER + SHORTEST);
    }
}
