//! What only PostgreSQL has: dead rows, bloat, invalid indexes, the age of transactions, the cache.

pub(crate) mod age;
mod bloat;
mod cache;
pub(crate) mod indexes;
pub(crate) mod tables;

use crate::calls::{self, TABLES};
use crate::due;
use crate::report::{Report, is_full};
use crate::server::View;
use crate::settings::Settings;

/// Observes one server. Says what is not checked, if something is not.
pub(crate) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) -> Option<String> {
    let (host, target, about) = (view.place.host, view.place.name, &view.place.about);
    age::observe(view, settings, report);
    cache::observe(view, settings, report);
    if view.server.replica {
        return Some("its tables are maintained on the server that it follows".into());
    }
    if is_full(report) {
        return None;
    }
    // Nothing is done about bloat, which can stay for months: it does not make the lists due each minute.
    let Some(part) = due::tables(view, settings, &["index", "dead-rows"]) else {
        report.keep("bloat", target);
        return None;
    };
    if let Some(all) = report.listed("index", "index", target, about, calls::indexes(host, target, part)) {
        indexes::observe(view, all, report);
    }
    if !host.grants().has(TABLES) {
        return Some(format!("its tables are not checked: {TABLES} is not granted"));
    }
    let listed = report.listed("dead-rows", "table", target, about, calls::tables(host, target, part));
    report.looked_as_well("bloat", "dead-rows", target);
    if let Some(all) = listed {
        bloat::observe(view, all.clone(), settings, report);
        tables::observe(view, all, settings, report);
    }
    None
}
