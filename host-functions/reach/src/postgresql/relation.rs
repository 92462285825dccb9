//! Tables and indexes of the database of a target.

use std::fmt;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::client::{Row, Server};

/// How a comment begins that ansai gives to an index which its rebuild left behind.
pub(super) const MARK: &str = "ansai: left behind by a rebuild";
/// The size of a relation `c`. It waits for a lock.
pub(super) const EXACT_SIZE: &str = "coalesce(pg_relation_size(c.oid), 0)";
/// Its size at the last `VACUUM` or `ANALYZE`.
pub(super) const KNOWN_SIZE: &str = "c.relpages::bigint * current_setting('block_size')::bigint";
/// How long a list waits for somebody who locks a table, for its exact size.
const LOCK: Duration = Duration::from_millis(200);

/// A relation by the numbers of its database and its own. Names can be given to other relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Id {
    pub(crate) database: u32,
    pub(crate) relation: u32,
}

impl Id {
    /// `16384.24576`.
    pub(super) fn parse(argument: &str, text: &str) -> Result<Id, Refusal> {
        let read = || {
            let (database, relation) = text.split_once('.')?;
            Some(Id { database: database.parse().ok()?, relation: relation.parse().ok()? })
        };
        read().ok_or_else(|| Refusal::Invalid(format!("`{argument}` is not an id of a list")))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.relation)
    }
}

/// The condition that a relation `c` in a schema `n` belongs to a user: 16384 is the first number that is not the server's.
pub(crate) fn of_users() -> &'static str {
    "c.oid >= 16384 and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relpersistence <> 't'"
}

/// Whether an index `c`, `i` was left behind by ansai. The mark is a comment that only its owner can write.
pub(crate) fn leftover() -> String {
    format!(
        "(not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$'
           and coalesce(obj_description(c.oid, 'pg_class') ^@ '{MARK}', false))"
    )
}

/// Whether an index `c` is being built. The server is asked once for a statement, not once for each index. Of a build that
/// the role may not see, the number is null.
pub(crate) fn building() -> &'static str {
    "coalesce(c.oid = any (array(select p.index_relid from pg_stat_progress_create_index p
       where p.datname = current_database())), false)"
}

/// The rows of a list. Its argument is the size of a relation `c`, as an expression. The exact size needs a lock of each
/// relation: one that somebody else locks must not hide the others.
///
/// # Errors
/// As [`Server::rows`].
pub(crate) fn rows(
    ask: &ProbeContext<'_>,
    server: &Server,
    limit: Duration,
    statement: impl Fn(&str) -> String,
) -> Result<Vec<Row>, Refusal> {
    match server.rows_with_locks(limit, LOCK, &statement(EXACT_SIZE)) {
        Err(Refusal::Busy(_)) => {
            let left = crate::database::names::limit(ask)?;
            server.rows(left, &statement(KNOWN_SIZE))
        }
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_id_is_two_numbers() {
        let id = Id { database: 5, relation: 16_384 };
        assert_eq!(Id::parse("table", &id.to_string()).unwrap(), id);
        for bad in ["", "5", "5.", "5.x", "5.1.2", "-1.2", "5.1 or true", "5.4294967296"] {
            assert!(matches!(Id::parse("table", bad), Err(Refusal::Invalid(_))), "{bad}");
        }
    }
}
