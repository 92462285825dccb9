//! Why a database is not opened, or why nobody knows what is in it.

use ansai_core::{Code, Refusal, codes};
use ansai_kit::program::ProgramError;

/// A database cannot be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqliteError {
    /// Its header is not one, or has values that SQLite does not write.
    #[error("{path} is not a SQLite database: {why}")]
    Header { path: String, why: String },
    /// Its owner is root, or it has another name elsewhere.
    #[error("{path} is not opened: {why}")]
    Owner { path: String, why: String },
    /// Somebody else than root and the owner can exchange it.
    #[error("{path} is not opened: {directory} can be written by others than root and user {uid}")]
    Directory { path: String, directory: String, uid: u32 },
    /// The process that opened it gave no answer that can be read.
    #[error("the process that opened {path} {why}")]
    Child { path: String, why: String },
    /// That process cannot be started.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

impl SqliteError {
    /// What kind of error it is.
    pub(super) fn code(&self) -> Code {
        match self {
            SqliteError::Header { .. } => codes::SQLITE_HEADER,
            SqliteError::Owner { .. } => codes::SQLITE_OWNER,
            SqliteError::Directory { .. } => codes::SQLITE_DIRECTORY,
            SqliteError::Child { .. } => codes::SQLITE_CHILD,
            SqliteError::Program(error) => error.code(),
        }
    }
}

/// For a policy.
impl From<SqliteError> for Refusal {
    fn from(error: SqliteError) -> Refusal {
        let text = format!("{error} ({})", error.code());
        match error {
            SqliteError::Header { .. } => Refusal::Invalid(text),
            SqliteError::Owner { .. } | SqliteError::Directory { .. } => Refusal::Unsupported(text),
            SqliteError::Child { .. } | SqliteError::Program(_) => Refusal::Unavailable(text),
        }
    }
}
