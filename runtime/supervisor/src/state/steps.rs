//! Running steps, for recovery after a crash.

use ansai_core::{InstanceName, Timestamp};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{State, StateError};
use crate::guarded::Guarded;

/// A running step; it stays in the state until its outcome is recorded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnderWay {
    pub(crate) instance: InstanceName,
    pub(crate) action: String,
    /// Set when the action continues in the background.
    pub(crate) handle: Option<Box<RawValue>>,
    pub(crate) until: Option<Timestamp>,
    /// Set before the step acts, if it goes back by itself. The step stays in the state until it has, or is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) guard: Option<Guarded>,
}

/// A step that was running when ansai ended.
pub(crate) struct Interrupted {
    pub(crate) plan: String,
    pub(crate) step: u32,
    /// `Err` if the stored value is invalid.
    pub(crate) under_way: Result<UnderWay, String>,
}

impl State {
    /// Stores that a step is running. Make this durable before its intent.
    pub(crate) fn begin_step(&self, plan: &str, step: u32, under_way: &UnderWay) -> Result<(), StateError> {
        let value = serde_json::to_string(under_way)?;
        self.0.write(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO step VALUES (?1, ?2, ?3)")?
                .execute(params![plan, step, value])?;
            Ok(())
        })
    }

    /// Removes a step whose outcome is in the audit log. What is counted for it stays counted.
    pub(crate) fn end_step(&self, plan: &str, step: u32) -> Result<(), StateError> {
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM step WHERE plan = ?1 AND step = ?2")?
                .execute(params![plan, step])?;
            connection
                .prepare_cached("UPDATE budget SET open = 0 WHERE plan = ?1 AND step = ?2")?
                .execute(params![plan, step])?;
            Ok(())
        })
    }

    /// Steps that were running when ansai ended.
    pub(crate) fn interrupted_steps(&self) -> Result<Vec<Interrupted>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT plan, step, value FROM step ORDER BY plan, step")?;
            let rows = statement.query_map([], |row| {
                let value: String = row.get(2)?;
                let under_way = serde_json::from_str(&value).map_err(|error| error.to_string());
                Ok(Interrupted { plan: row.get(0)?, step: row.get(1)?, under_way })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
    }
}
