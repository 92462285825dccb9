//! Windows with an end: each sample is in one of two windows side by side.

use proptest::prelude::*;

use super::*;

fn at(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

fn window(since: u64, until: Option<u64>, bucket: Option<u64>, reduce: Reduction) -> Window {
    Window { since: at(since), until: until.map(at), bucket: bucket.map(Millis::new), reduce }
}

fn in_window(state: &mut EvaluationState, window: Window) -> Vec<Sample> {
    samples(state, Samples { name: "s".into(), window }).unwrap()
}

#[test]
fn a_window_has_its_start_and_not_its_end() {
    let mut state = with(&[(20, 1.0), (10, 2.0)]);
    put(&mut state, "s", 3.0).unwrap();
    let (first, second, own) = (sample(NOW - 20, 1.0), sample(NOW - 10, 2.0), sample(NOW, 3.0));
    for (since, until, expected) in [
        (0, None, vec![first, second, own]),
        (NOW - 20, Some(NOW - 10), vec![first]),
        (NOW - 19, Some(NOW - 10), vec![]),
        (NOW - 20, Some(NOW - 9), vec![first, second]),
        // That of this evaluation is at `now`.
        (NOW - 10, Some(NOW), vec![second]),
        (NOW - 10, Some(NOW + 1), vec![second, own]),
        (NOW, None, vec![own]),
        (NOW + 1, None, vec![]),
        (0, Some(0), vec![]),
    ] {
        let found = in_window(&mut state, window(since, until, None, Reduction::Latest));
        assert_eq!(found, expected, "{since} {until:?}");
    }
}

#[test]
fn a_window_that_ends_before_it_starts_has_nothing() {
    let mut state = with(&[(20, 1.0), (10, 2.0)]);
    put(&mut state, "s", 3.0).unwrap();
    for (since, until) in [(NOW, NOW), (NOW, NOW - 5), (NOW - 10, NOW - 10), (NOW - 5, NOW - 15), (u64::MAX, 0)] {
        for bucket in [None, Some(HOUR_MS)] {
            let window = || window(since, Some(until), bucket, Reduction::Count);
            assert_eq!(in_window(&mut state, window()), [], "{since} {until}");
            let trend = analyse(&mut state, Analyse { name: "s".into(), window: window(), limit: None });
            assert!(matches!(trend, Err(Refusal::NotFound(_))), "{trend:?}");
            let of = Quantiles { name: "s".into(), window: window(), shares: vec![0.5] };
            assert!(matches!(quantiles(&mut state, of), Err(Refusal::NotFound(_))));
        }
    }
}

#[test]
fn analyses_and_quantiles_are_of_the_same_window() {
    let mut state = with(&[(40, 1.0), (30, 5.0), (20, 9.0), (10, 100.0)]);
    let window = || window(NOW - 40, Some(NOW - 10), None, Reduction::Latest);
    let trend = analyse(&mut state, Analyse { name: "s".into(), window: window(), limit: None }).unwrap();
    assert_eq!((trend.samples, trend.maximum, trend.latest), (3, 9.0, 9.0));
    let of = Quantiles { name: "s".into(), window: window(), shares: vec![0.0, 0.5, 1.0] };
    assert_eq!(quantiles(&mut state, of).unwrap(), [1.0, 5.0, 9.0]);
}

#[test]
fn a_folded_hour_is_in_the_window_in_which_it_starts() {
    let start = NOW - 10 * HOUR_MS;
    let hour = Aggregate { at: at(start), minimum: 1.0, maximum: 3.0, sum: 6.0, count: 3 };
    let mut state = state(Kept([("s".to_owned(), vec![hour])].into()));
    let mut count = |since, until| {
        let found = in_window(&mut state, window(since, Some(until), Some(24 * HOUR_MS), Reduction::Count));
        found.iter().map(|sample| sample.value).sum::<f64>()
    };
    let half = start + HOUR_MS / 2;
    assert_eq!((count(0, half), count(half, NOW)), (3.0, 0.0), "once, in the earlier window");
    assert_eq!((count(0, start), count(start, start + 1)), (0.0, 3.0));
}

proptest! {
    #[test]
    fn windows_equal_a_naive_implementation(
        befores in prop::collection::btree_map(1..200 * HOUR_MS, -1_000_i32..1_000, 0..60),
        since in 0..210 * HOUR_MS,
        until in 0..210 * HOUR_MS,
        bucket in prop::option::of(1..50 * HOUR_MS),
    ) {
        let kept: Vec<(u64, f64)> = befores.iter().rev().map(|(before, value)| (*before, (*value).into())).collect();
        let mut state = with(&kept);
        let (since, until) = (NOW - since, NOW + HOUR_MS - until);
        let inside = |at: u64| since <= at && at < until;
        let all = kept.iter().map(|(before, value)| sample(NOW - before, *value));
        let wanted: Vec<Sample> = all.filter(|one| inside(one.at.as_millis())).collect();
        // Buckets are aligned with the epoch, not with the window.
        let mut buckets = std::collections::BTreeMap::<u64, Vec<Sample>>::new();
        for one in &wanted {
            buckets.entry(one.at.as_millis() / bucket.unwrap_or(1)).or_default().push(*one);
        }
        for reduce in [Reduction::Sum, Reduction::Count, Reduction::Maximum] {
            let naive: Vec<Sample> = buckets.values().map(|list| {
                let values = list.iter().map(|one| one.value);
                let value = match reduce {
                    Reduction::Sum => values.sum(),
                    Reduction::Count => list.len() as f64,
                    _ => values.fold(f64::MIN, f64::max),
                };
                Sample { at: list[list.len() - 1].at, value }
            }).collect();
            let found = in_window(&mut state, window(since, Some(until), bucket, reduce));
            prop_assert_eq!(found, naive, "{:?}", reduce);
        }
    }
}
