//! Tells a leak from growth that ends by itself. Pure functions over the lowest value of each hour; the analysis is that of
//! the host. This file uses nothing else of the policy, so that the test of the curves can run it.

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// Maximum probability that a trend is chance.
const SIGNIFICANT: f64 = 0.01;
/// How many times the curve is cut at a shift to look at what came after.
const MOST_CUTS: usize = 4;
/// The newest hours are left out of what was reached before.
const NEWEST: u64 = 3 * HOUR;
/// The newer half and the newest third of a leak grow at least at this share of its slope.
const KEEPS: f64 = 0.5;
/// Lows from which a slope is taken at least.
const FEWEST: usize = 4;
/// Below this ratio of the newer half to the older one, growth slows down.
const SLOWS: f64 = 0.8;

/// The lowest value of an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Low {
    /// Of the last sample of the hour, in milliseconds since the Unix epoch.
    pub(crate) at: u64,
    pub(crate) bytes: f64,
}

/// What the host's analysis says about the lows of a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Trend {
    /// Theil-Sen, in bytes for each hour.
    pub(crate) slope_per_hour: f64,
    /// Mann-Kendall, two-sided.
    pub(crate) p_value: f64,
    /// In milliseconds; `None` if the trend never reaches the limit or is beyond it.
    pub(crate) reaches_limit_in: Option<u64>,
}

/// What makes growth a leak. Times in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) min_span: u64,
    pub(crate) horizon: u64,
    /// Instead of `horizon`, while a service is known for less than a day: a daily rhythm looks like a leak until then.
    pub(crate) first_day_horizon: u64,
    /// In bytes.
    pub(crate) limit: f64,
}

/// Steady growth that reaches the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// When it began and the last hour that counts, in milliseconds since the Unix epoch.
    pub(crate) since: u64,
    pub(crate) until: u64,
    /// The first and the last low, in bytes.
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) slope_per_hour: f64,
    pub(crate) p_value: f64,
    /// In milliseconds.
    pub(crate) reaches_limit_in: u64,
}

/// Finds a leak in the lows of one run of a service, oldest first, without its warm-up. `trend` analyses the lows from one
/// to another, both by their times and both included.
///
/// The whole curve is looked at first. If it is no leak, what came after its largest shift is: a service that was steady
/// for days and leaks since a deployment.
pub(crate) fn leak(lows: &[Low], rules: &Rules, mut trend: impl FnMut(u64, u64) -> Option<Trend>) -> Option<Growth> {
    let mut part = lows;
    for _ in 0..MOST_CUTS {
        if span(part) < rules.min_span {
            return None;
        }
        if let Some(growth) = grows(part, lows, rules, &mut trend) {
            return Some(growth);
        }
        part = part.get(shift(part)..)?;
    }
    None
}

fn span(lows: &[Low]) -> u64 {
    let ends = lows.first().zip(lows.last());
    ends.map_or(0, |(first, last)| last.at.saturating_sub(first.at))
}

fn grows(
    part: &[Low],
    all: &[Low],
    rules: &Rules,
    trend: &mut impl FnMut(u64, u64) -> Option<Trend>,
) -> Option<Growth> {
    let (first, last) = (part.first()?, part.last()?);
    let whole = trend(first.at, last.at)?;
    if whole.slope_per_hour <= 0.0 || whole.p_value >= SIGNIFICANT {
        return None;
    }
    let reaches_limit_in = match whole.reaches_limit_in {
        None if last.bytes < rules.limit => return None,
        found => found.unwrap_or(0),
    };
    let horizon = if span(all) < DAY { rules.first_day_horizon } else { rules.horizon };
    let is_near = reaches_limit_in <= horizon;
    let highest = part.iter().map(|low| low.bytes).fold(f64::NEG_INFINITY, f64::max);
    // Half of it was freed in the last hour.
    if last.bytes <= f64::midpoint(first.bytes, highest) {
        return None;
    }
    let is_new = is_higher_than_before(all) || is_higher_than_yesterday(all, whole.slope_per_hour);
    if !is_near || !is_new || is_shift(part, whole.slope_per_hour) {
        return None;
    }
    let (older, newer) = part.split_at_checked(part.len() / 2)?;
    let (older_end, middle) = (older.last()?, newer.first()?);
    let older = trend(first.at, older_end.at)?.slope_per_hour;
    let newer = trend(middle.at, last.at)?.slope_per_hour;
    let third = part.get(part.len().saturating_sub((part.len() / 3).max(FEWEST))..)?.first()?;
    let newest = trend(third.at, last.at)?.slope_per_hour;
    if newer.min(newest) < KEEPS * whole.slope_per_hour {
        return None;
    }
    let hours = (last.at - middle.at) as f64 / HOUR as f64;
    if levels_off(last.bytes, newer * hours, newer / older, rules.limit) {
        return None;
    }
    Some(Growth {
        since: first.at,
        until: last.at,
        from: first.bytes,
        to: last.bytes,
        slope_per_hour: whole.slope_per_hour,
        p_value: whole.p_value,
        reaches_limit_in,
    })
}

