//! Connections that an application opens and never closes: one user and application holds most of them, they are idle, and
//! there are ever more.

use ansai_sdk::series::{Reduction, Window};
use ansai_sdk::{Measure, Observation, Severity, Span, Status};

use super::View;
use super::connections::usable;
use crate::imports::ansai::database::database_probe::Work;
use crate::report::Report;
use crate::settings::Settings;

/// The time in which the number must grow. A pool fills up once, and then stays as it is.
const LOOK_BACK: Span = Span::from_hours(6);
/// How far back the samples must reach, at least.
const LEAST_KNOWN: Span = Span::from_hours(4);
/// By how many percent of the connections it must grow in each half of that time.
const GROWS_PERCENT: u64 = 5;
/// An open finding ends so many percentage points below the limit.
const REARM: f64 = 5.0;

pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let (host, target, usable) = (report.host(), view.target, usable(view));
    // An incident that is not mentioned is over.
    report.looked("leak", target, None);
    let (key, series, holder) = (format!("leak:{target}"), format!("idle:{target}"), format!("idle-of:{target}"));
    let is_open = host.is_open(&key);
    let largest = largest(view);
    let limit = (settings.leak_percent - if is_open { REARM } else { 0.0 }) / 100.0 * usable as f64;
    let Some((user, application, idle)) = largest.filter(|(_, _, idle)| *idle > 1 && *idle as f64 >= limit) else {
        if host.recall(&holder).is_some_and(|name| !name.is_empty()) {
            host.delete_series(&series);
            host.remember(&holder, "");
        }
        return;
    };
    let name = format!("{user}\n{application}");
    if host.recall(&holder).as_deref() != Some(&name) {
        host.delete_series(&series);
        host.remember(&holder, &name);
    }
    if let Err(refusal) = host.append(&series, idle as f64) {
        host.warn(&format!("whether the idle sessions of {target} grow is unknown: {}", refusal.words()));
    }
    let window = Window::since(host.now().saturating_sub(LOOK_BACK.0), Reduction::Latest);
    let samples = host.samples(&series, window).unwrap_or_default();
    let least = (usable.saturating_mul(GROWS_PERCENT) / 100).max(1) as f64;
    let at = |place: usize| samples.get(place).map(|sample| sample.value);
    let (first, middle, last) = (at(0), at(samples.len() / 2), samples.last().map(|sample| sample.value));
    // Of minutes, the halves say nothing about a leak: a pool that fills up grows in both.
    let is_long = samples.first().is_some_and(|sample| host.now().saturating_sub(sample.at) >= LEAST_KNOWN.0);
    let grows = is_long
        && matches!((first, middle, last), (Some(first), Some(middle), Some(last))
        if middle - first >= least && last - middle >= least);
    if !grows && !is_open {
        return;
    }
    let words =
        format!("{user} ({application}) holds {idle} of {usable} connections of {target} idle, and their number grew");
    report.add(
        Observation::new(key, view.server.about.clone(), Status::Unhealthy(Severity::Warning), words)
            .with(Measure::count("idle", idle))
            .with(Measure::count("usable", usable))
            .with(Measure::text("user", user))
            .with(Measure::text("application", application)),
    );
}

/// The user and application with the most idle sessions of clients, without those in a transaction.
fn largest<'v>(view: &'v View<'_>) -> Option<(&'v str, &'v str, u64)> {
    let mut all: std::collections::BTreeMap<(&str, &str), u64> = std::collections::BTreeMap::new();
    for one in view.sessions.iter().filter(|one| one.work == Work::Client && one.state == "idle") {
        let count = all.entry((&one.user, &one.application)).or_default();
        *count = count.saturating_add(1);
    }
    let most = all.into_iter().max_by_key(|(_, count)| *count)?;
    Some((most.0.0, most.0.1, most.1))
}
