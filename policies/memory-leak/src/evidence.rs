//! What a finding says, as words and as numbers that later evaluations read again.

use ansai_sdk::{Measure, Observation, Size, Span};

use crate::detector::{Growth, Low};

const HOUR: u64 = 3_600_000;
/// Columns of the curve.
const COLUMNS: usize = 24;

pub(crate) const MEMORY: &str = "memory";
pub(crate) const FROM: &str = "memory-before";
pub(crate) const LIMIT: &str = "limit";
pub(crate) const PER_HOUR: &str = "growth-per-hour";
pub(crate) const LEFT: &str = "reaches-limit-in";
pub(crate) const RUN: &str = "running-since";
pub(crate) const BEFORE: &str = "growth-per-hour-before-restart";
/// The text of the measure `cause`.
pub(crate) const CAUSE: &str = "cause";
pub(crate) const BY_PROCESSES: &str = "more processes";

pub(crate) fn is_by_processes(finding: &Observation) -> bool {
    finding.evidence.contains(&Measure::text(CAUSE, BY_PROCESSES))
}

/// Bytes that a float holds; never negative.
pub(crate) fn whole(bytes: f64) -> u64 {
    bytes.max(0.0) as u64
}

/// `grows by 41.0 MiB an hour for 9 h and reaches its limit of 2.00 GiB in 14 h`.
pub(crate) fn words(growth: &Growth, limit: u64) -> String {
    let (rate, lasted) = (Size(whole(growth.slope_per_hour)), Span(growth.until.saturating_sub(growth.since)));
    let end = match Span(growth.reaches_limit_in) {
        Span(0) => format!("is at its limit of {}", Size(limit)),
        left if left.0 < HOUR => format!("reaches its limit of {} in less than 1 h", Size(limit)),
        left => format!("reaches its limit of {} in {}", Size(limit), left.in_whole_hours()),
    };
    format!(
        "has grown by {rate} an hour for {} and {end}",
        if lasted.0 < HOUR { lasted } else { lasted.in_whole_hours() }
    )
}

/// The most important first.
pub(crate) fn measures(growth: &Growth, size: u64, limit: u64, run: Option<u64>, lows: &[Low]) -> Vec<Measure> {
    let mut measures = vec![
        Measure::bytes(MEMORY, size),
        Measure::bytes(LIMIT, limit),
        Measure::bytes(PER_HOUR, whole(growth.slope_per_hour)),
        Measure::milliseconds(LEFT, growth.reaches_limit_in),
        Measure::bytes(FROM, whole(growth.from)),
        Measure::instant("grows-since", growth.since),
        Measure::ratio("probability-of-chance", growth.p_value),
    ];
    measures.extend(run.map(|run| Measure::instant(RUN, run)));
    measures.push(Measure::text("curve", curve(lows)));
    measures
}

/// The lows as columns from 0 to the highest one, the newest last.
fn curve(lows: &[Low]) -> String {
    let highest = lows.iter().map(|low| low.bytes).fold(1.0, f64::max);
    let every = lows.len().div_ceil(COLUMNS).max(1);
    let column = |low: &Low| {
        ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'].get((low.bytes.max(0.0) / highest * 7.99) as usize).copied()
    };
    lows.rchunks(every).rev().filter_map(|part| column(part.last()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(reaches_limit_in: u64) -> Growth {
        let until = 9 * HOUR;
        let (from, to, slope_per_hour) = (1e9, 1.4e9, 43_000_000.0);
        Growth { since: 0, until, from, to, slope_per_hour, p_value: 0.001, reaches_limit_in }
    }

    #[test]
    fn words_for_a_person() {
        assert_eq!(
            words(&growth(14 * HOUR - 1), 2 << 30),
            "has grown by 41.0 MiB an hour for 9 h and reaches its limit of 2.00 GiB in 14 h"
        );
        assert!(words(&growth(5), 1 << 30).ends_with("reaches its limit of 1.00 GiB in less than 1 h"));
        assert!(words(&growth(0), 1 << 30).ends_with("is at its limit of 1.00 GiB"));
    }

    #[test]
    fn a_curve_has_at_most_24_columns_and_ends_with_the_newest() {
        let lows: Vec<Low> = (0..100).map(|hour| Low { at: hour * HOUR, bytes: hour as f64 }).collect();
        let drawn = curve(&lows);
        assert!(drawn.chars().count() <= COLUMNS && drawn.starts_with('▁') && drawn.ends_with('█'), "{drawn}");
        assert_eq!((curve(&[]), curve(&[Low { at: 0, bytes: -1.0 }])), (String::new(), "▁".into()));
    }
}
