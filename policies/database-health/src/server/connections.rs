//! How many connections are in use, of those that ordinary roles get.

use ansai_sdk::share;

use super::View;
use crate::report::Report;
use crate::settings::Settings;

/// Connections that ordinary roles get.
pub(super) fn usable(view: &View<'_>) -> u64 {
    view.server.most_connections.saturating_sub(view.server.reserved).into()
}

pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let (used, usable, target) = (u64::from(view.server.connections), usable(view), view.place.name);
    let Some(part) = share::of(used, usable) else {
        let why = format!("{target} does not tell how many connections it accepts");
        return report.add(view.place.unknown("connections", why));
    };
    let (levels, percent) = (settings.connections(), part * 100.0);
    let words = format!("{target} has {used} of {usable} connections in use ({})", share::percent_words(percent));
    let seen = view.place.judge("connections", levels, percent, words).ratio("used", part);
    let seen = seen.count("connections", used).count("usable", usable);
    report.add(seen.at_distance(percent - levels.goal().unwrap_or(percent)));
}
