//! What only MySQL and MariaDB have: how much they work, unused room in tables, and changes that InnoDB cannot purge.

mod load;

use ansai_sdk::pages::{Listed, Part};
use ansai_sdk::{
    CouldNotTell as _, Decision, Failure, Host, Measure, Observation, Preview, Refusal, Severity, Size, Span, Status,
    share,
};

use crate::due::due;
use crate::imports::ansai::mysql::mysql_actions;
use crate::imports::ansai::mysql::mysql_probe::{self, Table, TablePage};
use crate::plan::{MAINTAIN, Situation};
use crate::report::{Report, is_full};
use crate::server::View;
use crate::settings::{HALF, Settings};

const TABLES: &str = "ansai:mysql/mysql-probe";
const OPTIMIZE: &str = "ansai:mysql/mysql-actions.optimize";
const ROOM: &str = "unused-room";

ansai_sdk::host_calls! {
    "ansai:mysql/mysql-probe.list-tables" =>
        fn table_page(target: &str, cursor: Option<&str>) -> TablePage = mysql_probe::list_tables;
    OPTIMIZE => fn optimize(target: &str, table: &str, within: u64, reason: &str) -> Preview = mysql_actions::optimize;
}

crate::calls::parts! {
    /// The tables of the database of a target.
    tables: "table", table_page => TablePage of Table;
}

/// Observes one server. Says what is not checked, if something is not.
pub(crate) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) -> Option<String> {
    let (host, target) = (report.host(), view.target);
    load::running(view, settings, report);
    load::slow_queries(view, settings, report);
    history(view, settings, report);
    if is_full(report) {
        return None;
    }
    let part = due(host, settings, target, &[ROOM])?;
    if !host.grants().has(TABLES) {
        return Some(format!("its tables are not checked: {TABLES} is not granted"));
    }
    if let Some(all) = report.listed(ROOM, "table", target, &view.server.about, tables(host, target, part)) {
        unused_room(view, all, settings, report);
    }
    None
}

/// Changes that are kept for the oldest transaction. They make the server slower, and its files larger.
fn history(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let (target, key) = (view.target, format!("history:{}", view.target));
    let Some(length) = view.count("history-list") else { return report.looked("history", target, None) };
    let severity = settings.history.rearm_by(HALF).severity(length as f64, report.host().open_severity(&key));
    let status = severity.map_or(Status::Healthy, Status::Unhealthy);
    let words = format!("{target} keeps {length} changes that it cannot purge");
    let mut seen =
        Observation::new(key, view.server.about.clone(), status, words).with(Measure::count("changes", length));
    let longest = view.count("longest-transaction");
    seen.evidence.extend(longest.map(|lasts| Measure::milliseconds("longest-transaction", lasts)));
    report.add_news(seen);
}

fn advise_history(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let view = View::again(situation)?;
    let oldest =
        view.sessions.iter().filter_map(|one| Some((one.in_transaction_since?, one))).min_by_key(|(at, _)| *at);
    let who = oldest.map_or_else(
        || "no session has a transaction now, so the purge is slower than the changes".to_owned(),
        |(at, one)| {
            let lasts = Span(view.since(Some(at)));
            format!("the oldest transaction is {lasts} old: {} of {}", one.about.name, one.user)
        },
    );
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

fn key(table: &Table) -> String {
    format!("{ROOM}:{}", table.about.name)
}

fn words(table: &Table) -> String {
    let percent = share::percent_words(share_of(table).unwrap_or_default() * 100.0);
    format!("{} of {} has {} of unused room ({percent})", table.name, table.database, Size(table.free_bytes))
}

fn unused_room(view: &View<'_>, all: Vec<Table>, settings: &Settings, report: &mut Report<'_>) {
    let host = report.host();
    let fault = |table: &Table| severity(table, settings, None).map(|severity| (severity, table.free_bytes));
    for table in &report.worst("table", view.target, &view.server.about, all, key, fault) {
        let found = severity(table, settings, host.open_severity(&key(table)));
        let status = found.map_or(Status::Healthy, Status::Unhealthy);
        let seen = Observation::new(key(table), table.about.clone(), status, words(table))
            .with(Measure::ratio("unused", share_of(table).unwrap_or_default()))
            .with(Measure::bytes("unused-bytes", table.free_bytes))
            .with(Measure::bytes("size", table.bytes));
        report.add(seen.at_distance(table.free_bytes as f64));
    }
}

fn rebuild(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, target, about) = (situation.host, situation.target, &situation.finding.about);
    let listed =
        tables(host, target, Part::Same).could_not_tell(&format!("the tables of {target} cannot be listed"))?;
    let Some(table) = listed.entries.into_iter().find(|table| table.about == *about) else {
        return Ok(situation.not_listed(listed.end.is_none()));
    };
    if severity(&table, situation.settings, situation.finding.severity()).is_none() {
        return Ok(Decision::Wait(format!("{} has {} of unused room now", about.name, Size(table.free_bytes))));
    }
    let (why, within) = (words(&table), situation.settings.maintain_within.0);
    Ok(situation
        .next
        .step(MAINTAIN, OPTIMIZE, ("rebuild it", &why), || optimize(host, target, &table.id, within, &why)))
}

/// What to do about a finding of this engine; `None` if it is none of them.
pub(crate) fn plan(situation: &Situation<'_>) -> Option<Result<Decision, Failure>> {
    Some(match situation.kind {
        ROOM => rebuild(situation),
        "history" => advise_history(situation),
        _ => return None,
    })
}
