//! Dead rows, and the vacuum that makes their room usable.

use ansai_sdk::pages::Part;
use ansai_sdk::{
    CouldNotTell as _, Decision, Failure, Measure, Observation, Severity, Size, Span, Status, share, text,
};

use crate::calls::{self, VACUUM};
use crate::imports::ansai::postgresql::postgresql_probe::Table;
use crate::plan::{MAINTAIN, Situation};
use crate::report::Report;
use crate::server::View;
use crate::settings::{HALF, Settings};

/// A vacuum so short ago has removed what it can.
const RECENT: Span = Span(15 * 60_000);

/// The share of dead rows; `None` without rows.
fn share_of(table: &Table) -> Option<f64> {
    share::of(table.dead, table.live.saturating_add(table.dead))
}

fn severity(table: &Table, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    let is_large = table.dead > settings.dead_least;
    settings.dead_rows.rearm_by(HALF).severity(share_of(table)? * 100.0, open).filter(|_| is_large)
}

pub(super) fn observe(view: &View<'_>, all: Vec<Table>, settings: &Settings, report: &mut Report<'_>) {
    let host = report.host();
    let fault = |table: &Table| severity(table, settings, None).map(|severity| (severity, table.dead));
    for table in &report.worst("table", view.target, &view.server.about, all, key, fault) {
        let found = severity(table, settings, host.open_severity(&key(table)));
        let status = found.map_or(Status::Healthy, Status::Unhealthy);
        let part = share_of(table).unwrap_or_default();
        let words = format!(
            "{} of {} has {} dead rows ({})",
            table.name,
            table.database,
            table.dead,
            share::percent_words(part * 100.0)
        );
        let mut seen = Observation::new(key(table), table.about.clone(), status, words)
            .with(Measure::ratio("dead", part))
            .with(Measure::count("dead-rows", table.dead))
            .with(Measure::count("live-rows", table.live))
            .with(Measure::bytes("size", table.bytes));
        seen.evidence.extend(table.bloat_bytes.map(|bytes| Measure::bytes("bloat", bytes)));
        seen.evidence.extend(table.vacuumed.map(|at| Measure::instant("vacuumed", at)));
        report.add(seen.at_distance(table.dead as f64));
    }
}

fn key(table: &Table) -> String {
    format!("dead-rows:{}", table.about.name)
}

pub(super) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, target, about) = (situation.host, situation.target, &situation.finding.about);
    let listed =
        calls::tables(host, target, Part::Same).could_not_tell(&format!("the tables of {target} cannot be listed"))?;
    let Some(table) = listed.entries.into_iter().find(|table| table.about == *about) else {
        return Ok(situation.not_listed(listed.end.is_none()));
    };
    if severity(&table, situation.settings, situation.finding.severity()).is_none() {
        return Ok(Decision::Wait(format!("{} has {} dead rows now", about.name, table.dead)));
    }
    let view = View::again(situation)?;
    if let Some(at) = table.vacuumed.filter(|at| view.since(Some(*at)) < RECENT.0) {
        let ago = Span(view.since(Some(at)));
        let why = format!("it was vacuumed {ago} ago, and its dead rows stay; {}", holder(&view));
        return Ok(situation.next.advise("find out what holds its dead rows", why));
    }
    let why = format!("{} dead rows of {} take room", table.dead, table.name);
    let within = situation.settings.maintain_within.0;
    let reason = format!("{} in {}", why, Size(table.bytes));
    Ok(situation
        .next
        .step(MAINTAIN, VACUUM, ("vacuum it", &why), || calls::vacuum(host, target, &table.id, true, within, &reason)))
}

/// Who may hold dead rows and old transactions, as far as the server tells.
pub(super) fn holder(view: &View<'_>) -> String {
    let count = |name: &str| view.count(name).unwrap_or_default();
    let (age, prepared) = (count("oldest-snapshot-age"), count("prepared-transactions"));
    format!(
        "the oldest snapshot of a session is {age} transactions old; the server has {}; a slot or a replica with feedback \
         can hold them, too",
        text::count(prepared, "prepared transaction")
    )
}
