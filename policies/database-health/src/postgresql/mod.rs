//! What only PostgreSQL has: dead rows, bloat, invalid indexes, the age of transactions, the cache.

mod age;
mod bloat;
mod cache;
mod indexes;
mod tables;

use ansai_sdk::{Decision, Failure};

use crate::calls::{self, TABLES};
use crate::due::due;
use crate::plan::Situation;
use crate::report::{Report, is_full, keep};
use crate::server::View;
use crate::settings::Settings;

/// Observes one server. Says what is not checked, if something is not.
pub(crate) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) -> Option<String> {
    let (host, target, about) = (report.host(), view.target, &view.server.about);
    age::observe(view, settings, report);
    cache::observe(view, settings, report);
    if view.server.replica {
        return Some("its tables are maintained on the server that it follows".into());
    }
    if is_full(report) {
        return None;
    }
    // Nothing is done about bloat, which can stay for months: it does not make the lists due each minute.
    let Some(part) = due(host, settings, target, &["index", "dead-rows"]) else {
        keep(report, "bloat", target);
        return None;
    };
    if let Some(all) = report.listed("index", "index", target, about, calls::indexes(host, target, part)) {
        indexes::observe(view, all, report);
    }
    if !host.grants().has(TABLES) {
        return Some(format!("its tables are not checked: {TABLES} is not granted"));
    }
    let listed = calls::tables(host, target, part);
    let missing = match &listed {
        Ok(all) => all.missing("table"),
        Err(refusal) => Some(format!("the tables of {target} cannot be listed: {}", refusal.words())),
    };
    report.looked("bloat", target, missing);
    if let Some(all) = report.listed("dead-rows", "table", target, about, listed) {
        bloat::observe(view, all.clone(), settings, report);
        tables::observe(view, all, settings, report);
    }
    None
}

/// What to do about a finding of this engine; `None` if it is none of them.
pub(crate) fn plan(situation: &Situation<'_>) -> Option<Result<Decision, Failure>> {
    Some(match situation.kind {
        "dead-rows" => tables::plan(situation),
        "index" => indexes::plan(situation),
        "wraparound" => age::plan(situation),
        _ => return None,
    })
}
