//! Open incidents with their attempts.

use ansai_core::Incident;
use rusqlite::{Connection, params};

use super::{State, StateError};

impl State {
    /// Open incidents of an instance, by key.
    pub fn incidents(&self, instance: &str) -> Result<Vec<Incident>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM incident WHERE instance = ?1 ORDER BY key")?;
            let rows = statement.query_map([instance], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
        })
    }

    /// Open incidents of all instances with at least one attempt begun.
    pub(crate) fn begun_incidents(&self) -> Result<Vec<Incident>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare("SELECT value FROM incident WHERE json_extract(value, '$.begun') > 0")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
        })
    }

    /// Writes an incident; durable when this returns.
    pub fn put_incident(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.0.write(|connection| put_incident(connection, incident, &value))
    }

    /// The same without a sync, for an incident that has new evidence only: after a loss of power the next pass
    /// writes it again.
    pub(crate) fn put_incident_soon(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.0.write_soon(|connection| put_incident(connection, incident, &value))
    }

    /// Removes a closed incident. The audit log has its history.
    pub fn close_incident(&self, instance: &str, key: &str) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM incident WHERE instance = ?1 AND key = ?2")?
                .execute(params![instance, key])?;
            Ok(())
        })
    }
}

fn put_incident(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.0.write(|connection| put_incident(connection, incident, &value))
    }

    /// The same without a sync, for an incident that has new evidence only: after a loss of power the next pass
    /// writes it again.
    pub(crate) fn put_incident_soon(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.0.write_soon(|connection| put_incident(connection, incident, &value))
    }

    /// Removes a closed incident. The audit log has its history.
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
