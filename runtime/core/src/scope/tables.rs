//! The tables of one interface as a person writes them, in a request or in a grant.

use serde::Serialize;

use super::Scope;

/// The most tables of one interface, in a request or in a grant.
pub const MOST_TABLES: usize = 64;

/// The tables that are written for one interface: one table, or a list of them in the order written. There is always at
/// least one, and at most [`MOST_TABLES`]. As JSON it is always a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ScopeTables(Vec<Scope>);

/// Why a list of tables is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableCountError {
    /// It has no table.
    #[error("an empty list of tables")]
    Empty,
    /// It has too many.
    #[error("{0} tables, at most {MOST_TABLES}")]
    TooMany(usize),
}

impl ScopeTables {
    /// The tables, in the order written.
    pub fn iter(&self) -> std::slice::Iter<'_, Scope> {
        self.0.iter()
    }

    /// The table, if there is only one.
    pub fn only(&self) -> Option<&Scope> {
        match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// How many tables there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// One table without fields: nothing is requested beyond what the operator grants, or nothing is granted beyond the
/// defaults.
impl Default for ScopeTables {
    fn default() -> Self {
        Scope::default().into()
    }
}

impl From<Scope> for ScopeTables {
    fn from(only: Scope) -> Self {
        ScopeTables(vec![only])
    }
}

impl TryFrom<Vec<Scope>> for ScopeTables {
    type Error = TableCountError;

    fn try_from(tables: Vec<Scope>) -> Result<Self, TableCountError> {
        match tables.len() {
            0 => Err(TableCountError::Empty),
            1..=MOST_TABLES => Ok(ScopeTables(tables)),
            more => Err(TableCountError::TooMany(more)),
        }
    }
}

impl<'a> IntoIterator for &'a ScopeTables {
    type Item = &'a Scope;
    type IntoIter = std::slice::Iter<'a, Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
