//! The clocks of the host, as they were read last.

use ansai_core::HostClock;
use rusqlite::{OptionalExtension as _, params};

use super::{State, StateError};

impl State {
    /// What the last run knew of the clocks; `None` at the first one.
    pub(crate) fn host_clock(&self) -> Result<Option<HostClock>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM host_clock")?;
            let value = statement.query_row([], |row| row.get::<_, String>(0)).optional()?;
            Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
        })
    }

    /// Stores it, durable with the next durable write: every step makes one before it acts.
    pub(crate) fn put_host_clock(&self, clock: &HostClock) -> Result<(), StateError> {
        let value = serde_json::to_string(clock)?;
        self.0.write_soon(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO host_clock VALUES (0, ?1)")?.execute(params![value])?;
            Ok(())
        })
    }
}
