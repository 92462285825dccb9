//! What only PostgreSQL has: dead rows, invalid indexes, the age of transactions, the cache.

mod age;
mod cache;
mod indexes;
mod tables;

use ansai_sdk::context::Trigger;
use ansai_sdk::{Decision, Failure, Host};

use crate::calls::{self, TABLES};
use crate::plan::Situation;
use crate::report::{Report, is_full, scope};
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
    if is_full(report) || !is_due(host, settings, target) {
        return None;
    }
    host.remember(&at(target), &host.now().to_string());
    if let Some(all) = report.listed("index", "index", target, about, calls::indexes(host, target)) {
        indexes::observe(view, all, report);
    }
    if !host.grants().has(TABLES) {
        return Some(format!("its tables are not checked: {TABLES} is not granted"));
    }
    if let Some(all) = report.listed("dead-rows", "table", target, about, calls::tables(host, target)) {
        tables::observe(view, all, settings, report);
    }
    None
}

/// The key in the store of when tables and indexes were listed.
fn at(target: &str) -> String {
    format!("tables:{target}")
}

/// When the tables of a target were listed last; `None` if they never were.
pub(crate) fn listed_last(host: &Host, target: &str) -> Option<u64> {
    host.recall(&at(target)).and_then(|text| text.parse().ok())
}

/// Whether tables and indexes are listed now. A verification looks only if it may be about one of them.
fn is_due(host: &Host, settings: &Settings, target: &str) -> bool {
    let scopes = [format!("index:{target}"), format!("dead-rows:{target}")];
    let is_open = host.open_incidents().iter().any(|one| scopes.iter().any(|known| scope(&one.key) == known));
    let last = listed_last(host, target);
    // A clock that was set back does not stop it.
    let is_recent = last.is_some_and(|last| last <= host.now() && host.now() - last < settings.tables_every.0);
    is_open
        || match host.triggered_by() {
            Trigger::ByHand => true,
            Trigger::Verification => false,
            _ => !is_recent,
        }
}

/// What to do about a finding of this engine; `None` if it is none of them.
pub(crate) fn plan(situation: &Situation<'_>) -> Option<Result<Decision, Failure>> {
    Some(match situation.kind {
        "dead-rows" => tables::plan(situation),
        "index" => indexes::plan(situation),
        "wraparound" => age::plan(situation),
        "cache" => Ok(cache::plan(situation)),
        _ => return None,
    })
}
