//! The policies' data: store and series of each instance.

use std::ops::Range;
use std::sync::Arc;

use ansai_core::{Attempt, InstanceName, Refusal, Subject, Timestamp};
use ansai_kit::evaluation_state::{Memory, Trigger, Writes};
use ansai_kit::policy::aggregate::Aggregate;
use rusqlite::{OptionalExtension as _, params};

use super::{State, StateError, series};

impl State {
    /// Commits the data of a successful evaluation if its trigger keeps it. What a verification or a person caused leaves
    /// no trace: it must not shift the policy's series and rates.
    pub(crate) fn commit_after(
        &self,
        trigger: &Trigger,
        instance: &InstanceName,
        now: Timestamp,
        writes: &Writes,
    ) -> Result<(), StateError> {
        if trigger.commits() { self.commit(instance, now, writes) } else { Ok(()) }
    }

    /// Writes the data of a successful evaluation; durable with the next durable write or [`State::flush`].
    pub(crate) fn commit(&self, instance: &InstanceName, now: Timestamp, writes: &Writes) -> Result<(), StateError> {
        if writes.store.is_empty() && writes.series.is_empty() && self.note_evaluated(instance, now)? {
            return Ok(());
        }
        let name = instance.as_str();
        self.write_evaluated(instance, now, |connection| {
            for (key, value) in &writes.store {
                match value {
                    Some(value) => connection
                        .prepare_cached("INSERT OR REPLACE INTO store VALUES (?1, ?2, ?3)")?
                        .execute(params![name, key, value])?,
                    None => connection
                        .prepare_cached("DELETE FROM store WHERE instance = ?1 AND key = ?2")?
                        .execute(params![name, key])?,
                };
            }
            for (series, write) in &writes.series {
                super::series::write(connection, &super::series::KEEP, (name, series), now, *write)?;
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

    /// Samples of a series in a range of time, and hours that begin in it, oldest first.
    pub(crate) fn samples(
        &self,
        instance: &InstanceName,
        series: &str,
        range: Range<Timestamp>,
    ) -> Result<Vec<Aggregate>, StateError> {
        self.0.read(|connection| series::read(connection, (instance.as_str(), series), range))
    }

    /// Names of an instance's series.
    pub(crate) fn series(&self, instance: &InstanceName) -> Result<Vec<String>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT name FROM series WHERE instance = ?1")?;
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
    fn samples(&self, series: &str, range: Range<Timestamp>) -> Result<Vec<Aggregate>, Refusal> {
        self.state.samples(&self.instance, series, range).map_err(refused)
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

pub(super) fn unsigned(at: i64) -> Timestamp {
    Timestamp::from_millis(at.unsigned_abs())
}
