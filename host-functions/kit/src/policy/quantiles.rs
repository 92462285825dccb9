//! Quantiles of samples.

/// The quantiles of these values at these shares: linear interpolation between the two nearest values in order of size
/// (type 7 of Hyndman and Fan 1996, the default of R and NumPy). The values are finite, the shares between 0 and 1.
/// `None` without values.
pub fn quantiles(mut values: Vec<f64>, shares: &[f64]) -> Option<Vec<f64>> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |share: &f64| {
        let place = share * last as f64;
        let (below, part) = (place.floor(), place.fract());
        let below = (below as usize).min(last);
        let (a, b) = (*values.get(below)?, *values.get((below + 1).min(last))?);
        // Not `a + (b - a) * part`: the difference of two large numbers may overflow.
        Some((a * (1.0 - part) + b * part).max(a).min(b))
    };
    shares.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_quantiles() {
        let values = vec![4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantiles(values, &[0.0, 0.25, 0.5, 0.9, 1.0]), Some(vec![1.0, 1.75, 2.5, 3.7, 4.0]));
        assert_eq!(quantiles(vec![7.0], &[0.3, 0.0]), Some(vec![7.0, 7.0]));
        assert_eq!(quantiles(vec![7.0], &[]), Some(vec![]));
        assert_eq!(quantiles(vec![], &[0.5]), None);
        assert_eq!(quantiles(vec![f64::MIN, f64::MAX], &[0.5]), Some(vec![0.0]));
    }

    /// Walks along the line through the points (i / (n - 1), value i).
    fn naive(values: &[f64], share: f64) -> f64 {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let step = 1.0 / (values.len().max(2) - 1) as f64;
        for (index, pair) in values.windows(2).enumerate() {
            let (from, to) = (index as f64 * step, (index + 1) as f64 * step);
            if share <= to {
                return pair[0] + (pair[1] - pair[0]) * (share - from) / (to - from);
            }
        }
        values[values.len() - 1]
    }

    proptest! {
        #[test]
        fn quantiles_equal_a_naive_implementation(
            values in prop::collection::vec(-1e6_f64..1e6, 1..100),
            shares in prop::collection::vec(0.0_f64..=1.0, 0..32),
        ) {
            let found = quantiles(values.clone(), &shares).unwrap();
            prop_assert_eq!(found.len(), shares.len());
            for (found, share) in found.iter().zip(shares) {
                let expected = naive(&values, share);
                prop_assert!((found - expected).abs() < 1e-6, "{} {} {}", share, found, expected);
            }
        }

        #[test]
        fn quantiles_rise_and_stay_in_range(
            values in prop::collection::vec(prop::num::f64::NORMAL, 1..50),
            mut shares in prop::collection::vec(0.0_f64..=1.0, 1..32),
        ) {
            shares.sort_by(f64::total_cmp);
            let found = quantiles(values.clone(), &shares).unwrap();
            prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "{found:?}");
            let within = |value: &f64| values.iter().any(|one| one <= value) && values.iter().any(|one| one >= value);
            prop_assert!(found.iter().all(within));
        }
    }
}
