//! Room in tables that their rows do not need, and that no vacuum gives back: told, because each way to mend it rewrites the
//! table.

use ansai_sdk::{Severity, Size, share};

use super::tables;
use crate::imports::ansai::postgresql::postgresql_probe::Table;
use crate::report::Report;
use crate::server::View;
use crate::settings::Settings;

/// The share of the file that rows do not need. Dead rows are a finding of their own, and a vacuum comes first.
fn share_of(table: &Table) -> Option<f64> {
    share::of(table.bloat_bytes?, table.bytes)
}

fn severity(table: &Table, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    let is_large = table.bloat_bytes.is_some_and(|bytes| bytes >= settings.bloat_least.0);
    let is_vacuumed = tables::severity(table, settings, None).is_none();
    settings.bloat().severity(share_of(table)? * 100.0, open).filter(|_| is_large && is_vacuumed)
}

pub(super) fn observe(view: &View<'_>, all: Vec<Table>, settings: &Settings, report: &mut Report<'_>) {
    let severity = |table: &Table, open| severity(table, settings, open);
    let tables = view.place.all("bloat", "bloated table");
    for found in report.each(tables, all, |table| &table.about, severity, |table| table.bloat_bytes) {
        let table = &found.thing;
        let (bytes, part) = (table.bloat_bytes.unwrap_or_default(), share_of(table).unwrap_or_default());
        let (percent, size) = (share::percent_words(part * 100.0), Size(bytes));
        let name = format!("{} of {}", table.name, table.database);
        let seen = found.observe(format!("about {size} ({percent}) of {name} is room that its rows do not need"));
        let seen = seen.ratio("bloat", part).bytes("bloat-bytes", bytes).bytes("size", table.bytes);
        report.add(seen.part_of(view.place.about.clone()).at_distance(bytes as f64));
    }
}
