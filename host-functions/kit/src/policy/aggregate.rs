//! Samples of a series that are kept together.

use ansai_core::Timestamp;

use crate::evaluation_state::Sample;

/// One sample, or samples of one hour that are no longer kept one by one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregate {
    /// Time of the sample, or start of the hour.
    pub at: Timestamp,
    /// Smallest sample.
    pub minimum: f64,
    /// Largest sample.
    pub maximum: f64,
    /// Sum of the samples, always finite: a sum that would overflow stays at the largest finite number.
    pub sum: f64,
    /// Number of samples, at least 1.
    pub count: u64,
}

impl From<Sample> for Aggregate {
    fn from(Sample { at, value }: Sample) -> Aggregate {
        Aggregate { at, minimum: value, maximum: value, sum: value, count: 1 }
    }
}

impl Aggregate {
    /// Both together, at the time of `self`.
    #[must_use]
    pub fn with(self, other: Aggregate) -> Aggregate {
        Aggregate {
            at: self.at,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
            sum: finite(self.sum + other.sum),
            count: self.count.saturating_add(other.count),
        }
    }

    /// Mean of the samples.
    pub fn mean(&self) -> f64 {
        // A rounded sum must not take the mean out of the range of the samples.
        (self.sum / self.count.max(1) as f64).max(self.minimum).min(self.maximum)
    }
}

/// A sum of finite numbers, without overflow.
fn finite(sum: f64) -> f64 {
    sum.clamp(f64::MIN, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: u64, value: f64) -> Aggregate {
        Sample { at: Timestamp::from_millis(at), value }.into()
    }

    #[test]
    fn aggregates_add_up() {
        let three = sample(5, 2.0).with(sample(6, -1.0)).with(sample(7, 5.0));
        let at = Timestamp::from_millis(5);
        assert_eq!(three, Aggregate { at, minimum: -1.0, maximum: 5.0, sum: 6.0, count: 3 });
        assert_eq!(three.mean(), 2.0);
    }

    #[test]
    fn sums_and_means_stay_finite_and_in_range() {
        let two = sample(0, f64::MAX).with(sample(1, f64::MAX));
        assert_eq!((two.sum, two.mean()), (f64::MAX, f64::MAX));
        let tenths = (0..9).fold(sample(0, 0.1), |sum, at| sum.with(sample(at, 0.1)));
        assert_eq!(tenths.mean(), 0.1);
    }
}
