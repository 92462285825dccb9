//! What is usual for each of many things, learned from their counters.

use crate::lines::Line;

/// Runs that a sample needs, so that a single slow one says nothing.
const LEAST_RUNS: u64 = 10;
/// Samples from which the baseline is made.
const LEARNED: u64 = 12;
/// Unusual samples one after another that make a finding.
const UNUSUAL_SAMPLES: u64 = 3;
/// How much a sample changes the baseline, as one of so many: a usual one, and an unusual one, so that a week of samples every 5
/// minutes makes it usual.
const USUAL: f64 = 50.0;
const UNUSUAL: f64 = 2_016.0;
/// The baseline of a thing that takes nothing that is remembered, so that how many times it takes now is a number.
const LEAST: f64 = 0.001;

/// The usual mean of a thing that two counters measure: how often it ran, and how much all runs took together. Examples are
/// statements of a database with their time, and requests to a server with their bytes. [`Weekly`](crate::weekly::Weekly) finds
/// what slowly gets worse; this finds what suddenly is unlike itself.
///
/// The first 12 samples are learned. Afterwards the baseline follows usual samples soon, and unusual ones in a week. A sample with
/// fewer than 10 runs is none, and so is one after the counters began again.
///
/// ```
/// use ansai_sdk::Usual;
///
/// let (mut usual, mut runs, mut time) = (Usual::default(), 1, 1);
/// for mean in [[50; 12].as_slice(), &[200; 3]].concat() {
///     (runs, time) = (runs + 100, time + 100 * mean);
///     usual = usual.after(runs, time, |mean, usual| mean > 3.0 * usual);
/// }
/// // With the first of these counts, the second one is the first sample.
/// assert!(usual.is_learned() && !usual.is_unusual(false) && usual.is_unusual(true));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usual {
    runs: u64,
    total: u64,
    samples: u64,
    unusual: u64,
    /// The usual mean.
    pub baseline: f64,
    /// The mean of the last sample.
    pub mean: f64,
}

impl Usual {
    /// The runs since the last look, and what they took together; `None` if they are no sample: too few, or the counters began
    /// again.
    pub fn sample(&self, runs: u64, total: u64) -> Option<(u64, u64)> {
        let (more, took) = (runs.checked_sub(self.runs)?, total.checked_sub(self.total)?);
        (more >= LEAST_RUNS && self.runs > 0).then_some((more, took))
    }

    /// After the counters were read once more. `is_unusual` gets the mean of the sample, and the baseline.
    pub fn after(self, runs: u64, total: u64, is_unusual: impl Fn(f64, f64) -> bool) -> Usual {
        let next = Usual { runs, total, ..self };
        let Some((more, took)) = self.sample(runs, total) else { return next };
        let mean = took as f64 / more as f64;
        if self.samples < LEARNED {
            let samples = self.samples.saturating_add(1);
            let baseline = self.baseline + (mean - self.baseline) / samples as f64;
            return Usual { samples, baseline, mean, ..next };
        }
        let is_unusual = is_unusual(mean, self.baseline);
        let more = self.unusual.saturating_add(1).min(UNUSUAL_SAMPLES);
        let unusual = if is_unusual { more } else { self.unusual.saturating_sub(1) };
        let weight = if is_unusual { UNUSUAL } else { USUAL };
        Usual { unusual, mean, baseline: self.baseline + (mean - self.baseline) / weight, ..next }
    }

    /// Whether enough is known to judge it.
    pub fn is_learned(&self) -> bool {
        self.samples >= LEARNED
    }

    /// Whether the last three samples were unusual. If its incident is open, it is over after as many usual ones.
    pub fn is_unusual(&self, is_open: bool) -> bool {
        self.unusual >= if is_open { 1 } else { UNUSUAL_SAMPLES }
    }

    /// How many times the usual the last sample was.
    pub fn times(&self) -> f64 {
        self.mean / self.baseline.max(LEAST)
    }
}

