//! Connections that an application opens and never closes: one user and application holds most of them, they are idle, and
//! there are ever more.

use std::collections::BTreeMap;

use ansai_sdk::{Severity, Span};

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
    let (host, target, usable) = (view.place.host, view.place.name, usable(view));
    // An incident that is not mentioned is over.
    report.looked("leak", target, None);
    let (series, holder) = (view.place.key("idle"), view.place.key("idle-of"));
    let is_open = view.place.is_open("leak");
    let limit = (settings.leak_percent - if is_open { REARM } else { 0.0 }) / 100.0 * usable as f64;
    let most = largest(view).filter(|(.., idle)| *idle > 1 && *idle as f64 >= limit);
    let name = most.map(|(user, application, _)| format!("{user}\n{application}")).unwrap_or_default();
    if host.recall(&holder).unwrap_or_default() != name {
        host.delete_series(&series);
        host.remember(&holder, &name);
    }
    let Some((user, application, idle)) = most else { return };
    if let Err(refusal) = host.append(&series, idle as f64) {
        host.warn(&format!("whether the idle sessions of {target} grow is unknown: {}", refusal.words()));
    }
    let least = (usable.saturating_mul(GROWS_PERCENT) / 100).max(1) as f64;
    if !is_open && !host.grows_in_each_half(&series, LOOK_BACK, LEAST_KNOWN, least) {
        return;
    }
    let words =
        format!("{user} ({application}) holds {idle} of {usable} connections of {target} idle, and their number grew");
    let seen = view.place.observe("leak", Severity::Warning, words).count("idle", idle).count("usable", usable);
    report.add(seen.text("user", user).text("application", application));
}

/// The user and application with the most idle sessions of clients, without those in a transaction.
fn largest<'v>(view: &'v View<'_>) -> Option<(&'v str, &'v str, u64)> {
    let mut all: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in view.sessions.iter().filter(|one| one.work == Work::Client && one.state == "idle") {
        let count = all.entry((&one.user, &one.application)).or_default();
        *count = count.saturating_add(1);
    }
    let ((user, application), count) = all.into_iter().max_by_key(|(_, count)| *count)?;
    Some((user, application, count))
}
