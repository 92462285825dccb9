//! Trends in a time series: Theil-Sen slope (Sen 1968), Mann-Kendall test with ties (Kendall 1975), CUSUM
//! (Page 1954, as the Kolmogorov-type statistic of a standardised bridge).

use ansai_core::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use crate::evaluation_state::Sample;

const HOUR_MS: f64 = 3_600_000.0;

/// The answer of `series.analyse`; the WIT describes the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Trend {
    pub samples: u32,
    pub span: Millis,
    pub latest: f64,
    pub minimum: f64,
    pub maximum: f64,
    pub mean: f64,
    pub median: f64,
    pub slope_per_hour: f64,
    pub p_value: f64,
    pub cusum: f64,
    pub reaches_limit_in: Option<Millis>,
}

impl Trend {
    /// Whether every number is finite. Differences and sums of huge samples may overflow.
    pub fn is_finite(&self) -> bool {
        let Trend { latest, minimum, maximum, mean, median, slope_per_hour, p_value, cusum, .. } = *self;
        [latest, minimum, maximum, mean, median, slope_per_hour, p_value, cusum].iter().all(|number| number.is_finite())
    }
}

/// The trend of samples in order of time; `None` without samples.
pub fn trend(samples: &[Sample], limit: Option<f64>) -> Option<Trend> {
    let (first, last) = (samples.first()?, samples.last()?);
    let slope = theil_sen(samples);
    Some(Trend {
        samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        span: last.at - first.at,
        latest: last.value,
        minimum: samples.iter().map(|s| s.value).fold(f64::INFINITY, f64::min),
        maximum: samples.iter().map(|s| s.value).fold(f64::NEG_INFINITY, f64::max),
        mean: mean(samples),
        median: median(&mut samples.iter().map(|s| s.value).collect::<Vec<_>>()),
        slope_per_hour: slope,
        p_value: mann_kendall(samples),
        cusum: cusum(samples),
        reaches_limit_in: limit.and_then(|limit| crossing(samples, slope, last.at, limit)),
    })
}

fn mean(samples: &[Sample]) -> f64 {
    samples.iter().map(|s| s.value).sum::<f64>() / samples.len().max(1) as f64
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, at, _) = match values.len() {
        0 => return 0.0,
        _ => values.select_nth_unstable_by(middle, f64::total_cmp),
    };
    let at = *at;
    if even { (below.iter().copied().fold(f64::NEG_INFINITY, f64::max) + at) / 2.0 } else { at }
}

/// Every pair once.
fn pairs(samples: &[Sample]) -> impl Iterator<Item = (&Sample, &Sample)> {
    samples.iter().enumerate().flat_map(|(i, a)| samples.iter().skip(i + 1).map(move |b| (a, b)))
}

/// Median slope over all pairs, per hour; 0 with fewer than two.
fn theil_sen(samples: &[Sample]) -> f64 {
    let mut slopes: Vec<f64> = pairs(samples)
        .filter(|(a, b)| b.at > a.at)
        .map(|(a, b)| (b.value - a.value) / ((b.at - a.at).get() as f64 / HOUR_MS))
        .collect();
    median(&mut slopes)
}

/// Two-sided p-value that there is no monotone trend; 1 with fewer than four samples or all equal.
fn mann_kendall(samples: &[Sample]) -> f64 {
    let n = samples.len() as f64;
    if samples.len() < 4 {
        return 1.0;
    }
    let s: f64 = pairs(samples)
        .map(|(a, b)| {
            if b.value > a.value {
                1.0
            } else if b.value < a.value {
                -1.0
            } else {
                0.0
            }
        })
        .sum();
    let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
    values.sort_by(f64::total_cmp);
    let ties: f64 =
        values.chunk_by(|a, b| a == b).map(|chunk| chunk.len() as f64).map(|t| t * (t - 1.0) * (2.0 * t + 5.0)).sum();
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties) / 18.0;
    if variance <= 0.0 || s == 0.0 {
        return 1.0;
    }
    let z = (s.abs() - 1.0) / variance.sqrt();
    erfc(z / std::f64::consts::SQRT_2).clamp(0.0, 1.0)
}

/// Complementary error function for x ≥ 0: Abramowitz and Stegun 7.1.26, error below 1.5e-7.
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    poly * (-x * x).exp()
}

/// Largest excursion of the standardised cumulative sum, divided by the root of the number of samples.
fn cusum(samples: &[Sample]) -> f64 {
    let n = samples.len() as f64;
    let mean = mean(samples);
    let deviation = (samples.iter().map(|s| (s.value - mean).powi(2)).sum::<f64>() / n).sqrt();
    if deviation <= f64::EPSILON * mean.abs() {
        return 0.0;
    }
    let mut sum = 0.0;
    let mut largest: f64 = 0.0;
    for sample in samples {
        sum += sample.value - mean;
        largest = largest.max(sum.abs());
    }
    largest / (deviation * n.sqrt())
}

/// The time after the latest sample at which the line through the medians, with this slope, reaches the limit.
fn crossing(samples: &[Sample], slope: f64, latest: Timestamp, limit: f64) -> Option<Millis> {
    // Theil-Sen intercept: the median of the values with the slope subtracted, here at the latest sample.
    let mut rest: Vec<f64> =
        samples.iter().map(|s| s.value + slope * ((latest - s.at).get() as f64 / HOUR_MS)).collect();
    let level = median(&mut rest);
    let gap = limit - level;
    if slope == 0.0 || gap / slope < 0.0 {
        return None;
    }
    let ms = gap / slope * HOUR_MS;
    // More than a century is not a useful forecast.
    (ms < 3.2e12).then(|| Millis::new(ms as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn hourly(values: &[f64]) -> Vec<Sample> {
        values
            .iter()
            .enumerate()
            .map(|(i, v)| Sample { at: Timestamp::from_millis(i as u64 * 3_600_000), value: *v })
            .collect()
    }

    #[test]
    fn a_straight_line() {
        let trend = trend(&hourly(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]), Some(10.0)).unwrap();
        assert_eq!(trend.slope_per_hour, 1.0);
        assert_eq!(trend.reaches_limit_in, Some(Millis::from_hours(2)));
        // S = 28 with variance 196/3, so z = 27 / 8.083 = 3.340; both tails together are 0.000837.
        assert!((trend.p_value - 0.000_837).abs() < 2e-6, "{}", trend.p_value);
        assert_eq!(trend.median, 4.5);
    }

    #[test]
    fn one_wild_value_does_not_turn_the_slope() {
        let samples = hourly(&[1.0, 2.0, 3.0, 400.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        assert!((theil_sen(&samples) - 1.0).abs() < 0.01);
    }

    #[test]
    fn flat_noise_is_no_trend() {
        let trend = trend(&hourly(&[5.0, 4.0, 5.0, 6.0, 5.0, 4.0, 6.0, 5.0]), Some(100.0)).unwrap();
        assert!(trend.p_value > 0.5, "{}", trend.p_value);
        assert!(trend.cusum < 1.36);
        assert_eq!(mann_kendall(&hourly(&[1.0; 9])), 1.0);
        assert_eq!(cusum(&hourly(&[3.0; 9])), 0.0);
    }

    #[test]
    fn a_step_shows_in_the_cusum() {
        let mut values = vec![1.0; 20];
        values.extend([5.0; 20]);
        assert!(cusum(&hourly(&values)) > 1.36);
    }

    #[test]
    fn nothing_is_no_trend() {
        assert!(trend(&[], None).is_none());
        assert_eq!(trend(&hourly(&[2.0]), Some(9.0)).unwrap().reaches_limit_in, None);
    }
}