/// Whether the last hours are higher than everything before in this run. What was that high before and came down again is
/// a rhythm: a job of each night, a cache that is emptied.
fn is_higher_than_before(all: &[Low]) -> bool {
    let Some(last) = all.last() else { return false };
    let (before, newest): (Vec<&Low>, Vec<&Low>) = all.iter().partition(|low| low.at + NEWEST <= last.at);
    let highest = |lows: &[&Low]| lows.iter().map(|low| low.bytes).fold(f64::NEG_INFINITY, f64::max);
    highest(&newest) >= highest(&before)
}

/// Whether each of the last hours is higher than the same hour of yesterday, by at least half of what the trend says: a leak
/// under a job of each night.
fn is_higher_than_yesterday(all: &[Low], slope_per_hour: f64) -> bool {
    let Some(last) = all.last() else { return false };
    let mut newest = all.iter().filter(|low| low.at + 2 * NEWEST > last.at).peekable();
    let of_yesterday = |low: &Low| all.iter().find(|one| (one.at + DAY).abs_diff(low.at) < HOUR / 2);
    newest.peek().is_some()
        && newest.all(|low| of_yesterday(low).is_some_and(|one| low.bytes - one.bytes >= KEEPS * 24.0 * slope_per_hour))
}

/// Where the CUSUM is farthest from zero: the index after the likeliest shift. 0 and the length are never returned for
/// two lows or more.
fn shift(part: &[Low]) -> usize {
    let mean = part.iter().map(|low| low.bytes).sum::<f64>() / part.len().max(1) as f64;
    let (mut sum, mut farthest, mut index) = (0.0_f64, -1.0, 1);
    for (at, low) in part.iter().enumerate().take(part.len().saturating_sub(1)) {
        sum += low.bytes - mean;
        if sum.abs() > farthest {
            (farthest, index) = (sum.abs(), at + 1);
        }
    }
    index
}

/// Whether two levels, before and after the shift that the CUSUM finds, describe the curve better than a line: a deployment,
/// a larger cache.
fn is_shift(part: &[Low], slope_per_hour: f64) -> bool {
    let (before, after) = part.split_at(shift(part).min(part.len()));
    let levels = squares(before, 0.0) + squares(after, 0.0);
    levels < squares(part, slope_per_hour)
}

/// The squared distances from a line with this slope through the middle of the lows.
fn squares(lows: &[Low], slope_per_hour: f64) -> f64 {
    let Some(first) = lows.first() else { return 0.0 };
    let rest = |low: &Low| low.bytes - slope_per_hour * (low.at - first.at) as f64 / HOUR as f64;
    let mean = lows.iter().map(rest).sum::<f64>() / lows.len() as f64;
    lows.iter().map(|low| (rest(low) - mean).powi(2)).sum()
}

/// Whether growth that slows down like this ends below the limit. Each half adds `ratio` times what the half before added,
/// so what is still to come is a geometric series.
fn levels_off(last: f64, newest_growth: f64, ratio: f64, limit: f64) -> bool {
    (0.0..SLOWS).contains(&ratio) && last + newest_growth * ratio / (1.0 - ratio) < limit
}

