//! The share of reads that the cache answers.

use ansai_sdk::{Severity, Value, share};

use crate::report::Report;
use crate::server::View;
use crate::settings::Settings;

/// Blocks that must have been read since the statistics were reset. A server that just started has an empty cache.
const LEAST_READS: u64 = 1_000_000;
/// An open finding ends so many percentage points above the threshold.
const REARM: f64 = 2.0;

pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let is_enough = view.count("cache-requests").is_some_and(|reads| reads >= LEAST_READS);
    let hits = view.measure("cache-hits").filter(|_| is_enough).map(|one| &one.value);
    let Some(Value::Number(hits)) = hits else { return report.looked("cache", view.place.name, None) };
    let percent = hits * 100.0;
    let goal = settings.cache_hits + if view.place.is_open("cache") { REARM } else { 0.0 };
    let severity = (percent < goal).then_some(Severity::Notice);
    let words = format!("the cache of {} answers {} of its reads", view.place.name, share::percent_words(percent));
    report.add_news(view.place.observe("cache", severity, words).ratio("cache-hits", *hits));
}
