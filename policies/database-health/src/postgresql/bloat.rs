//! Room in tables that their rows do not need, and that no vacuum gives back: told, because each way to mend it rewrites the
//! table.

use ansai_sdk::{Measure, Observation, Severity, Size, Status, share};

use crate::imports::ansai::postgresql::postgresql_probe::Table;
use crate::report::Report;
use crate::server::View;
use crate::settings::Settings;

fn key(table: &Table) -> String {
    format!("bloat:{}", table.about.name)
}

/// The share of the file that rows do not need. Dead rows are a finding of their own, and a vacuum comes first.
fn share_of(table: &Table) -> Option<f64> {
    share::of(table.bloat_bytes?, table.bytes)
}

fn severity(table: &Table, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    let is_large = table.bloat_bytes.is_some_and(|bytes| bytes >= settings.bloat_least.0);
    let is_vacuumed = !settings.has_dead_rows(table.live, table.dead);
    settings.bloat().severity(share_of(table)? * 100.0, open).filter(|_| is_large && is_vacuumed)
}

pub(super) fn observe(view: &View<'_>, all: Vec<Table>, settings: &Settings, report: &mut Report<'_>) {
    let host = report.host();
    let fault = |table: &Table| severity(table, settings, None).and(table.bloat_bytes);
    for table in &report.worst("bloated table", view.target, &view.server.about, all, key, fault) {
        let found = severity(table, settings, host.open_severity(&key(table)));
        let status = found.map_or(Status::Healthy, Status::Unhealthy);
        let (bytes, part) = (table.bloat_bytes.unwrap_or_default(), share_of(table).unwrap_or_default());
        let (percent, size) = (share::percent_words(part * 100.0), Size(bytes));
        let words = format!(
            "about {size} ({percent}) of {} of {} is room that its rows do not need",
            table.name, table.database
        );
        let seen = Observation::new(key(table), table.about.clone(), status, words)
            .with(Measure::ratio("bloat", part))
            .with(Measure::bytes("bloat-bytes", bytes))
            .with(Measure::bytes("size", table.bytes));
        report.add(seen.part_of(view.server.about.clone()).at_distance(bytes as f64));
    }
}
