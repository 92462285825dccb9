//! Open incidents with their attempts.

use std::collections::BTreeSet;

use ansai_core::{Incident, InstanceName, Subject};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{State, StateError};

#[cfg(test)]
mod tests;

impl State {
    /// Open incidents of an instance, by key.
    pub(crate) fn incidents(&self, instance: &InstanceName) -> Result<Vec<Incident>, StateError> {
        if self.2.has_none(instance.as_str()) {
            return Ok(Vec::new());
        }
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM incident WHERE instance = ?1 ORDER BY key")?;
            let rows = statement.query_map([instance.as_str()], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
        })
    }

    /// Open incidents of all instances.
    pub(crate) fn all_incidents(&self) -> Result<Vec<Incident>, StateError> {
        self.0.read(all)
    }

    /// The open incident of an instance with this key.
    pub(crate) fn incident(&self, instance: &InstanceName, key: &str) -> Result<Option<Incident>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM incident WHERE instance = ?1 AND key = ?2")?;
            let value =
                statement.query_row(params![instance.as_str(), key], |row| row.get::<_, String>(0)).optional()?;
            Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
        })
    }

    /// The first open incidents about a thing, at most so many, of instances that are wanted.
    pub(crate) fn incidents_about(
        &self,
        about: &Subject,
        most: usize,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Incident>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT instance, value FROM incident WHERE json_extract(value, '$.finding.about.kind') = ?1
                    AND json_extract(value, '$.finding.about.name') = ?2 ORDER BY instance, key",
            )?;
            let mut rows = statement.query(params![about.kind, about.name])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                if found.len() == most {
                    break;
                }
                if is_wanted(&row.get::<_, String>(0)?) {
                    found.push(serde_json::from_str(&row.get::<_, String>(1)?)?);
                }
            }
            Ok(found)
        })
    }

    /// The ids of all open incidents.
    pub(crate) fn open_ids(&self) -> Result<BTreeSet<String>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare("SELECT json_extract(value, '$.id') FROM incident")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Open incidents of all instances with at least one started attempt.
    pub(crate) fn begun_incidents(&self) -> Result<Vec<Incident>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare("SELECT value FROM incident WHERE json_extract(value, '$.begun') > 0")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
        })
    }

    /// Writes an incident durably.
    pub(crate) fn put_incident(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.2.may_have(incident.instance.as_str());
        self.0.write(|connection| put_incident(connection, incident, &value))
    }

    /// Removes what was within its minimum time, and so never was an incident.
    pub(crate) fn forget_incident(&self, instance: &InstanceName, key: &str) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM incident WHERE instance = ?1 AND key = ?2")?
                .execute(params![instance.as_str(), key])?;
            Ok(())
        })
    }

    /// Writes without a sync, for an incident with nothing but new evidence: after a power failure, the next pass
    /// writes it again.
    pub(crate) fn put_incident_soon(&self, incident: &Incident) -> Result<(), StateError> {
        let value = serde_json::to_string(incident)?;
        self.2.may_have(incident.instance.as_str());
        self.0.write_soon(|connection| put_incident(connection, incident, &value))
    }
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Incident>, StateError> {
    let mut statement = connection.prepare_cached("SELECT value FROM incident ORDER BY instance, key")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
}

fn put_incident(connection: &Connection, incident: &Incident, value: &str) -> Result<(), StateError> {
    connection.prepare_cached("INSERT OR REPLACE INTO incident VALUES (?1, ?2, ?3)")?.execute(params![
        incident.instance.as_str(),
        incident.finding.key,
        value
    ])?;
    Ok(())
}
