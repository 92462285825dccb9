//! The mean of a measurement by week, to find what slowly gets worse: each day looks like the one before.

use crate::Span;
use crate::lines::Line;

const WEEK: Span = Span::from_hours(7 * 24);
/// Complete weeks that are kept, with those that were left out. A longer history would compare with a time that nobody
/// remembers.
const KEPT: usize = 9;
/// How much a week must be above the one before, and for how many weeks in a row. A step, such as a new nightly job, raises two
/// weeks at most: the one in which it begins, and the first whole one.
const RISE: f64 = 1.05;
const RISES: usize = 3;
/// A week with fewer samples says nothing, and is left out.
const LEAST_SAMPLES: u32 = 84;
/// Such a week in the store.
const LEFT_OUT: &str = "-";

/// The means of the last weeks, and the week that is going on.
///
/// A sample is the mean of many runs, so a week is weighted by runs. A week begins with its first sample; what has fewer than 84
/// samples is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weekly {
    began: u64,
    samples: u32,
    runs: u64,
    total: u64,
    /// Oldest first; `None` is a week that was left out.
    means: Vec<Option<f64>>,
}

/// What slowly got worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// The lowest mean of a week before.
    pub from: f64,
    /// The mean of the last complete week.
    pub to: f64,
    /// Weeks between both.
    pub weeks: u64,
    /// Whether each of the last three weeks was higher than the one before.
    pub is_steady: bool,
}

impl Rise {
    /// How many percent higher.
    pub fn percent(&self) -> f64 {
        (self.to / self.from - 1.0) * 100.0
    }
}

impl Weekly {
    /// Adds a sample: so many runs that took `total` together. A clock that was set back begins the week again.
    pub fn add(&mut self, now: u64, runs: u64, total: u64) {
        if now < self.began {
            *self = Weekly { began: now, means: std::mem::take(&mut self.means), ..Weekly::default() };
        }
        if now - self.began >= WEEK.0 {
            let says_something = self.samples >= LEAST_SAMPLES && self.runs > 0;
            self.means.push(says_something.then(|| self.total as f64 / self.runs as f64));
            let without_samples = ((now - self.began) / WEEK.0 - 1).min(KEPT as u64);
            self.means.extend((0..without_samples).map(|_| None));
            let too_many = self.means.len().saturating_sub(KEPT);
            self.means.drain(..too_many);
            let left_out = self.means.iter().take_while(|mean| mean.is_none()).count();
            self.means.drain(..left_out);
            *self = Weekly { began: now, means: std::mem::take(&mut self.means), ..Weekly::default() };
        }
        self.samples = self.samples.saturating_add(1);
        self.runs = self.runs.saturating_add(runs);
        self.total = self.total.saturating_add(total);
    }

    /// When the week that is going on began, in milliseconds since 1970.
    pub fn began(&self) -> u64 {
        self.began
    }

    /// How the last complete week compares with the lowest one before; `None` without two.
    pub fn rise(&self) -> Option<Rise> {
        let weeks = self.means.iter().enumerate();
        let known: Vec<(usize, f64)> = weeks.filter_map(|(week, mean)| Some((week, (*mean)?))).collect();
        let (&(last, to), before) = known.split_last()?;
        let &(lowest, from) = before.iter().min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        let steps = known.windows(2).rev().take(RISES);
        let rises = steps.filter(|pair| matches!(pair, [(_, one), (_, next)] if *next >= one * RISE)).count();
        let weeks = last.saturating_sub(lowest) as u64;
        (from > 0.0).then_some(Rise { from, to, weeks, is_steady: rises == RISES })
    }
}

/// One word.
impl Line for Weekly {
    const WORDS: usize = 1;

    fn text(&self) -> String {
        let Weekly { began, samples, runs, total, means } = self;
        let word = |mean: &Option<f64>| mean.map_or_else(|| LEFT_OUT.to_owned(), |mean| format!("{mean:.3}"));
        let means: Vec<String> = means.iter().map(word).collect();
        format!("{began},{samples},{runs},{total},{}", means.join(","))
    }