/// Whether more processes explain the growth: there are at least a quarter more, and each has not grown by a tenth.
pub(crate) fn is_by_processes(bytes: (f64, f64), processes: (f64, f64)) -> bool {
    let each = (bytes.0 / processes.0.max(1.0), bytes.1 / processes.1.max(1.0));
    processes.1 >= 1.25 * processes.0.max(1.0) && each.1 <= 1.1 * each.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn hourly(bytes: impl Iterator<Item = f64>) -> Vec<Low> {
        bytes.enumerate().map(|(hour, bytes)| Low { at: hour as u64 * HOUR, bytes }).collect()
    }

    /// The slope between the ends, which is enough for curves without noise.
    fn leak_of(lows: &[Low], limit: f64) -> Option<Growth> {
        let rules = Rules { min_span: 6 * HOUR, horizon: DAY, first_day_horizon: 8 * HOUR, limit };
        leak(lows, &rules, |first, last| {
            let at = |time| lows.iter().find(|low| low.at == time).map(|low| low.bytes);
            let slope_per_hour = (at(last)? - at(first)?) / ((last - first).max(1) as f64 / HOUR as f64);
            let left = (limit - at(last)?) / slope_per_hour * HOUR as f64;
            let p_value = if slope_per_hour > 0.0 { 0.001 } else { 1.0 };
            Some(Trend { slope_per_hour, p_value, reaches_limit_in: (left > 0.0).then_some(left as u64) })
        })
    }

    #[test]
    fn a_line_is_a_leak_after_six_hours_and_only_if_the_limit_is_near() {
        let line = hourly((0..10).map(|hour| 10.0 + f64::from(hour)));
        let found = leak_of(&line, 25.0).unwrap();
        assert_eq!((found.since, found.until, found.from, found.to), (0, 9 * HOUR, 10.0, 19.0));
        assert_eq!(found.reaches_limit_in, 6 * HOUR);
        assert_eq!(leak_of(line.get(..6).unwrap(), 25.0), None, "too short");
        assert_eq!(leak_of(&line, 30.0), None, "more than eight hours in the first day");
        let two_days = hourly((0..48).map(|hour| 10.0 + f64::from(hour)));
        assert!(leak_of(&two_days, 80.0).is_some(), "within a day");
        assert_eq!(leak_of(&two_days, 82.0), None);
        assert_eq!(leak_of(&line, 15.0).unwrap().reaches_limit_in, 0, "beyond its limit");
    }

    #[test]
    fn what_came_before_and_is_over_is_no_leak() {
        assert_eq!(leak_of(&[], 9.0), None);
        let step = hourly((0..40).map(|hour| if hour < 20 { 5.0 } else { 9.0 } + f64::from(hour) / 1e3));
        assert_eq!(leak_of(&step, 10.0), None, "a step");
        let levels_off = hourly((0..30).map(|hour| 8.0 * (1.0 - (-f64::from(hour) / 8.0).exp())));
        assert_eq!(leak_of(&levels_off, 10.0), None, "it levels off");
        let was_higher = hourly((0..40).map(|hour| if hour < 20 { 9.0 } else { f64::from(hour - 20) * 0.4 }));
        assert_eq!(leak_of(&was_higher, 10.0), None, "it was higher before");
        let freed = hourly((0..40).map(|hour| if hour < 39 { 1.0 + f64::from(hour) * 0.1 } else { 2.0 }));
        assert_eq!(leak_of(&freed, 5.0), None, "it was freed in the last hour");
    }

    #[test]
    fn a_leak_that_begins_late_is_found_after_the_shift() {
        let late = hourly((0..120).map(|hour| 20.0 + f64::from((hour - 100).max(0))));
        let found = leak_of(&late, 50.0).unwrap();
        assert!(found.since >= 95 * HOUR, "{found:?}");
    }

    #[test]
    fn numbers_at_the_edges() {
        assert_eq!(shift(&[]), 1);
        assert_eq!(shift(&hourly([1.0, 5.0].into_iter())), 1);
        assert!(!levels_off(1.0, 1.0, f64::INFINITY, 9.0) && !levels_off(1.0, 1.0, -1.0, 9.0));
        assert!(levels_off(5.0, 1.0, 0.5, 9.0) && !levels_off(5.0, 8.0, 0.5, 9.0));
        assert!(is_by_processes((1e9, 2e9), (10.0, 20.0)) && !is_by_processes((1e9, 2e9), (10.0, 11.0)));
        assert!(!is_by_processes((1e9, 4e9), (10.0, 20.0)), "each grows as well");
        assert!(!is_by_processes((0.0, 1e9), (0.0, 9.0)));
        let same_time = [Low { at: 0, bytes: f64::MAX }; 9];
        assert_eq!(leak_of(&same_time, 1.0), None);
    }
}
