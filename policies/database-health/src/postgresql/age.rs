//! The age of the oldest transaction: PostgreSQL stops before it reaches 2^31.

use ansai_sdk::pages::Part;
use ansai_sdk::{CouldNotTell as _, Decision, Failure, Ladder, Measure, Observation, Span, largest, share};

use super::tables::holder;
use crate::calls::{self, POSTGRESQL_ACTIONS, TABLES, VACUUM};
use crate::imports::ansai::postgresql::postgresql_probe::Table;
use crate::plan::{MAINTAIN, Situation};
use crate::report::Report;
use crate::server::View;
use crate::settings::Settings;

const MOST_AGE: f64 = (1_u64 << 31) as f64;
/// Autovacuum begins at `freeze-age`, so an age that is a quarter above it means that autovacuum does not get along.
const ABOVE_FREEZE_AGE: f64 = 1.25;
/// Tables that one plan vacuums.
const MOST_TABLES: usize = 4;
/// If a snapshot is so much of the age, it is what prevents that the age goes down.
const HOLDS: f64 = 0.8;

/// The larger one of the ages of transactions and of multixacts; `None` if the server tells neither.
fn oldest(view: &View<'_>) -> Option<u64> {
    view.count("transaction-age").max(view.count("multixact-age"))
}

pub(super) fn observe(view: &View<'_>, settings: &Settings, report: &mut Report<'_>) {
    let target = view.target;
    let (key, about) = (format!("wraparound:{target}"), view.server.about.clone());
    let Some(age) = oldest(view) else {
        let why = format!("{target} does not tell how old its transactions are");
        return report.add(Observation::unknown(key, about, why));
    };
    let percent = age as f64 / MOST_AGE * 100.0;
    let freeze = view.count("freeze-age").unwrap_or_default();
    let is_late = age as f64 >= freeze as f64 * ABOVE_FREEZE_AGE;
    let levels = settings.wraparound;
    // An operator who lets autovacuum begin late gets no alarm before it begins.
    let status = levels.status(if is_late { percent } else { 0.0 }, report.host().open_severity(&key));
    let words = format!(
        "the oldest transaction of {target} is {age} transactions old ({} of what stops it)",
        share::percent_words(percent)
    );
    report.add(
        Observation::new(key, about, status, words)
            .with(Measure::count("age", age))
            .with(Measure::count("freeze-age", freeze))
            .at_distance(if is_late { percent } else { 0.0 }),
    );
}

pub(super) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, target) = (situation.host, situation.target);
    let view = View::again(situation)?;
    let age = oldest(&view).unwrap_or_default();
    let held = view.count("oldest-snapshot-age").unwrap_or_default();
    let what = "find out why autovacuum does not freeze its old rows";
    if held as f64 >= age as f64 * HOLDS {
        let why = format!("a vacuum cannot help while an old transaction is open: {}", holder(&view));
        return Ok(situation.next.advise("end the oldest transaction", why));
    }
    if !host.grants().has(TABLES) || !host.grants().has(POSTGRESQL_ACTIONS) || !situation.next.is_at(MAINTAIN) {
        let why = format!("`vacuum freeze` of its oldest tables is needed; {}", holder(&view));
        return Ok(situation.next.advise(what, why));
    }
    let listed =
        calls::tables(host, target, Part::Same).could_not_tell(&format!("the tables of {target} cannot be listed"))?;
    let freeze = view.count("freeze-age").unwrap_or_default();
    let old: Vec<Table> = listed.entries.into_iter().filter(|table| table.transaction_age > freeze).collect();
    if listed.end.is_some() && old.is_empty() {
        let rest = Span(situation.settings.tables_every.0);
        return Ok(situation
            .next
            .wait_for(rest, "the oldest tables are in a part of the list that was not read this time"));
    }
    let mut ladder = Ladder::new(host, MOST_TABLES as u64, |preview| preview.items);
    for table in largest(old, MOST_TABLES, |table: &Table| table.transaction_age) {
        let reason = format!("{} has rows that are {} transactions old", table.name, table.transaction_age);
        ladder.step(VACUUM, &table.id, |_| {
            calls::vacuum(host, target, &table.id, false, situation.settings.maintain_within.0, &reason)
        });
    }
    let decision = ladder.decide(|_| {
        let where_ =
            "no old table of this database can be vacuumed, or the oldest one is in another database of the server";
        vec![where_.into(), holder(&view)]
    });
    // A database has many tables, and its age is that of the oldest one.
    Ok(match decision {
        Decision::Apply(on_failure) => Decision::ApplyThenReplan(on_failure),
        other => other,
    })
}