/// Six numbers, two of them with three decimals.
impl Line for Usual {
    const WORDS: usize = 6;

    fn text(&self) -> String {
        let Usual { runs, total, samples, unusual, baseline, mean } = self;
        format!("{runs} {total} {samples} {unusual} {baseline:.3} {mean:.3}")
    }

    fn parse(text: &str) -> Option<Usual> {
        let mut words = text.split(' ');
        let mut count = || words.next()?.parse().ok();
        let (runs, total, samples, unusual) = (count()?, count()?, count()?, count()?);
        let mut mean = || words.next()?.parse().ok().filter(|mean: &f64| mean.is_finite() && *mean >= 0.0);
        Some(Usual { runs, total, samples, unusual, baseline: mean()?, mean: mean()? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// More than three times the usual, and not fast.
    fn is_slow(mean: f64, usual: f64) -> bool {
        mean >= 100.0 && mean >= usual * 3.0
    }

    /// The state after samples of runs and their mean.
    fn sampled(samples: &[(u64, u64)]) -> Usual {
        let (mut known, mut runs, mut total) = (Usual::default().after(1, 1, is_slow), 1, 1);
        for (more, mean) in samples {
            (runs, total) = (runs + more, total + more * mean);
            known = known.after(runs, total, is_slow);
            // As it is stored, with three decimals.
            let again = Usual::parse(&known.text()).unwrap();
            assert_eq!((again.runs, again.unusual), (known.runs, known.unusual));
            known = again;
        }
        known
    }

    #[test]
    fn three_slow_samples_after_an_hour_of_usual_ones_are_slow() {
        let usual = vec![(100, 50); 12];
        assert_eq!((sampled(&usual).baseline, sampled(&usual).unusual), (50.0, 0));
        let slow = |more: &[(u64, u64)]| sampled(&[usual.as_slice(), more].concat()).unusual;
        assert_eq!(slow(&[(100, 160); 3]), UNUSUAL_SAMPLES);
        assert_eq!(slow(&[(100, 149); 3]), 0, "less than three times");
        assert_eq!(slow(&[(100, 160), (100, 50), (100, 160), (100, 160)]), 2, "not one after another");
        assert_eq!(slow(&[(9, 5_000); 9]), 0, "a report runs seldom");
        assert_eq!(slow(&[(100, 160), (100, 160), (100, 160), (100, 50), (100, 50), (100, 50)]), 0, "over");
    }

    #[test]
    fn what_is_fast_and_three_times_as_slow_is_still_fast() {
        assert_eq!(sampled(&[vec![(100, 2); 12], vec![(100, 60); 5]].concat()).unusual, 0);
    }

    #[test]
    fn a_week_makes_slow_usual() {
        let known = sampled(&[vec![(100, 50); 12], vec![(100, 200); 2_016 * 2]].concat());
        assert!(known.unusual == 0 && known.baseline > 100.0, "{known:?}");
    }

    /// Would break: an infinite distance in the finding.
    #[test]
    fn what_took_no_time_is_finitely_slower() {
        let known = sampled(&[vec![(100, 0); 12], vec![(100, 200); 3]].concat());
        assert!(known.is_unusual(false) && known.times().is_finite() && known.times() > 100.0, "{known:?}");
        assert!(Usual::default().times().is_finite());
    }

    #[test]
    fn what_is_no_number_is_not_remembered() {
        for text in ["", "1 1 1 1 nan 1", "1 1 1 1 1 inf", "1 1 1 1 1 -1", "1 1 1 -1 1 1", "1 1 1 1 1"] {
            assert_eq!(Usual::parse(text), None, "{text}");
        }
    }

    #[test]
    fn counting_that_began_again_is_no_sample() {
        let again = sampled(&[(100, 50); 12]).after(20, 100_000, is_slow);
        assert_eq!((again.unusual, again.baseline, again.runs), (0, 50.0, 20));
    }
}