    fn parse(text: &str) -> Option<Weekly> {
        let mut parts = text.split(',');
        let mut count = || parts.next()?.parse::<u64>().ok();
        let (began, samples, runs, total) = (count()?, u32::try_from(count()?).ok()?, count()?, count()?);
        let number = |part: &str| part.parse().ok().filter(|mean: &f64| mean.is_finite() && *mean >= 0.0);
        let means: Option<Vec<Option<f64>>> = parts
            .filter(|part| !part.is_empty())
            .map(|part| if part == LEFT_OUT { Some(None) } else { number(part).map(Some) })
            .collect();
        Some(Weekly { began, samples, runs, total, means: means.filter(|means| means.len() <= KEPT)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    /// After weeks with a sample each hour, or every so many hours, with these means.
    fn after(means: &[u64], every: u64) -> Weekly {
        let mut weekly = Weekly::default();
        weekly.add(HOUR * 24 * 7, 1, 1);
        for (week, mean) in (1..).zip(means.iter().chain([&0])) {
            for hour in (0..24 * 7).step_by(usize::try_from(every).unwrap()) {
                weekly.add((week * 24 * 7 + hour) * HOUR, 100, 100 * mean);
            }
            weekly = Weekly::parse(&weekly.text()).unwrap();
        }
        weekly
    }

    fn steady(means: &[u64]) -> Option<u64> {
        let rise = after(means, 1).rise().filter(|rise| rise.is_steady)?;
        Some(rise.percent().round() as u64)
    }

    #[test]
    fn three_rises_in_a_row_are_steady() {
        assert_eq!(steady(&[100, 110, 130, 150]), Some(50));
        assert_eq!(steady(&[100, 90, 100, 110, 180]), Some(100), "compared with the lowest week");
        assert_eq!(after(&[100, 110, 130, 150], 1).rise().map(|rise| rise.weeks), Some(3));
    }

    /// Would break: a step that is told as if it would go on, or noise.
    #[test]
    fn what_is_a_step_or_noise_is_not_steady() {
        assert_eq!(steady(&[100, 100, 200, 300, 300]), None, "a nightly job that began in the middle of a week");
        assert_eq!(steady(&[100, 100, 900, 100]), None, "one bad week");
        assert_eq!(steady(&[100, 120, 90, 130, 100, 140]), None, "noise");
        assert_eq!(steady(&[100, 102, 104, 106, 108]), None, "less than 5 % in a week");
        assert_eq!(steady(&[100, 200, 400]), None, "too short");
        assert_eq!(after(&[100, 200, 400, 800], 3).rise(), None, "too few samples");
        assert_eq!(after(&[0, 0, 0, 50], 1).rise(), None, "no ratio to nothing");
    }

    #[test]
    fn only_the_last_weeks_count_and_a_clock_that_is_set_back_loses_one_week() {
        let weekly = after(&[1, 50, 50, 50, 50, 50, 50, 50, 50, 50], 1);
        assert_eq!(weekly.rise().map(|rise| (rise.from, rise.to)), Some((50.0, 50.0)));
        let mut back = after(&[100, 110], 1);
        back.add(5, 10, 10);
        assert_eq!((back.began(), back.samples, back.means.len()), (5, 1, 2));
    }

    /// Would break: a rise that is told as faster than it was.
    #[test]
    fn weeks_that_were_left_out_count_as_time() {
        let mut weekly = Weekly::default();
        // Nothing in the weeks 3 and 4, and little in week 6.
        for (week, hours, mean) in [(1, 168, 100), (2, 168, 110), (5, 168, 130), (6, 83, 1), (7, 168, 150), (8, 1, 1)] {
            for hour in 0..hours {
                weekly.add((week * 24 * 7 + hour) * HOUR, 100, 100 * mean);
            }
            weekly = Weekly::parse(&weekly.text()).unwrap();
        }
        assert_eq!(weekly.means, [Some(100.0), Some(110.0), None, None, Some(130.0), None, Some(150.0)]);
        let rise = weekly.rise().unwrap();
        assert_eq!((rise.from, rise.to, rise.weeks, rise.is_steady), (100.0, 150.0, 6, true));
    }

    #[test]
    fn what_was_not_written_by_it_is_not_read() {
        for text in
            ["", "1,2,3", "1,2,3,x", "-1,2,3,4,", "1,2,3,4,nan", "1,2,3,4,inf", "1,2,3,4,-1", "1,4294967296,3,4,"]
        {
            assert_eq!(Weekly::parse(text), None, "{text}");
        }
        assert_eq!(Weekly::parse(&format!("1,2,3,4,{}", "1,".repeat(10))), None);
        assert!(Weekly::parse("1,2,3,4,").is_some());
    }

    /// Would break: an overflow that ends the evaluation.
    #[test]
    fn counters_of_a_lying_server_do_no_harm() {
        let mut weekly = Weekly::default();
        weekly.add(u64::MAX, u64::MAX, u64::MAX);
        weekly.add(u64::MAX, u64::MAX, u64::MAX);
        weekly.add(0, 1, 1);
        assert_eq!(weekly.samples, 1);
    }
}
