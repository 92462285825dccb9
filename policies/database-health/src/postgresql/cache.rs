//! The share of reads that the cache answers.

use ansai_sdk::{Measure, Observation, Severity, Status, Value, share};

use crate::report::Report;
use crate::server::View;
use crate::settings::Settings;

/// Blocks that must have been read since the statistics were reset. A server that just started has an empty cache.
const LEAST_READS: u64 = 1_000_000;
/// An open finding ends so many percentage points above the threshold.
const REARM: f64 = 2.0;

pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let target = view.target;
    let key = format!("cache:{target}");
    let is_enough = view.count("cache-requests").is_some_and(|reads| reads >= LEAST_READS);
    let Some(Value::Number(hits)) = view.measure("cache-hits").filter(|_| is_enough).map(|one| one.value.clone())
    else {
        return report.looked("cache", target, None);
    };
    let goal = settings.cache_hits + if report.host().is_open(&key) { REARM } else { 0.0 };
    let status = if hits * 100.0 < goal { Status::Unhealthy(Severity::Notice) } else { Status::Healthy };
    let words = format!("the cache of {target} answers {} of its reads", share::percent_words(hits * 100.0));
    let seen = Observation::new(key, view.server.about.clone(), status, words).with(Measure::ratio("cache-hits", hits));
    report.add_news(seen);
}
