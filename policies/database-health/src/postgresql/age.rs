//! The age of the oldest transaction: PostgreSQL stops before it reaches 2^31.

use ansai_sdk::pages::Part;
use ansai_sdk::{CouldNotTell as _, Decision, Failure, Ladder, largest, share};

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
    let target = view.place.name;
    let Some(age) = oldest(view) else {
        return report
            .add(view.place.unknown("wraparound", format!("{target} does not tell how old its transactions are")));
    };
    let percent = age as f64 / MOST_AGE * 100.0;
    let freeze = view.count("freeze-age").unwrap_or_default();
    // An operator who lets autovacuum begin late gets no alarm before it begins.
    let is_late = age as f64 >= freeze as f64 * ABOVE_FREEZE_AGE;
    let far = if is_late { percent } else { 0.0 };
    let share = share::percent_words(percent);
    let words = format!("the oldest transaction of {target} is {age} transactions old ({share} of what stops it)");
    let seen = view.place.judge("wraparound", settings.wraparound, far, words);
    report.add(seen.count("age", age).count("freeze-age", freeze).at_distance(far));
}

pub(crate) fn plan(situation: &Situation<'_>) -> Result<Decision, Failure> {
    let (host, target) = (situation.host, situation.target);
    let view = View::again(situation)?;
    let age = oldest(&view).unwrap_or_default();
    let held = view.count("oldest-snapshot-age").unwrap_or_default();
    if held as f64 >= age as f64 * HOLDS {
        let why = format!("a vacuum cannot help while an old transaction is open: {}", holder(&view));
        return Ok(situation.next.advise("end the oldest transaction", why));
    }
    if !host.grants().has(TABLES) || !host.grants().has(POSTGRESQL_ACTIONS) || !situation.next.is_at(MAINTAIN) {
        let why = format!("`vacuum freeze` of its oldest tables is needed; {}", holder(&view));
        return Ok(situation.next.advise("find out why autovacuum does not freeze its old rows", why));
    }
    let listed = calls::tables(host, target, Part::Same);
    let listed = listed.could_not_tell(&format!("the tables of {target} cannot be listed"))?;
    let freeze = view.count("freeze-age").unwrap_or_default();
    let old: Vec<Table> = listed.entries.into_iter().filter(|table| table.transaction_age > freeze).collect();
    if listed.end.is_some() && old.is_empty() {
        let why = "the oldest tables are in a part of the list that was not read this time";
        return Ok(situation.next.wait_for(situation.settings.tables_every, why));
    }
    let mut ladder = Ladder::new(host, MOST_TABLES as u64, |preview| preview.items);
    for table in largest(old, MOST_TABLES, |table: &Table| table.transaction_age) {
        let reason = format!("{} has rows that are {} transactions old", table.name, table.transaction_age);
        let call = |_| calls::vacuum(host, target, &table.id, false, situation.within(), &reason);
        ladder.step(VACUUM, &table.id, call);
    }
    let why = "no old table of this database can be vacuumed, or the oldest one is in another database of the server";
    // A database has many tables, and its age is that of the oldest one.
    Ok(match ladder.decide(|_| vec![why.into(), holder(&view)]) {
        Decision::Apply(on_failure) => Decision::ApplyThenReplan(on_failure),
        other => other,
    })
}
