//! Why a process was not started.

use std::path::PathBuf;

use ansai_kit::program::UserError;

/// Why a process was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The kernel refuses.
    #[error("`{program}` cannot be started: {error}")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Its user cannot be found out.
    #[error(transparent)]
    User(#[from] UserError),
    /// Each number of the range for users without a name is in use.
    #[error("no user number is free between {0} and {1}")]
    NoUser(u32, u32),
    /// The thread that starts processes has ended.
    #[error("the thread that starts processes has ended")]
    Keeper,
}
