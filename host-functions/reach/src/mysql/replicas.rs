//! `list-replicas`: the sources that this server follows, and the replicas that follow it.

use ansai_core::{Millis, Refusal, Subject};
use ansai_kit::host::ProbeContext;

use super::client::{Dialect, Server};
use crate::database::List;
use crate::database::names::{limit, shown};
use crate::database::page::{self, Page};
use crate::database::replicas::Replica;
use crate::postgresql::client::{BadRow, Row};

/// The sources of this server.
pub(super) fn sources(dialect: Dialect) -> &'static str {
    if dialect.is_mariadb { "show all slaves status" } else { "show replica status" }
}

/// Sessions that send changes.
const CONNECTED: &str = "select id, user, coalesce(state, '') as state from information_schema.processlist \
    where command like 'Binlog Dump%' order by id limit 1024";

pub(super) fn list_replicas(ask: &ProbeContext<'_>, List { target, cursor }: List) -> Result<Page<Replica>, Refusal> {
    let server = Server::of(ask.reach, &target)?;
    let after = cursor.unwrap_or_default();
    let [sources, connected] = server.rows(limit(ask)?, |dialect| [sources(dialect).into(), CONNECTED.into()])?;
    let mut page = Page { entries: Vec::new(), skipped: 0, complete: true, cursor: None };
    let entries = sources.iter().map(|row| source(&target, row));
    for entry in entries.chain(connected.iter().map(|row| replica(&target, row))) {
        match entry {
            Ok(entry) => page.entries.push(entry),
            Err(BadRow) => page.skipped = page.skipped.saturating_add(1),
        }
    }
    page.entries.sort_by(|one, other| one.name.cmp(&other.name));
    page.entries.retain(|entry| entry.name > after);
    if page.entries.len() > page::MOST {
        page.entries.truncate(page::MOST);
        page.complete = false;
        page.cursor = page.entries.last().map(|last| last.name.clone());
    }
    Ok(page)
}

fn entry(target: &str, name: String, state: String, broken: bool, lag: Option<Millis>) -> Replica {
    let about = Subject::new("replica", format!("{target}/{name}"));
    Replica { about, name, state, broken, lag, window: None, behind_bytes: None, retained_bytes: None }
}

fn replica(target: &str, row: &Row) -> Result<Replica, BadRow> {
    let name = shown(&format!("connection/{}/{}", row.text("user")?, row.number::<u64>("id")?));
    Ok(entry(target, name, shown(&row.text("state")?), false, None))
}

/// A column whose name differs between the engines.
fn either<'r>(row: &'r Row, names: [&str; 2]) -> Result<Option<&'r str>, BadRow> {
    let [first, second] = names;
    row.optional(first).or_else(|BadRow| row.optional(second))
}

fn source(target: &str, row: &Row) -> Result<Replica, BadRow> {
    let name = either(row, ["Connection_name", "Channel_Name"])?.unwrap_or_default();
    let name = if name.is_empty() { "self".to_owned() } else { format!("self/{name}") };
    let receiver = either(row, ["Slave_IO_Running", "Replica_IO_Running"])?.unwrap_or_default();
    let applier = either(row, ["Slave_SQL_Running", "Replica_SQL_Running"])?.unwrap_or_default();
    let behind = either(row, ["Seconds_Behind_Master", "Seconds_Behind_Source"])?;
    let behind: Option<u64> = behind.map(|seconds| seconds.parse().map_err(|_| BadRow)).transpose()?;
    let delay: u64 = row.maybe("SQL_Delay")?.unwrap_or(0);
    let mut errors = Vec::new();
    for column in ["Last_IO_Errno", "Last_SQL_Errno"] {
        errors.extend(row.maybe::<u32>(column)?.filter(|number| *number != 0));
    }
    let mut state = format!("receiver: {receiver}, applier: {applier}");
    for number in &errors {
        state += &format!(", error: {number}");
    }
    if delay > 0 {
        state += &format!(", delay: {delay} s");
    }
    let broken = receiver != "Yes" || applier != "Yes";
    // What a broken replica shows is not how far it is behind.
    let lag =
        behind.filter(|_| !broken).map(|seconds| Millis::new(seconds.saturating_sub(delay).saturating_mul(1_000)));
    Ok(entry(target, shown(&name), shown(&state), broken, lag))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// `show replica status` of MySQL 8.
    fn of(values: [Option<&str>; 7]) -> Result<Replica, BadRow> {
        let columns = [
            "Channel_Name",
            "Replica_IO_Running",
            "Replica_SQL_Running",
            "Seconds_Behind_Source",
            "SQL_Delay",
            "Last_IO_Errno",
            "Last_SQL_Errno",
        ];
        let columns: Vec<String> = columns.map(str::to_owned).to_vec();
        let values = values.map(|value| value.map(|value| value.as_bytes().to_vec())).to_vec();
        source("db", &Row::of_mysql(columns.into(), values))
    }

    #[test]
    fn a_delay_is_not_a_lag_and_no_lag_is_broken() {
        let good = of([Some(""), Some("Yes"), Some("Yes"), Some("7"), Some("0"), Some("0"), Some("0")]).unwrap();
        assert_eq!((good.name.as_str(), good.broken, good.lag), ("self", false, Some(Millis::new(7_000))));
        let delayed = of([Some("a"), Some("Yes"), Some("Yes"), Some("3605"), Some("3600"), Some("0"), Some("0")]);
        let delayed = delayed.unwrap();
        assert_eq!((delayed.name.as_str(), delayed.lag), ("self/a", Some(Millis::new(5_000))));
        assert!(delayed.state.ends_with("delay: 3600 s"), "{}", delayed.state);
        for (receiver, applier) in [("Yes", "No"), ("Connecting", "Yes"), ("No", "No")] {
            let broken = of([Some(""), Some(receiver), Some(applier), None, Some("0"), Some("0"), Some("1062")]);
            let broken = broken.unwrap();
            assert_eq!((broken.broken, broken.lag), (true, None));
            assert!(broken.state.ends_with("error: 1062"), "{}", broken.state);
        }
        assert!(of([Some(""), Some("Yes"), Some("Yes"), Some("x"), Some("0"), None, None]).is_err());
    }
}
