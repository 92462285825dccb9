//! Combines the samples of a series: one for each bucket of time.

use ansai_core::Millis;
use serde::{Deserialize, Serialize};

use super::aggregate::Aggregate;
use crate::evaluation_state::Sample;

/// How samples are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Reduction {
    Minimum,
    Maximum,
    Mean,
    Median,
    Latest,
    Sum,
    Count,
}

/// One sample for each bucket of this many milliseconds, with the time of the last in the bucket; without a bucket, one
/// for each aggregate. The aggregates are in order of time. An hour belongs to the bucket in which it begins.
pub fn reduce(aggregates: &[Aggregate], bucket: Option<Millis>, how: Reduction) -> Vec<Sample> {
    let bucket = bucket.map(Millis::get).filter(|bucket| *bucket > 0);
    let place = |one: &Aggregate| bucket.map(|bucket| one.at.as_millis() / bucket);
    aggregates
        .chunk_by(|a, b| bucket.is_some() && place(a) == place(b))
        .filter_map(|chunk| Some(Sample { at: chunk.last()?.at, value: combined(chunk, how)? }))
        .collect()
}

fn combined(chunk: &[Aggregate], how: Reduction) -> Option<f64> {
    let all = chunk.iter().copied().reduce(Aggregate::with)?;
    Some(match how {
        Reduction::Minimum => all.minimum,
        Reduction::Maximum => all.maximum,
        Reduction::Mean => all.mean(),
        Reduction::Median => median(chunk),
        Reduction::Latest => chunk.last()?.mean(),
        Reduction::Sum => all.sum,
        Reduction::Count => all.count as f64,
    })
}

/// Median of all samples, each of an hour at the mean of the hour.
fn median(chunk: &[Aggregate]) -> f64 {
    let mut means: Vec<(f64, u64)> = chunk.iter().map(|one| (one.mean(), one.count)).collect();
    means.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let count: u64 = means.iter().map(|(_, count)| count).sum();
    let at = |index: u64| {
        let mut seen = 0;
        means.iter().find(|(_, count)| (seen += count, seen > index).1).map_or(0.0, |(mean, _)| *mean)
    };
    f64::midpoint(at(count.saturating_sub(1) / 2), at(count / 2))
}

#[cfg(test)]
mod tests;
