//! What is told and not delivered yet, on the disk.
//!
//! The outbox has a database of its own, because the supervisor keeps a transaction of its database open, and nobody who
//! delivers messages may hold it up. Every change is one durable transaction. The database also has the place in the audit
//! log up to which events became notices: both change together, so that no event is told twice or not at all.

mod counts;
mod incidents;
pub(crate) mod messages;
pub(crate) mod notices;
mod pick;
pub(crate) mod store;

use std::path::PathBuf;

pub(crate) use self::incidents::Known;
pub use self::messages::Concluded;
pub(crate) use self::notices::{Filed, Group};
pub use self::pick::Picked;
pub use self::store::Outbox;
pub(crate) use self::store::Transaction;

/// Why the outbox cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The error of SQLite.
    #[error("outbox of notifications: {0}")]
    Database(#[from] rusqlite::Error),
    /// A value is not in the form that ansai writes.
    #[error("outbox of notifications: {0}")]
    Form(#[from] serde_json::Error),
    /// A newer ansai wrote it.
    #[error("outbox of notifications {}: a newer ansai wrote it, in format {found}; this one knows formats up to {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Version of its tables.
        found: i64,
        /// Newest version that this ansai knows.
        known: i64,
    },
}

impl OutboxError {
    /// Whether the file is not a database any more.
    pub fn is_damaged(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            OutboxError::Database(error) => {
                matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            }
            OutboxError::Form(_) | OutboxError::Newer { .. } => false,
        }
    }
}

/// Bounds of what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Messages of one channel.
    pub messages: u64,
    /// Size of the messages of one channel together, in bytes.
    pub bytes: u64,
    /// Notices that wait for others, of all channels.
    pub notices: u64,
}

impl Default for Capacity {
    fn default() -> Self {
        Capacity { messages: 100_000, bytes: 256 << 20, notices: 20_000 }
    }
}

/// As SQLite stores it.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// As it was stored.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
