//! What must outlive a restart: incidents with their attempts, the policies' stores and series, steps under way.

use std::path::Path;

use ansai_audit::Ballast;
use ansai_core::{Incident, Instant};
use ansai_kit::evaluation_state::{Sample, Writes};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::database::Database;
pub use crate::database::StateError;

/// Samples of a series are kept so long.
const SERIES_MS: u64 = 30 * 86_400_000;
/// Above this many samples a series is thinned to one per hour.
const MOST_SAMPLES: u64 = 2_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS incident (instance TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (instance, key)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS store (instance TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (instance, key)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sample (instance TEXT NOT NULL, series TEXT NOT NULL, at INTEGER NOT NULL,
        value REAL NOT NULL, PRIMARY KEY (instance, series, at)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS evaluated (instance TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS step (plan TEXT NOT NULL, step INTEGER NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (plan, step)) WITHOUT ROWID;";

/// The state of this host.
///
/// What a decision rests on is durable when it is written. What policies remember (series, store, when they were
/// last evaluated) waits in an open transaction for the next durable write or [`State::flush`]: with thousands of
/// instances a sync for each evaluation would be all that the disk does.
pub struct State(Database);

impl State {
    /// Opens or makes it. `ballast` is given up when the disk is full, so that state can still be written.
    pub fn open(file: &Path, ballast: Ballast) -> Result<State, StateError> {
        Ok(State(Database::open(file, SCHEMA, ballast)?))
    }

    /// Makes the ballast again where there is room; says why not.
    pub fn replenish(&self) -> Result<(), String> {
        let ballast = self.0.ballast();
        if ballast.is_full() { Ok(()) } else { ballast.ensure().map_err(|error| error.to_string()) }
    }

    /// Makes durable what waits.
    pub fn flush(&self) -> Result<(), StateError> {
        self.0.flush()
    }

    /// Open incidents of an instance, by key.
    pub fn incidents(&self, instance: &str) -> Result<Vec<Incident>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM incident WHERE instance = ?1 ORDER BY key")?;
            let rows = statement.query_map([instance], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
        })
    }

    /// Open incidents of all instances that were treated, or are about to be.
    pub(crate) fn begun_incidents(&self) -> Result<Vec<Incident>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare("SELECT value FROM incident WHERE json_extract(value, '$.begun') > 0")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
        })
    }

    /// Writes an incident: durable when this returns.
    pub fn put_incident(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.0.write(|connection| put_incident(connection, incident, &value))
    }

    /// The same for an incident of which only its evidence is new: what is lost with the power comes again.
    pub(crate) fn put_incident_soon(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.0.write_soon(|connection| put_incident(connection, incident, &value))
    }

    /// Forgets a closed incident; its history is in the audit log.
    pub fn close_incident(&self, instance: &str, key: &str) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM incident WHERE instance = ?1 AND key = ?2")?
                .execute(params![instance, key])?;
            Ok(())
        })
    }

    /// When an instance was last evaluated to an end.
    pub fn last_evaluated(&self, instance: &str) -> Result<Option<Instant>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT at FROM evaluated WHERE instance = ?1")?;
            Ok(statement.query_row([instance], |row| row.get::<_, i64>(0)).optional()?.map(i64::unsigned_abs))
        })
    }

    /// Keeps what a successful evaluation wrote: durable with the next durable write or [`State::flush`].
    pub fn commit(&self, instance: &str, now: Instant, writes: &Writes) -> Result<(), StateError> {
        let at = signed(now);
        self.0.write_soon(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO evaluated VALUES (?1, ?2)")?
                .execute(params![instance, at])?;
            for (key, value) in &writes.store {
                match value {
                    Some(value) => connection
                        .prepare_cached("INSERT OR REPLACE INTO store VALUES (?1, ?2, ?3)")?
                        .execute(params![instance, key, value])?,
                    None => connection
                        .prepare_cached("DELETE FROM store WHERE instance = ?1 AND key = ?2")?
                        .execute(params![instance, key])?,
                };
            }
            for (series, write) in &writes.series {
                let oldest = if write.reset { i64::MAX } else { signed(now.saturating_sub(SERIES_MS)) };
                connection
                    .prepare_cached("DELETE FROM sample WHERE instance = ?1 AND series = ?2 AND at < ?3")?
                    .execute(params![instance, series, oldest])?;
                if let Some(value) = write.value {
                    connection
                        .prepare_cached("INSERT OR REPLACE INTO sample VALUES (?1, ?2, ?3, ?4)")?
                        .execute(params![instance, series, at, value])?;
                }
                thin(connection, instance, series)?;
            }
            Ok(())
        })
    }

    /// A value of an instance's store.
    pub(crate) fn get(&self, instance: &str, key: &str) -> Result<Option<String>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM store WHERE instance = ?1 AND key = ?2")?;
            Ok(statement.query_row([instance, key], |row| row.get(0)).optional()?)
        })
    }

    /// Keys and value sizes of an instance's store.
    pub(crate) fn keys(&self, instance: &str) -> Result<Vec<(String, usize)>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, length(CAST(value AS BLOB)) FROM store WHERE instance = ?1 ORDER BY key",
            )?;
            let rows = statement.query_map([instance], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
            rows.map(|row| Ok(row.map(|(key, size)| (key, usize::try_from(size).unwrap_or(0)))?)).collect()
        })
    }

    /// Samples of a series since an instant, oldest first.
    pub(crate) fn samples(&self, instance: &str, series: &str, since: Instant) -> Result<Vec<Sample>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, value FROM sample WHERE instance = ?1 AND series = ?2 AND at >= ?3 ORDER BY at",
            )?;
            let rows = statement.query_map(params![instance, series, signed(since)], |row| {
                Ok(Sample { at: row.get::<_, i64>(0)?.unsigned_abs(), value: row.get(1)? })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
    }

    /// Names of an instance's series.
    pub(crate) fn series(&self, instance: &str) -> Result<Vec<String>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT DISTINCT series FROM sample WHERE instance = ?1")?;
            let rows = statement.query_map([instance], |row| row.get(0))?;
            rows.map(|row| Ok(row?)).collect()
        })
    }

    /// Notes that a step is under way: durable before its intent.
    pub(crate) fn begin_step(&self, plan: &str, step: u32, value: &str) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO step VALUES (?1, ?2, ?3)")?
                .execute(params![plan, step, value])?;
            Ok(())
        })
    }

    /// Its outcome is in the audit log.
    pub(crate) fn end_step(&self, plan: &str, step: u32) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM step WHERE plan = ?1 AND step = ?2")?
                .execute(params![plan, step])?;
            Ok(())
        })
    }

    /// Steps that were under way when ansai ended.
    pub(crate) fn steps(&self) -> Result<Vec<(String, u32, String)>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT plan, step, value FROM step ORDER BY plan, step")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.map(|row| Ok(row?)).collect()
        })
    }
}

