//! Reductions of hours equal those of the samples in them.

use ansai_core::Timestamp;
use proptest::prelude::*;

use super::*;

const HOUR_MS: u64 = 3_600_000;
const ALL: [Reduction; 7] = [
    Reduction::Minimum,
    Reduction::Maximum,
    Reduction::Mean,
    Reduction::Median,
    Reduction::Latest,
    Reduction::Sum,
    Reduction::Count,
];

fn sample(at: u64, value: f64) -> Aggregate {
    Sample { at: Timestamp::from_millis(at), value }.into()
}

/// The samples of each hour as one aggregate at the start of the hour.
fn hours(samples: &[Aggregate]) -> Vec<Aggregate> {
    let hour = |one: &Aggregate| one.at.as_millis() / HOUR_MS;
    samples
        .chunk_by(|a, b| hour(a) == hour(b))
        .map(|chunk| {
            let all = chunk.iter().copied().reduce(Aggregate::with).unwrap();
            Aggregate { at: Timestamp::from_millis(hour(&all) * HOUR_MS), ..all }
        })
        .collect()
}

fn values(aggregates: &[Aggregate], bucket: Option<u64>, how: Reduction) -> Vec<f64> {
    reduce(aggregates, bucket.map(Millis::new), how).iter().map(|sample| sample.value).collect()
}

#[test]
fn buckets_reduce() {
    let samples: Vec<Aggregate> =
        (0..6).map(|i| sample(i * HOUR_MS / 2, [6.0, 5.0, 4.0, 3.0, 1.0, 2.0][i as usize])).collect();
    let expected = [
        [5.0, 3.0, 1.0],
        [6.0, 4.0, 2.0],
        [5.5, 3.5, 1.5],
        [5.5, 3.5, 1.5],
        [5.0, 3.0, 2.0],
        [11.0, 7.0, 3.0],
        [2.0, 2.0, 2.0],
    ];
    for (how, expected) in ALL.into_iter().zip(expected) {
        assert_eq!(values(&samples, Some(HOUR_MS), how), expected, "{how:?}");
        let each = if how == Reduction::Count { [1.0; 6] } else { [6.0, 5.0, 4.0, 3.0, 1.0, 2.0] };
        assert_eq!(values(&samples, None, how), each, "{how:?}");
        assert_eq!(values(&samples, Some(0), how).len(), 6);
        assert!(values(&[], Some(HOUR_MS), how).is_empty());
    }
    assert_eq!(reduce(&samples, Some(Millis::from_hours(1)), Reduction::Mean)[0].at, samples[1].at);
}

#[test]
fn without_a_bucket_an_hour_is_one_sample_at_its_start() {
    let hour = hours(&[sample(HOUR_MS + 5, 1.0), sample(HOUR_MS + 6, 2.0), sample(HOUR_MS + 7, 6.0)]);
    for (how, value) in ALL.into_iter().zip([1.0, 6.0, 3.0, 3.0, 3.0, 9.0, 3.0]) {
        let expected = Sample { at: Timestamp::from_millis(HOUR_MS), value };
        assert_eq!(reduce(&hour, None, how), [expected], "{how:?}");
        assert_eq!(reduce(&hour, Some(Millis::from_hours(24)), how), [expected], "{how:?}");
    }
}

#[test]
fn a_mean_over_hours_is_not_the_mean_of_their_means() {
    let hours = hours(&[sample(0, 10.0), sample(HOUR_MS, 1.0), sample(HOUR_MS + 1, 1.0), sample(HOUR_MS + 2, 0.0)]);
    assert_eq!(values(&hours, Some(24 * HOUR_MS), Reduction::Mean), [3.0]);
    // Three of the four samples are in the hour with the mean 2/3.
    assert_eq!(values(&hours, Some(24 * HOUR_MS), Reduction::Median), [2.0 / 3.0]);
}

/// Samples in order of time, over ten days, with values whose sums are exact.
fn samples() -> impl Strategy<Value = Vec<Aggregate>> {
    prop::collection::btree_map(0..240 * HOUR_MS, -1_000_000_i32..1_000_000, 1..200)
        .prop_map(|samples| samples.into_iter().map(|(at, value)| sample(at, value.into())).collect())
}

proptest! {
    #[test]
    fn hours_are_exact_in_buckets_of_hours(samples in samples(), folded in 0_usize..200, hours_in_bucket in 1_u64..100) {
        // The older part is folded. The hour at the border is partly folded, and must not count twice.
        let (old, new) = samples.split_at(folded.min(samples.len()));
        let kept = [hours(old), new.to_vec()].concat();
        let bucket = Some(hours_in_bucket * HOUR_MS);
        let exact =
            [Reduction::Minimum, Reduction::Maximum, Reduction::Mean, Reduction::Sum, Reduction::Count];
        for how in exact {
            prop_assert_eq!(values(&kept, bucket, how), values(&samples, bucket, how));
        }
    }

    #[test]
    fn samples_reduce_as_a_naive_implementation(samples in samples(), bucket in 1..100 * HOUR_MS) {
        for how in ALL {
            let mut naive = std::collections::BTreeMap::<u64, Vec<f64>>::new();
            for one in &samples {
                naive.entry(one.at.as_millis() / bucket).or_default().push(one.sum);
            }
            let naive: Vec<f64> = naive.into_values().map(|mut list| {
                let (latest, count, sum) = (list[list.len() - 1], list.len(), list.iter().sum::<f64>());
                list.sort_by(f64::total_cmp);
                match how {
                    Reduction::Minimum => list[0],
                    Reduction::Maximum => list[count - 1],
                    Reduction::Mean => sum / count as f64,
                    Reduction::Median => (list[(count - 1) / 2] + list[count / 2]) / 2.0,
                    Reduction::Latest => latest,
                    Reduction::Sum => sum,
                    Reduction::Count => count as f64,
                }
            }).collect();
            prop_assert_eq!(values(&samples, Some(bucket), how), naive);
        }
    }

    #[test]
    fn every_reduction_of_finite_samples_is_finite(list in prop::collection::vec(prop::num::f64::ANY, 1..20)) {
        let samples: Vec<Aggregate> =
            list.iter().filter(|value| value.is_finite()).map(|value| sample(0, *value)).collect();
        for how in ALL {
            prop_assert!(values(&samples, Some(HOUR_MS), how).iter().all(|value| value.is_finite()));
        }
    }
}
