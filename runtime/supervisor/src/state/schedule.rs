//! What schedules must remember: how far `cron` has come, and instances whose evaluations failed.

use ansai_core::{InstanceName, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::budgets::integer;
use super::{State, StateError};
use crate::faults::Stored;

impl State {
    /// The time up to which an instance has run by this pattern; `None` if it has not.
    pub(crate) fn seen(&self, instance: &InstanceName, cron: &str) -> Result<Option<Timestamp>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT seen FROM cron WHERE instance = ?1 AND pattern = ?2")?;
            let seen = statement.query_row([instance.as_str(), cron], |row| row.get::<_, i64>(0)).optional()?;
            Ok(seen.map(|seen| Timestamp::from_millis(seen.unsigned_abs())))
        })
    }

    /// Stores it, durable with the next durable write.
    pub(crate) fn put_seen(&self, instance: &InstanceName, cron: &str, seen: Timestamp) -> Result<(), StateError> {
        self.0.write_soon(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO cron VALUES (?1, ?2, ?3)")?.execute(params![
                instance.as_str(),
                cron,
                integer(seen.as_millis())
            ])?;
            Ok(())
        })
    }

    /// All instances whose last evaluation failed. Rows whose names are invalid today are left out.
    pub(crate) fn faults(&self) -> Result<Vec<(InstanceName, Stored)>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare("SELECT instance, value FROM fault ORDER BY instance")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let mut all = Vec::new();
            for row in rows {
                let (instance, value) = row?;
                if let Ok(instance) = instance.parse() {
                    all.push((instance, serde_json::from_str(&value)?));
                }
            }
            Ok(all)
        })
    }

    /// Stores or removes the faults of an instance, durably if a decision depends on it.
    pub(crate) fn put_faults(
        &self,
        instance: &InstanceName,
        stored: Option<&Stored>,
        is_durable: bool,
    ) -> Result<(), StateError> {
        let value = stored.map(serde_json::to_string).transpose()?;
        let change = |connection: &rusqlite::Connection| {
            match &value {
                Some(value) => connection
                    .prepare_cached("INSERT OR REPLACE INTO fault VALUES (?1, ?2)")?
                    .execute(params![instance.as_str(), value])?,
                None => {
                    connection.prepare_cached("DELETE FROM fault WHERE instance = ?1")?.execute([instance.as_str()])?
                }
            };
            Ok(())
        };
        if is_durable { self.0.write(change) } else { self.0.write_soon(change) }
    }
}
