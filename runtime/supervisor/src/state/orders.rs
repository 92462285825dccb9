//! Pauses and silences.

use ansai_core::InstanceName;
use ansai_core::order::{Orders, Pause, Silence};
use rusqlite::{Connection, params};

use super::{State, StateError};

impl State {
    /// All that are stored, also those whose time is over.
    pub(crate) fn orders(&self) -> Result<Orders, StateError> {
        self.0.read(orders)
    }

    /// Stores a pause durably, in place of an earlier one of the same.
    pub(crate) fn put_pause(&self, pause: &Pause) -> Result<(), StateError> {
        let value = serde_json::to_string(pause)?;
        self.0.write(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO pause VALUES (?1, ?2)")?
                .execute(params![named(pause.instance.as_ref()), value])?;
            Ok(())
        })
    }

    /// Removes a pause durably.
    pub(crate) fn remove_pause(&self, instance: Option<&InstanceName>) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection.prepare_cached("DELETE FROM pause WHERE instance = ?1")?.execute([named(instance)])?;
            Ok(())
        })
    }

    /// Stores a silence durably, in place of an earlier one of the same.
    pub(crate) fn put_silence(&self, silence: &Silence) -> Result<(), StateError> {
        let value = serde_json::to_string(silence)?;
        self.0.write(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO silence VALUES (?1, ?2, ?3)")?.execute(params![
                named(silence.instance.as_ref()),
                silence.key,
                value
            ])?;
            Ok(())
        })
    }

    /// Removes a silence durably.
    pub(crate) fn remove_silence(&self, instance: Option<&InstanceName>, key: &str) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM silence WHERE instance = ?1 AND key = ?2")?
                .execute(params![named(instance), key])?;
            Ok(())
        })
    }
}

/// No instance has an empty name.
fn named(instance: Option<&InstanceName>) -> &str {
    instance.map_or("", InstanceName::as_str)
}

pub(super) fn orders(connection: &Connection) -> Result<Orders, StateError> {
    Ok(Orders {
        pauses: values(connection, "SELECT value FROM pause ORDER BY instance")?,
        silences: values(connection, "SELECT value FROM silence ORDER BY instance, key")?,
        ..Orders::default()
    })
}

fn values<T: serde::de::DeserializeOwned>(connection: &Connection, statement: &str) -> Result<Vec<T>, StateError> {
    let mut statement = connection.prepare_cached(statement)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
}
