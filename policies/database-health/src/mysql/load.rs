//! How much a server works at the same time, and how many of its statements are slow.

use ansai_sdk::Span;

use crate::report::Report;
use crate::server::View;
use crate::settings::{HALF, Settings};

/// How long so many sessions must work: a cache that expires makes a short peak.
const LONG: Span = Span(5 * 60_000);
/// A longer time without a look does not count: nobody knows how much the server worked.
const GAP: Span = Span(15 * 60_000);
/// Time between two samples of the counter of slow statements.
const EVERY: Span = Span(5 * 60_000);

/// Sessions that work at the same time: more than a server has processors and disks for make all of them slower.
pub(super) fn running(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let (host, target, key) = (view.place.host, view.place.name, view.place.key("running"));
    let Some(all) = view.count("threads-running") else { return report.looked("running", target, None) };
    // That of ansai is one of them.
    let count = all.saturating_sub(1);
    let severity = settings.running.rearm_by(HALF).severity(count as f64, host.open_severity(&key));
    let time = host.lasts(&key, severity.is_some(), GAP);
    let is_long = host.is_open(&key) || time >= LONG;
    let words = format!("{count} sessions of {target} work at the same time, for {time}");
    let seen = view.place.observe("running", severity.filter(|_| is_long), words).count("running", count);
    report.add_news(seen.milliseconds("lasts", time.0).at_distance(count as f64));
}

/// Statements that took longer than the `long_query_time` of the server. It counts them from its start on.
pub(super) fn slow_queries(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let (host, target, key) = (view.place.host, view.place.name, view.place.key("slow-queries"));
    let Some(all) = view.count("slow-queries") else { return report.looked("slow-queries", target, None) };
    let numbers = host.recall_numbers(&key);
    if numbers.is_some_and(|[at, _]| EVERY.lasts_since(at, host.now())) {
        return report.keep("slow-queries", target);
    }
    host.remember(&key, &format!("{} {all}", host.now()));
    // Neither the first sample nor one after a restart or a jump of the clock says how many there were. Clocks of servers can
    // differ from that of this host, so how long it has run is compared.
    let sample = numbers
        .filter(|[at, _]| view.since(Some(view.server.started)) >= host.since(*at).0)
        .and_then(|[at, before]| Some((host.now().checked_sub(at)?, all.checked_sub(before)?)));
    let Some((time, more)) = sample else { return report.keep("slow-queries", target) };
    let minute = more as f64 * 60_000.0 / time.max(1) as f64;
    let words = format!("{target} had {more} slow statements in {}", Span(time));
    let seen = view.place.judge("slow-queries", settings.slow_queries.rearm_by(HALF), minute, words);
    report.add_news(seen.count("slow-queries", more).milliseconds("time", time).at_distance(minute));
}
