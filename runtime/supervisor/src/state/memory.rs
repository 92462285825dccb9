//! The policies' data: store and series of each instance.

use std::sync::Arc;

use ansai_core::{Attempt, InstanceName, Millis, Refusal, Subject, Timestamp};
use ansai_kit::evaluation_state::{Memory, Sample, Writes};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{State, StateError};

/// Maximum age of samples.
const SERIES: Millis = Millis::from_hours(30 * 24);
/// Number of samples above which a series is reduced to one per hour.
pub(super) const MOST_SAMPLES: u64 = 2_000;

impl State {
    /// Time of the last successful evaluation of an instance.
    pub(crate) fn last_evaluated(&self, instance: &InstanceName) -> Result<Option<Timestamp>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT at FROM evaluated WHERE instance = ?1")?;
            Ok(statement.query_row([instance.as_str()], |row| row.get::<_, i64>(0)).optional()?.map(unsigned))
        })
    }

    /// Writes the data of a successful evaluation; durable with the next durable write or [`State::flush`].
    pub(crate) fn commit(&self, instance: &InstanceName, now: Timestamp, writes: &Writes) -> Result<(), StateError> {
        let (instance, at) = (instance.as_str(), signed(now));
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
                let oldest = if write.reset { i64::MAX } else { signed(now - SERIES) };
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
    pub(crate) fn get(&self, instance: &InstanceName, key: &str) -> Result<Option<String>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM store WHERE instance = ?1 AND key = ?2")?;
            Ok(statement.query_row([instance.as_str(), key], |row| row.get(0)).optional()?)
        })
    }

    /// Keys and value sizes of an instance's store.
    pub(crate) fn keys(&self, instance: &InstanceName) -> Result<Vec<(String, usize)>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT key, length(CAST(value AS BLOB)) FROM store WHERE instance = ?1 ORDER BY key",
            )?;
            let rows = statement.query_map([instance.as_str()], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
            rows.map(|row| Ok(row.map(|(key, size)| (key, usize::try_from(size).unwrap_or(0)))?)).collect()
        })
    }

    /// Samples of a series since an instant, oldest first.
    pub(crate) fn samples(
        &self,
        instance: &InstanceName,
        series: &str,
        since: Timestamp,
    ) -> Result<Vec<Sample>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at, value FROM sample WHERE instance = ?1 AND series = ?2 AND at >= ?3 ORDER BY at",
            )?;
            let rows = statement.query_map(params![instance.as_str(), series, signed(since)], |row| {
                Ok(Sample { at: unsigned(row.get(0)?), value: row.get(1)? })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
    }

    /// Names of an instance's series.
    pub(crate) fn series(&self, instance: &InstanceName) -> Result<Vec<String>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT DISTINCT series FROM sample WHERE instance = ?1")?;
            let rows = statement.query_map([instance.as_str()], |row| row.get(0))?;
            rows.map(|row| Ok(row?)).collect()
        })
    }
}

/// The data of one instance, as its policy reads it.
pub(crate) struct InstanceMemory {
    pub(crate) state: Arc<State>,
    pub(crate) instance: InstanceName,
}

fn refused(error: StateError) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

impl Memory for InstanceMemory {
    fn get(&self, key: &str) -> Result<Option<String>, Refusal> {
        self.state.get(&self.instance, key).map_err(refused)
    }
    fn keys(&self) -> Result<Vec<(String, usize)>, Refusal> {
        self.state.keys(&self.instance).map_err(refused)
    }
    fn samples(&self, series: &str, since: Timestamp) -> Result<Vec<Sample>, Refusal> {
        self.state.samples(&self.instance, series, since).map_err(refused)
    }
    fn series(&self) -> Result<Vec<String>, Refusal> {
        self.state.series(&self.instance).map_err(refused)
    }
    fn history(&self, about: &Subject, since: Timestamp, most: usize) -> Result<Vec<Attempt>, Refusal> {
        self.state.attempts(&self.instance, about, since, most).map_err(refused)
    }
}

pub(super) fn signed(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

fn unsigned(at: i64) -> Timestamp {
    Timestamp::from_millis(at.unsigned_abs())
}

/// Keeps only the minimum of each hour among the older samples of a long series.
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
