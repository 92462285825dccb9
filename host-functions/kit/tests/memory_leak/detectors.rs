//! What is compared: the detector of the policy with the analysis of the host, and three simpler ones.

use ansai_core::{Millis, Timestamp};
use ansai_kit::evaluation_state::Sample as Point;
use ansai_kit::policy::analysis;
use ansai_kit::policy::reduction::{Reduction, reduce};

use crate::curves::{AN_HOUR, Sample};
use crate::detector::{Low, Rules, Trend, is_by_processes, leak};

const HOUR: u64 = 3_600_000;
/// 2026-01-01, at a full hour.
const BEGIN: u64 = 1_767_225_600_000;
const WEEK: usize = 168;
/// The defaults of the policy's settings; a test compares them with its schema.
pub(crate) const MIN_SPAN: u64 = 6 * HOUR;
pub(crate) const HORIZON: u64 = 24 * HOUR;
pub(crate) const FIRST_DAY_HORIZON: u64 = 8 * HOUR;
pub(crate) const WARM_UP: u64 = HOUR;

/// Says after each full hour whether a service leaks, from its samples until then.
pub(crate) type Detector = fn(&[Sample]) -> bool;

pub(crate) static ALL: [(&str, Detector); 4] = [
    ("`memory-leak`", of_the_policy),
    ("Mann-Kendall alone", mann_kendall),
    ("fixed limit, 90 %", fixed_limit),
    ("linear forecast", linear_forecast),
];

fn at(index: usize) -> u64 {
    BEGIN + index as u64 * HOUR / AN_HOUR as u64
}

/// The lows of each hour in the newest week, from this index on.
fn lows(samples: &[Sample], from: usize, value: impl Fn(&Sample) -> f64) -> Vec<Point> {
    let from = from.max(samples.len().saturating_sub(WEEK * AN_HOUR));
    let points = samples.iter().enumerate().skip(from);
    let points: Vec<_> =
        points.map(|(index, one)| Point { at: Timestamp::from_millis(at(index)), value: value(one) }.into()).collect();
    reduce(&points, Some(Millis::new(HOUR)), Reduction::Minimum)
}

fn run(samples: &[Sample]) -> usize {
    samples.last().map_or(0, |one| one.run)
}

fn of_the_policy(samples: &[Sample]) -> bool {
    let from = run(samples) + (WARM_UP / HOUR) as usize * AN_HOUR;
    let points = lows(samples, from, |one| one.memory);
    let curve: Vec<Low> = points.iter().map(|one| Low { at: one.at.as_millis(), bytes: one.value }).collect();
    let rules = Rules { min_span: MIN_SPAN, horizon: HORIZON, first_day_horizon: FIRST_DAY_HORIZON, limit: 1.0 };
    let trend = |first: u64, last: u64| {
        let part: Vec<Point> =
            points.iter().filter(|one| (first..=last).contains(&one.at.as_millis())).copied().collect();
        let trend = analysis::trend(&part, Some(1.0))?;
        Some(Trend {
            slope_per_hour: trend.slope_per_hour,
            p_value: trend.p_value,
            reaches_limit_in: trend.reaches_limit_in.map(Millis::get),
        })
    };
    let Some(growth) = leak(&curve, &rules, trend) else { return false };
    let processes = lows(samples, from, |one| one.processes);
    let first = processes.iter().find(|one| one.at.as_millis() >= growth.since).map_or(1.0, |one| one.value);
    let last = processes.last().map_or(1.0, |one| one.value);
    !is_by_processes((growth.from, growth.to), (first, last))
}

fn mann_kendall(samples: &[Sample]) -> bool {
    let points = lows(samples, run(samples), |one| one.memory);
    let trend = analysis::trend(&points, None);
    trend.is_some_and(|trend| trend.span.get() >= MIN_SPAN && trend.slope_per_hour > 0.0 && trend.p_value < 0.01)
}

fn fixed_limit(samples: &[Sample]) -> bool {
    samples.iter().rev().take(AN_HOUR).any(|one| one.memory >= 0.9)
}

/// Least squares through the samples of the last day, at least six hours of one run.
fn linear_forecast(samples: &[Sample]) -> bool {
    let from = run(samples).max(samples.len().saturating_sub(24 * AN_HOUR));
    let values: Vec<f64> = samples.iter().skip(from).map(|one| one.memory).collect();
    if values.len() < 6 * AN_HOUR {
        return false;
    }
    let count = values.len() as f64;
    let middle = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let along = |index: usize| index as f64 - middle.0;
    let both: f64 = values.iter().enumerate().map(|(index, value)| along(index) * (value - middle.1)).sum();
    let slope = both / (0..values.len()).map(|index| along(index).powi(2)).sum::<f64>();
    slope > 0.0 && middle.1 + slope * (along(values.len() - 1) + 24.0 * AN_HOUR as f64) >= 1.0
}
