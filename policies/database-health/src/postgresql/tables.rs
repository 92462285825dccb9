//! Dead rows, and the vacuum that makes their room usable.

use ansai_sdk::pages::Part;
use ansai_sdk::{Decision, Failure, Severity, Size, Span, share, text};

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

pub(super) fn severity(table: &Table, settings: &Settings, open: Option<Severity>) -> Option<Severity> {
    let is_large = table.dead > settings.dead_least;
    settings.dead_rows.rearm_by(HALF).severity(share_of(table)? * 100.0, open).filter(|_| is_large)
}

pub(super) fn observe(view: &View<'_>, all: Vec<Table>, settings: &Settings, report: &mut Report<'_>) {
    let severity = |table: &Table, open| severity(table, settings, open);
    let tables = view.place.all("dead-rows", "table");
    for found in report.each(tables, all, |table| &table.about, severity, |table| table.dead) {
        let (table, part) = (&found.thing, share_of(&found.thing).unwrap_or_default());
        let percent = share::percent_words(part * 100.0);
        let words = format!("{} of {} has {} dead rows ({percent})", table.name, table.database, table.dead);
        let seen = found.observe(words).ratio("dead", part).count("dead-rows", table.dead);
        let seen = seen.count("live-rows", table.live).bytes("size", table.bytes).bytes("bloat", table.bloat_bytes);
        report.add(seen.instant("vacuumed", table.vacuumed).at_distance(table.dead as f64));
    }
}

pub(crate) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, target) = (situation.host, situation.target);
    situation.next.listed(
        ("table", target),
        calls::tables(host, target, Part::Same),
        |table| &table.about,
        |table| {
            if severity(&table, situation.settings, situation.finding.severity()).is_none() {
                return Ok(Decision::Wait(format!("{} has {} dead rows now", table.about.name, table.dead)));
            }
            let view = View::again(situation)?;
            if let Some(ago) = table.vacuumed.map(|at| Span(view.since(Some(at)))).filter(|ago| *ago < RECENT) {
                let why = format!("it was vacuumed {ago} ago, and its dead rows stay; {}", holder(&view));
                return Ok(situation.next.advise("find out what holds its dead rows", why));
            }
            let why = format!("{} dead rows of {} take room", table.dead, table.name);
            let reason = format!("{why} in {}", Size(table.bytes));
            let call = || calls::vacuum(host, target, &table.id, true, situation.within(), &reason);
            Ok(situation.next.step(MAINTAIN, VACUUM, ("vacuum it", &why), call))
        },
    )
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
