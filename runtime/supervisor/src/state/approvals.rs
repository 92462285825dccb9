//! Plans that wait for approval, and what became of them.

use std::cell::Cell;
use std::path::Path;

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::{Millis, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::budgets::integer;
use super::{SCHEMA, State, StateError};

/// What was decided or ended is listed for so long.
const KEPT: Millis = Millis::from_hours(30 * 24);

impl State {
    /// Adds a plan that waits, and removes what is over for long; durable.
    pub(crate) fn put_approval(&self, approval: &Approval) -> Result<(), StateError> {
        let value = serde_json::to_string(approval)?;
        let oldest = Timestamp::from_millis(approval.asked.as_millis().saturating_sub(KEPT.get()));
        self.0.write(|connection| {
            connection
                .prepare_cached("DELETE FROM approval WHERE asked < ?1 AND state NOT IN ('open', 'approved')")?
                .execute([integer(oldest.as_millis())])?;
            connection.prepare_cached("INSERT INTO approval VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                approval.plan,
                approval.incident,
                integer(approval.asked.as_millis()),
                approval.state.word(),
                value
            ])?;
            Ok(())
        })
    }

    /// Writes what became of a plan, durably. False, and nothing is written, if its state is not `from`: somebody else was
    /// first.
    pub(crate) fn change_approval(&self, from: ApprovalState, approval: &Approval) -> Result<bool, StateError> {
        let value = serde_json::to_string(approval)?;
        let changed = Cell::new(0);
        self.0.write(|connection| {
            changed.set(
                connection
                    .prepare_cached("UPDATE approval SET state = ?3, value = ?4 WHERE plan = ?1 AND state = ?2")?
                    .execute(params![approval.plan, from.word(), approval.state.word(), value])?,
            );
            Ok(())
        })?;
        Ok(changed.get() == 1)
    }

    /// One plan.
    pub(crate) fn approval(&self, plan: &str) -> Result<Option<Approval>, StateError> {
        self.0.read(|connection| one(connection, "SELECT value FROM approval WHERE plan = ?1", plan))
    }

    /// The plans: what waits comes first, and the newest of these. At most 5,000.
    pub(crate) fn approvals(&self) -> Result<Vec<Approval>, StateError> {
        self.0.read(list)
    }

    /// The plans that a person was asked about for an incident, oldest first. At most 100: the latest ones.
    pub(crate) fn approvals_of(&self, incident: &str) -> Result<Vec<Approval>, StateError> {
        self.0.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT value FROM approval WHERE incident = ?1 ORDER BY asked DESC, plan DESC LIMIT 100",
            )?;
            let rows = statement.query_map([incident], |row| row.get::<_, String>(0))?;
            let mut all: Vec<Approval> =
                rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect::<Result<_, StateError>>()?;
            all.reverse();
            Ok(all)
        })
    }

    /// The plan that was proposed last for an incident.
    pub(crate) fn approval_of(&self, incident: &str) -> Result<Option<Approval>, StateError> {
        const NEWEST: &str = "SELECT value FROM approval WHERE incident = ?1 ORDER BY asked DESC, plan DESC LIMIT 1";
        self.0.read(|connection| one(connection, NEWEST, incident))
    }
}

fn one(connection: &Connection, statement: &str, name: &str) -> Result<Option<Approval>, StateError> {
    let value = connection.prepare_cached(statement)?.query_row([name], |row| row.get::<_, String>(0)).optional()?;
    Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
}

/// One instance with many plans does not hide those that wait.
const ALL: &str =
    "SELECT value FROM approval ORDER BY state NOT IN ('open', 'approved'), asked DESC, plan DESC LIMIT 5000";

/// The plans in a database, in the same order, also while a daemon has it open. Changes nothing. A database of an earlier
/// version has none.
pub(crate) fn all(file: &Path) -> Result<Vec<Approval>, StateError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > SCHEMA.version() {
        return Err(StateError::Newer { found, known: SCHEMA.version() });
    }
    let mut tables = connection.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'approval'")?;
    if !tables.exists([])? {
        return Ok(Vec::new());
    }
    list(&connection)
}

fn list(connection: &Connection) -> Result<Vec<Approval>, StateError> {
    let mut statement = connection.prepare(ALL)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
}
