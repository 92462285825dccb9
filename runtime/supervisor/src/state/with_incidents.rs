//! Which instances may have open incidents, so that the passes of thousands that have none need no query.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use super::StateError;
use super::database::Database;

/// Names of instances that have had an incident in the database since it was opened. One that has none any more stays.
/// `None`: not known.
#[derive(Debug, Default)]
pub(super) struct WithIncidents(Option<RwLock<HashSet<String>>>);

impl WithIncidents {
    /// Of a database that only this process writes.
    pub(super) fn of(database: &Database) -> Result<WithIncidents, StateError> {
        let names = database.read(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT instance FROM incident")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        Ok(WithIncidents(Some(RwLock::new(names))))
    }

    /// Whether this instance certainly has no open incident.
    pub(super) fn has_none(&self, instance: &str) -> bool {
        let known = self.0.as_ref();
        known.is_some_and(|names| !names.read().unwrap_or_else(PoisonError::into_inner).contains(instance))
    }

    /// An incident of this instance is about to be written.
    pub(super) fn may_have(&self, instance: &str) {
        if let Some(names) = self.0.as_ref().filter(|_| self.has_none(instance)) {
            names.write().unwrap_or_else(PoisonError::into_inner).insert(instance.to_owned());
        }
    }
}
