//! What is remembered of a statement: its counters, its usual time, and how often it was slow.

use crate::imports::ansai::database::database_text_probe::Statement;
use crate::settings::Settings;

/// Runs that a sample needs, so that a single slow one says nothing.
const LEAST_RUNS: u64 = 10;
/// Samples from which the baseline is made.
pub(super) const LEARNED: u64 = 12;
/// Slow samples one after another that make a finding.
pub(super) const SLOW: u64 = 3;
/// How much a sample changes the baseline, as one of so many: a usual one, and a slow one, so that a week makes it usual.
const USUAL: f64 = 50.0;
const UNUSUAL: f64 = 2_016.0;
/// The usual time of a statement that takes none that is remembered, so that how many times slower it got is a number.
const LEAST_TIME: f64 = 0.001;

/// What is remembered of a statement. Times are in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Known {
    calls: u64,
    total: u64,
    pub(super) samples: u64,
    pub(super) slow: u64,
    pub(super) baseline: f64,
    pub(super) mean: f64,
}

impl Known {
    pub(super) fn read(line: &str) -> Option<(String, Known)> {
        let mut words = line.rsplitn(7, ' ');
        let mut time = || words.next()?.parse().ok().filter(|time: &f64| time.is_finite() && *time >= 0.0);
        let (mean, baseline) = (time()?, time()?);
        let mut count = || words.next()?.parse().ok();
        let (slow, samples, total, calls) = (count()?, count()?, count()?, count()?);
        Some((words.next()?.to_owned(), Known { calls, total, samples, slow, baseline, mean }))
    }

    pub(super) fn line(&self, id: &str) -> String {
        let Known { calls, total, samples, slow, baseline, mean } = self;
        format!("{id} {calls} {total} {samples} {slow} {baseline:.3} {mean:.3}")
    }

    /// The runs since the last look, and how long they took together; `None` if they are no sample: too few, or the server began
    /// to count again.
    pub(super) fn sample(&self, now: &Statement) -> Option<(u64, u64)> {
        let (runs, time) = (now.calls.checked_sub(self.calls)?, now.total.checked_sub(self.total)?);
        (runs >= LEAST_RUNS && self.calls > 0).then_some((runs, time))
    }

    /// After one more sample.
    pub(super) fn after(self, now: &Statement, settings: &Settings) -> Known {
        let next = Known { calls: now.calls, total: now.total, ..self };
        let Some((runs, time)) = self.sample(now) else { return next };
        let mean = time as f64 / runs as f64;
        if self.samples < LEARNED {
            let samples = self.samples.saturating_add(1);
            let baseline = self.baseline + (mean - self.baseline) / samples as f64;
            return Known { samples, baseline, mean, ..next };
        }
        let is_slow = mean >= settings.slow_least.0 as f64 && mean >= self.baseline * settings.slow_times;
        let slow = if is_slow { self.slow.saturating_add(1).min(SLOW) } else { self.slow.saturating_sub(1) };
        let weight = if is_slow { UNUSUAL } else { USUAL };
        Known { slow, mean, baseline: self.baseline + (mean - self.baseline) / weight, ..next }
    }

    pub(super) fn times(&self) -> f64 {
        self.mean / self.baseline.max(LEAST_TIME)
    }
}

#[cfg(test)]
mod tests {
    use ansai_sdk::Subject;

    use super::*;
    use crate::testing::settings;

    /// A statement after so many runs of so many milliseconds each.
    fn statement(calls: u64, total: u64) -> Statement {
        Statement {
            about: Subject::new("database-statement", "db/1.2"),
            id: "1.2".into(),
            text: "select ?".into(),
            database: "app".into(),
            calls,
            rows: 0,
            total,
            longest: None,
        }
    }

    /// The state after samples of runs and their mean time.
    fn sampled(samples: &[(u64, u64)]) -> Known {
        let settings = settings(|_| {});
        let (mut known, mut calls, mut total) = (Known::default().after(&statement(1, 1), &settings), 1, 1);
        for (runs, mean) in samples {
            (calls, total) = (calls + runs, total + runs * mean);
            known = known.after(&statement(calls, total), &settings);
            let (id, again) = Known::read(&known.line("1.2 x")).unwrap();
            assert_eq!((id.as_str(), again.calls, again.slow), ("1.2 x", known.calls, known.slow));
            // As it is stored, with three decimals.
            known = again;
        }
        known
    }

    #[test]
    fn three_slow_samples_after_an_hour_of_usual_ones_are_slow() {
        let usual = vec![(100, 50); 12];
        assert_eq!((sampled(&usual).baseline, sampled(&usual).slow), (50.0, 0));
        let slow = |more: &[(u64, u64)]| sampled(&[usual.as_slice(), more].concat()).slow;
        assert_eq!(slow(&[(100, 160); 3]), SLOW);
        assert_eq!(slow(&[(100, 149); 3]), 0, "less than three times");
        assert_eq!(slow(&[(100, 160), (100, 50), (100, 160), (100, 160)]), 2, "not one after another");
        assert_eq!(slow(&[(9, 5_000); 9]), 0, "a report runs seldom");
        assert_eq!(slow(&[(100, 160), (100, 160), (100, 160), (100, 50), (100, 50), (100, 50)]), 0, "over");
    }

    #[test]
    fn a_fast_statement_that_is_three_times_as_slow_is_still_fast() {
        assert_eq!(sampled(&[vec![(100, 2); 12], vec![(100, 60); 5]].concat()).slow, 0);
    }

    #[test]
    fn a_week_makes_slow_usual() {
        let known = sampled(&[vec![(100, 50); 12], vec![(100, 200); 2_016 * 2]].concat());
        assert!(known.slow == 0 && known.baseline > 100.0, "{known:?}");
    }

    /// Would break: an infinite distance in the finding.
    #[test]
    fn a_statement_that_took_no_time_is_finitely_slower() {
        let known = sampled(&[vec![(100, 0); 12], vec![(100, 200); 3]].concat());
        assert!(known.slow == SLOW && known.times().is_finite() && known.times() > 100.0, "{known:?}");
        assert!(Known::default().times().is_finite());
    }

    #[test]
    fn what_is_no_number_is_not_remembered() {
        for line in ["", "a", "a 1 1 1 1 nan 1", "a 1 1 1 1 1 inf", "a 1 1 1 1 1 -1", "a 1 1 1 -1 1 1", "1 1 1 1 1 1"] {
            assert_eq!(Known::read(line), None, "{line}");
        }
    }

    #[test]
    fn counting_that_began_again_is_no_sample() {
        let (settings, known) = (settings(|_| {}), sampled(&[(100, 50); 12]));
        let again = known.after(&statement(20, 100_000), &settings);
        assert_eq!((again.slow, again.baseline, again.calls), (0, 50.0, 20));
    }
}
