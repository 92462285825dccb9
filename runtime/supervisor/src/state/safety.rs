//! The storm breaker, what changed which thing, and the fights that are held.

use ansai_core::fight::Fight;
use ansai_core::{Millis, Subject};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::budgets::{elapsed, integer};
use super::{Reading, State, StateError};
use crate::fights::{Act, HeldFight};
use crate::storm::Breaker;

impl State {
    /// As the last run left it.
    pub(crate) fn breaker(&self) -> Result<Breaker, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM storm")?;
            let value = statement.query_row([], |row| row.get::<_, String>(0)).optional()?;
            Ok(value.map(|value| serde_json::from_str(&value)).transpose()?.unwrap_or_default())
        })
    }

    /// Stores it durably.
    pub(crate) fn put_breaker(&self, breaker: &Breaker) -> Result<(), StateError> {
        let value = serde_json::to_string(breaker)?;
        self.0.write(|connection| put_breaker(connection, &value))
    }

    /// Stores it with the next durable write.
    pub(crate) fn put_breaker_soon(&self, breaker: &Breaker) -> Result<(), StateError> {
        let value = serde_json::to_string(breaker)?;
        self.0.write_soon(|connection| put_breaker(connection, &value))
    }

    /// Adds what an instance did to a thing, durably; answers all that was done to it within the time, the oldest first.
    pub(crate) fn add_act(
        &self,
        about: &Subject,
        act: &Act,
        within: Millis,
        now: &Reading,
    ) -> Result<Vec<Act>, StateError> {
        self.0.write(|connection| {
            let now = elapsed(connection, now)?;
            connection
                .prepare_cached("DELETE FROM act WHERE at <= ?1")?
                .execute([now.saturating_sub(integer(within.get()))])?;
            connection
                .prepare_cached("INSERT INTO act (kind, name, at, instance, frees) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![about.kind, about.name, now, act.instance.as_str(), act.frees])?;
            Ok(())
        })?;
        self.0.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT instance, frees FROM act WHERE kind = ?1 AND name = ?2 ORDER BY id")?;
            let mut rows = statement.query(params![about.kind, about.name])?;
            let mut acts = Vec::new();
            while let Some(row) = rows.next()? {
                let Ok(instance) = row.get::<_, String>(0)?.parse() else { continue };
                acts.push(Act { instance, frees: row.get(1)? });
            }
            Ok(acts)
        })
    }

    /// All fights that are held.
    pub(crate) fn fights(&self) -> Result<Vec<HeldFight>, StateError> {
        self.0.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT value FROM fight ORDER BY kind, name, first, second")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
        })
    }

    /// Stores a fight durably.
    pub(crate) fn put_fight(&self, held: &HeldFight) -> Result<(), StateError> {
        let (value, fight) = (serde_json::to_string(held)?, &held.fight);
        self.0.write(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO fight VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                fight.about.kind,
                fight.about.name,
                fight.instances.0.as_str(),
                fight.instances.1.as_str(),
                value
            ])?;
            Ok(())
        })
    }

    /// Removes a fight durably, with what both did: it begins again at zero.
    pub(crate) fn remove_fight(&self, fight: &Fight) -> Result<(), StateError> {
        let Fight { about, instances: (first, second), .. } = fight;
        let both = params![about.kind, about.name, first.as_str(), second.as_str()];
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM fight WHERE kind = ?1 AND name = ?2 AND first = ?3 AND second = ?4")?
                .execute(both)?;
            connection
                .prepare_cached("DELETE FROM act WHERE kind = ?1 AND name = ?2 AND instance IN (?3, ?4)")?
                .execute(both)?;
            Ok(())
        })
    }
}

fn put_breaker(connection: &Connection, value: &str) -> Result<(), StateError> {
    connection.prepare_cached("INSERT OR REPLACE INTO storm VALUES (1, ?1)")?.execute([value])?;
    Ok(())
}

#[cfg(test)]
mod tests;
