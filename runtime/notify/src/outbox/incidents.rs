//! What the outbox knows of open incidents, from their events.

use ansai_core::{Severity, Subject, Timestamp};
use rusqlite::OptionalExtension as _;
use serde::{Deserialize, Serialize};

use super::{OutboxError, Transaction, number};

/// An incident that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) key: String,
    /// The worst that it was.
    pub(crate) severity: Severity,
    pub(crate) opened: Timestamp,
    pub(crate) summary: String,
    /// A person silenced it, or it is held under the incident of its cause.
    pub(crate) is_muted: bool,
    /// A plan was verified: it was healthy afterwards.
    pub(crate) is_healed: bool,
    /// The latest plan.
    pub(crate) plan: Option<String>,
    /// What it is about.
    pub(crate) subject: Option<Subject>,
    /// Since when its state is unknown, until that was told.
    pub(crate) unknown_since: Option<Timestamp>,
}

impl Known {
    /// One of which nothing else is known.
    pub(crate) fn new(id: &str, instance: &str, key: &str, opened: Timestamp) -> Known {
        Known {
            id: id.to_owned(),
            instance: instance.to_owned(),
            key: key.to_owned(),
            severity: Severity::Notice,
            opened,
            summary: String::new(),
            is_muted: false,
            is_healed: false,
            plan: None,
            subject: None,
            unknown_since: None,
        }
    }

    /// The incident with this id.
    pub(crate) fn of(transaction: &Transaction<'_>, id: &str) -> Result<Option<Known>, OutboxError> {
        let mut statement = transaction.prepare_cached("SELECT value FROM incident WHERE id = ?1")?;
        read(statement.query_row([id], |row| row.get(0)).optional()?)
    }

    /// The incident of a plan.
    pub(crate) fn of_plan(transaction: &Transaction<'_>, plan: &str) -> Result<Option<Known>, OutboxError> {
        let mut statement = transaction.prepare_cached("SELECT value FROM incident WHERE plan = ?1")?;
        read(statement.query_row([plan], |row| row.get(0)).optional()?)
    }

    /// Those whose state was unknown at this time or before.
    pub(crate) fn unknown_since(transaction: &Transaction<'_>, at: Timestamp) -> Result<Vec<Known>, OutboxError> {
        let mut statement =
            transaction.prepare_cached("SELECT value FROM incident WHERE unknown_at <= ?1 ORDER BY unknown_at")?;
        let found = statement.query_map([number(at.as_millis())], |row| row.get::<_, String>(0))?;
        found.map(|value| Ok(serde_json::from_str(&value?)?)).collect()
    }

    /// When the first one became unknown.
    pub(crate) fn first_unknown(transaction: &Transaction<'_>) -> Result<Option<Timestamp>, OutboxError> {
        let found: Option<i64> =
            transaction
                .query_row("SELECT min(unknown_at) FROM incident WHERE unknown_at IS NOT NULL", [], |row| row.get(0))?;
        Ok(found.map(|at| Timestamp::from_millis(super::unsigned(at))))
    }

    pub(crate) fn put(&self, transaction: &Transaction<'_>) -> Result<(), OutboxError> {
        let unknown = self.unknown_since.map(|at| number(at.as_millis()));
        let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO incident VALUES (?1, ?2, ?3, ?4)")?;
        statement.execute((&self.id, &self.plan, unknown, serde_json::to_string(self)?))?;
        Ok(())
    }

    pub(crate) fn remove(&self, transaction: &Transaction<'_>) -> Result<(), OutboxError> {
        transaction.execute("DELETE FROM incident WHERE id = ?1", [&self.id])?;
        Ok(())
    }
}

fn read(value: Option<String>) -> Result<Option<Known>, OutboxError> {
    Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
}