fn put_incident(connection: &Connection, incident: &Incident, value: &str) -> Result<(), StateError> {
    connection.prepare_cached("INSERT OR REPLACE INTO incident VALUES (?1, ?2, ?3)")?.execute(params![
        incident.instance,
        incident.finding.key,
        value
    ])?;
    Ok(())
}

fn signed(at: Instant) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// Of the older samples of a long series one per hour stays: its minimum.
fn thin(connection: &Connection, instance: &str, series: &str) -> Result<(), StateError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM sample WHERE instance = ?1 AND series = ?2")?
        .query_row([instance, series], |row| row.get(0))?;
    if count.unsigned_abs() <= MOST_SAMPLES {
        return Ok(());
    }
    connection
        .prepare_cached(
            "DELETE FROM sample WHERE instance = ?1 AND series = ?2 AND at NOT IN (
                SELECT at FROM (SELECT at, row_number() OVER (PARTITION BY at / 3600000 ORDER BY value, at) AS place
                    FROM sample WHERE instance = ?1 AND series = ?2) WHERE place = 1)",
        )?
        .execute([instance, series])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use ansai_kit::evaluation_state::SeriesWrite;

    use super::*;

    fn state(dir: &Path) -> State {
        State::open(&dir.join("state.db"), Ballast::new(dir.join("ballast"), 4096)).unwrap()
    }

    #[test]
    fn a_store_is_per_instance_and_survives() {
        let dir = tempfile::tempdir().unwrap();
        let mut writes = Writes::default();
        writes.store.insert("a".into(), Some("1".into()));
        writes.store.insert("b".into(), None);
        state(dir.path()).commit("one", 5, &writes).unwrap();
        let state = state(dir.path());
        assert_eq!(state.get("one", "a").unwrap().as_deref(), Some("1"));
        assert_eq!(state.get("two", "a").unwrap(), None);
        assert_eq!(state.keys("one").unwrap(), [("a".to_owned(), 1)]);
        assert_eq!(state.last_evaluated("one").unwrap(), Some(5));
    }

    #[test]
    fn what_waits_is_seen_at_once_and_durable_with_the_next_durable_write() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path());
        let elsewhere = Connection::open(dir.path().join("state.db")).unwrap();
        let durable = || elsewhere.query_row("SELECT count(*) FROM evaluated", [], |row| row.get::<_, i64>(0)).unwrap();
        state.commit("one", 5, &Writes::default()).unwrap();
        assert_eq!(state.last_evaluated("one").unwrap(), Some(5));
        assert_eq!(durable(), 0);
        state.begin_step("plan", 0, "{}").unwrap();
        assert_eq!(durable(), 1);
        state.commit("two", 6, &Writes::default()).unwrap();
        assert_eq!(durable(), 1);
        state.flush().unwrap();
        assert_eq!(durable(), 2);
        state.flush().unwrap();
    }

    #[test]
    fn a_write_that_fails_takes_nothing_along_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path());
        state.commit("one", 5, &Writes::default()).unwrap();
        let failed = state.0.write(|connection| {
            connection.execute("INSERT INTO step VALUES ('plan', 0, '{}')", [])?;
            Err(connection.execute("INSERT INTO nowhere VALUES (1)", []).unwrap_err().into())
        });
        assert!(matches!(failed, Err(StateError::Database(_))));
        assert!(state.steps().unwrap().is_empty());
        state.begin_step("plan", 1, "{}").unwrap();
        assert_eq!(state.steps().unwrap().len(), 1);
    }

    #[test]
    fn long_series_keep_hourly_minima() {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path());
        for index in 0..=MOST_SAMPLES {
            let mut writes = Writes::default();
            let value = Some((index % 60) as f64);
            writes.series.insert("s".into(), SeriesWrite { reset: false, value });
            // Within one transaction each: only the last one is over the bound.
            state.commit("i", index * 60_000, &writes).unwrap();
        }
        let samples = state.samples("i", "s", 0).unwrap();
        assert_eq!(samples.len(), 34, "one per hour");
        assert!(samples.iter().all(|sample| sample.value == 0.0 || sample.at > 33 * 3_600_000));
        let mut writes = Writes::default();
        writes.series.insert("s".into(), SeriesWrite { reset: true, value: Some(7.0) });
        state.commit("i", 200_000_000, &writes).unwrap();
        assert_eq!(state.samples("i", "s", 0).unwrap(), [Sample { at: 200_000_000, value: 7.0 }]);
    }
}
