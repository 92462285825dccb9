//! What only MySQL and MariaDB have: how much they work, unused room in tables, and changes that InnoDB cannot purge.

mod load;

use ansai_sdk::pages::Part;
use ansai_sdk::{Decision, Failure, Preview, Severity, Size, Span, share};

use crate::due;
use crate::imports::ansai::mysql::mysql_actions;
use crate::imports::ansai::mysql::mysql_probe::{self, Table};
use crate::plan::{MAINTAIN, Situation};
use crate::report::{Report, is_full};
use crate::server::View;
use crate::settings::{HALF, Settings};

const TABLES: &str = "ansai:mysql/mysql-probe";
const OPTIMIZE: &str = "ansai:mysql/mysql-actions.optimize";
const ROOM: &str = "unused-room";

ansai_sdk::host_calls! {
    OPTIMIZE => fn optimize(target: &str, table: &str, within: u64, reason: &str) -> Preview = mysql_actions::optimize;
}

ansai_sdk::lists! { 16 pages, by parts;
    /// The tables of the database of a target.
    "ansai:mysql/mysql-probe.list-tables" => fn tables(target: &str) -> Table = mysql_probe::list_tables as "table";
}

/// Observes one server. Says what is not checked, if something is not.
pub(crate) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) -> Option<String> {
    load::running(view, settings, report);
    load::slow_queries(view, settings, report);
    history(view, settings, report);
    if is_full(report) {
        return None;
    }
    let part = due::tables(view, settings, &[ROOM])?;
    if !view.place.host.grants().has(TABLES) {
        return Some(format!("its tables are not checked: {TABLES} is not granted"));
    }
    let listed = tables(view.place.host, view.place.name, part);
    if let Some(all) = report.listed(ROOM, "table", view.place.name, &view.place.about, listed) {
        unused_room(view, all, settings, report);
    }
    None
}

/// Changes that are kept for the oldest transaction. They make the server slower, and its files larger.
fn history(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let Some(length) = view.count("history-list") else { return report.looked("history", view.place.name, None) };
    let words = format!("{} keeps {length} changes that it cannot purge", view.place.name);
    let seen =
        view.place.judge("history", settings.history.rearm_by(HALF), length as f64, words).count("changes", length);
    report.add_news(seen.milliseconds("longest-transaction", view.count("longest-transaction")));
}

pub(crate) fn advise_history(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let view = View::again(situation)?;
    let since = view.sessions.iter().filter_map(|one| Some((one.in_transaction_since?, one)));
    let who = match since.min_by_key(|(at, _)| *at) {
        None => "no session has a transaction now, so the purge is slower than the changes".to_owned(),
        Some((at, one)) => {
            let lasts = Span(view.since(Some(at)));
            format!("the oldest transaction is {lasts} old: {} of {}", one.about.name, one.user)
        }
    };
    Ok(situation.next.advise("end or shorten the oldest transaction", who))
}

/// The share of a file that nothing uses; `None` of an empty one.
fn share_of(table: &Table) -> Option<f64> {
    share::of(table.free_bytes, table.bytes)
}

/// A rebuild is no hurry: unused room is used by the next rows.
fn severity(table: &Table, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    let is_large = table.free_bytes >= settings.unused_least.0;
    settings.unused_room.rearm_by(HALF).severity(share_of(table)? * 100.0, open).filter(|_| is_large)
}

fn words(table: &Table) -> String {
    let percent = share::percent_words(share_of(table).unwrap_or_default() * 100.0);
    format!("{} of {} has {} of unused room ({percent})", table.name, table.database, Size(table.free_bytes))
}

fn unused_room(view: &View<'_>, all: Vec<Table>, settings: &Settings, report: &mut Report<'_>) {
    let severity = |table: &Table, open| severity(table, settings, open);
    let tables = view.place.all(ROOM, "table");
    for found in report.each(tables, all, |table| &table.about, severity, |table| table.free_bytes) {
        let table = &found.thing;
        let seen = found.observe(words(table)).ratio("unused", share_of(table).unwrap_or_default());
        let seen = seen.bytes("unused-bytes", table.free_bytes).bytes("size", table.bytes);
        report.add(seen.at_distance(table.free_bytes as f64));
    }
}

pub(crate) fn rebuild(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, target) = (situation.host, situation.target);
    situation.next.listed(
        ("table", target),
        tables(host, target, Part::Same),
        |table| &table.about,
        |table| {
            if severity(&table, situation.settings, situation.finding.severity()).is_none() {
                let (name, free) = (&table.about.name, Size(table.free_bytes));
                return Ok(Decision::Wait(format!("{name} has {free} of unused room now")));
            }
            let why = words(&table);
            let call = || optimize(host, target, &table.id, situation.within(), &why);
            Ok(situation.next.step(MAINTAIN, OPTIMIZE, ("rebuild it", &why), call))
        },
    )
}
