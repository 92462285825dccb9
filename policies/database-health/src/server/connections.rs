//! How many connections are in use, of those that ordinary roles get.

use ansai_sdk::{Measure, Observation, share};

use super::View;
use crate::report::Report;
use crate::settings::Settings;

/// Connections that ordinary roles get.
pub(super) fn usable(view: &View<'_>) -> u64 {
    view.server.most_connections.saturating_sub(view.server.reserved).into()
}

pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let (used, usable, target) = (u64::from(view.server.connections), usable(view), view.target);
    let key = format!("connections:{target}");
    let Some(part) = share::of(used, usable) else {
        let why = format!("{target} does not tell how many connections it accepts");
        return report.add(Observation::unknown(key, view.server.about.clone(), why));
    };
    let (levels, percent) = (settings.connections(), part * 100.0);
    let status = levels.status(percent, report.host().open_severity(&key));
    let words = format!("{target} has {used} of {usable} connections in use ({})", share::percent_words(percent));
    report.add(
        Observation::new(key, view.server.about.clone(), status, words)
            .with(Measure::ratio("used", part))
            .with(Measure::count("connections", used))
            .with(Measure::count("usable", usable))
            .at_distance(percent - levels.goal().unwrap_or(percent)),
    );
}
