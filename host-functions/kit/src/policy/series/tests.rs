//! What a policy sees of its series.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{Attempt, Limits, Subject};

mod windows;

use super::super::aggregate::Aggregate;
use super::*;
use crate::evaluation_state::{Context, Memory};

const HOUR_MS: u64 = 3_600_000;
const NOW: u64 = 500 * 24 * HOUR_MS;

/// Series with what is kept of them.
#[derive(Default)]
struct Kept(BTreeMap<String, Vec<Aggregate>>);

impl Memory for Kept {
    fn get(&self, _: &str) -> Result<Option<String>, Refusal> {
        Ok(None)
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        Ok(vec![])
    }
    fn samples(&self, series: &str, range: Range<Timestamp>) -> Result<Vec<Aggregate>, Refusal> {
        let kept = self.0.get(series).cloned().unwrap_or_default();
        Ok(kept.into_iter().filter(|one| range.contains(&one.at)).collect())
    }
    fn series(&self) -> Result<Vec<String>, Refusal> {
        Ok(self.0.keys().cloned().collect())
    }
    fn history(&self, _: &Subject, _: Timestamp, _: usize) -> Result<Vec<Attempt>, Refusal> {
        Ok(vec![])
    }
}

fn state(kept: Kept) -> EvaluationState {
    let context = Context::at(Timestamp::from_millis(NOW));
    EvaluationState::new(Phase::Detect, context, Arc::new(kept))
}

/// The series `s` with these samples, their times before now.
fn with(samples: &[(u64, f64)]) -> EvaluationState {
    let kept = samples.iter().map(|(before, value)| sample(NOW - before, *value).into()).collect();
    state(Kept([("s".to_owned(), kept)].into()))
}

fn sample(at: u64, value: f64) -> Sample {
    Sample { at: Timestamp::from_millis(at), value }
}

fn everything(reduce: Reduction) -> Window {
    Window { since: Timestamp::EPOCH, until: None, bucket: None, reduce }
}

fn seen(state: &mut EvaluationState) -> Vec<Sample> {
    samples(state, Samples { name: "s".into(), window: everything(Reduction::Mean) }).unwrap()
}

fn put(state: &mut EvaluationState, name: &str, value: f64) -> Result<(), Refusal> {
    append(state, Append { name: name.into(), value })
}

fn shares(state: &mut EvaluationState, shares: &[f64]) -> Result<Vec<f64>, Refusal> {
    let window = everything(Reduction::Latest);
    quantiles(state, Quantiles { name: "s".into(), window, shares: shares.to_vec() })
}

#[test]
fn the_own_sample_is_the_last_and_a_second_one_replaces_it() {
    let mut state = with(&[(20, 1.0), (10, 2.0)]);
    put(&mut state, "s", 3.0).unwrap();
    put(&mut state, "s", 4.0).unwrap();
    assert_eq!(seen(&mut state), [sample(NOW - 20, 1.0), sample(NOW - 10, 2.0), sample(NOW, 4.0)]);
    reset(&mut state, Reset { name: "s".into() }).unwrap();
    assert_eq!(seen(&mut state), []);
    put(&mut state, "s", 5.0).unwrap();
    assert_eq!(seen(&mut state), [sample(NOW, 5.0)]);
}

#[test]
fn what_is_older_than_400_days_or_of_the_future_is_not_seen() {
    let days = 24 * HOUR_MS;
    let mut kept: Vec<Aggregate> = vec![];
    for at in [NOW - 400 * days - 1, NOW - 400 * days, NOW - 1, NOW + 1, NOW + 5_000 * days] {
        kept.push(sample(at, 1.0).into());
    }
    let mut state = state(Kept([("s".to_owned(), kept)].into()));
    put(&mut state, "s", 2.0).unwrap();
    assert_eq!(seen(&mut state), [sample(NOW - 400 * days, 1.0), sample(NOW - 1, 1.0), sample(NOW, 2.0)]);
}

#[test]
fn a_list_has_at_most_2000_samples_and_quantiles_use_all() {
    let samples: Vec<(u64, f64)> = (1..=3_000).rev().map(|before| (before, before as f64)).collect();
    let mut state = with(&samples);
    let list = seen(&mut state);
    assert_eq!((list.len(), list[0]), (MOST_POINTS, sample(NOW - 2_000, 2_000.0)));
    assert_eq!(shares(&mut state, &[0.0, 0.5, 1.0]).unwrap(), [1.0, 1_500.5, 3_000.0]);
}

#[test]
fn quantiles_are_of_the_reduced_samples() {
    let mut state = with(&[(HOUR_MS + 2, 1.0), (HOUR_MS + 1, 3.0), (2, 10.0), (1, 20.0)]);
    let window = Window { bucket: Some(Millis::from_hours(1)), ..everything(Reduction::Sum) };
    let of = Quantiles { name: "s".into(), window, shares: vec![0.0, 0.5, 1.0] };
    assert_eq!(quantiles(&mut state, of).unwrap(), [4.0, 17.0, 30.0]);
}

#[test]
fn quantiles_refuse_what_is_no_share() {
    let mut state = with(&[(1, 1.0)]);
    for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let refused = shares(&mut state, &[0.5, wrong]);
        assert!(matches!(&refused, Err(Refusal::Invalid(why)) if why.contains("not between 0 and 1")), "{refused:?}");
    }
    assert_eq!(shares(&mut state, &[0.5; 32]).unwrap(), [1.0; 32]);
    assert_eq!(shares(&mut state, &[0.5; 33]), Err(Refusal::Invalid("there are 33 shares, at most 32".into())));
    assert_eq!(shares(&mut state, &[]), Ok(vec![]));
    let nothing = Err(Refusal::NotFound("series `s` has no sample".into()));
    assert_eq!(shares(&mut with(&[]), &[0.5]), nothing);
}

#[test]
fn samples_that_are_too_large_to_analyse_are_refused() {
    let mut state = with(&[(3, f64::MAX), (2, f64::MIN), (1, f64::MAX)]);
    let analysed = analyse(&mut state, Analyse { name: "s".into(), window: everything(Reduction::Mean), limit: None });
    assert!(matches!(&analysed, Err(Refusal::Invalid(why)) if why.contains("too large")), "{analysed:?}");
}

#[test]
fn the_limit_of_series_is_that_of_the_instance() {
    let many = |count: usize| Kept((0..count).map(|number| (format!("s{number}"), vec![])).collect());
    let mut default = state(many(64));
    assert_eq!(put(&mut default, "s63", 1.0), Ok(()));
    let Err(Refusal::OverBudget(why)) = put(&mut default, "another", 1.0) else { panic!("no limit") };
    assert!(why.contains("64 series") && why.contains("raise `series` in `[limits]`"), "{why}");
    assert!(reset(&mut default, Reset { name: "another".into() }).is_err());

    let mut more = state(many(64)).limited(&Limits { series: 66, ..Limits::default() });
    for name in ["a", "b", "a", "s0"] {
        assert_eq!(put(&mut more, name, 1.0), Ok(()), "{name}");
    }
    assert!(matches!(put(&mut more, "c", 1.0), Err(Refusal::OverBudget(_))));
    // With a lower limit, the series that exist can still be used.
    let mut fewer = state(many(64)).limited(&Limits { series: 2, ..Limits::default() });
    assert_eq!((put(&mut fewer, "s9", 1.0), put(&mut fewer, "new", 1.0).is_err()), (Ok(()), true));
}

#[test]
fn any_name_of_1_to_256_bytes_is_one() {
    let mut state = state(Kept::default());
    let long = "ä".repeat(128);
    for name in ["\0", "'; DROP TABLE sample; --", "%", "a\nb", "\u{202e}", long.as_str()] {
        assert_eq!(put(&mut state, name, 1.0), Ok(()), "{name:?}");
    }
    for name in ["", format!("{long}a").as_str()] {
        assert!(matches!(put(&mut state, name, 1.0), Err(Refusal::Invalid(_))), "{name:?}");
    }
    assert_eq!(state.writes.series.len(), 6);
}
