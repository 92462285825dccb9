//! Transports: one file for each kind of target. All of them block.

mod command;
mod file;
pub(crate) mod post;
pub(crate) mod url;

use std::path::PathBuf;
use std::time::Duration;

use ansai_kit::carrier::Carrier;
use ansai_kit::program::ProgramError;

use crate::message::Message;
use crate::target::Target;

/// Why a message was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// An I/O error.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The target is not a regular file.
    #[error("not a regular file")]
    NotAFile,
    /// Another user can put another file in its place.
    #[error("{problem}; {fix}")]
    Untrusted {
        /// What is wrong with which path.
        problem: String,
        /// How to fix it.
        fix: String,
    },
    /// Another program has locked the file.
    #[error("locked by another program")]
    Locked,
    /// The command cannot be run.
    #[error("{error} ({code})", error = .0, code = .0.code())]
    Program(#[from] ProgramError),
    /// The command failed.
    #[error("ended with {status}: {errors}")]
    Failed {
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote to standard error.
        errors: String,
    },
    /// It exceeded the time limit.
    #[error("took longer than {} s", .0.as_secs())]
    TimeLimit(Duration),
    /// The program is stopping.
    #[error("ended because ansai is stopping")]
    Stopping,
    /// The previous attempt is still running.
    #[error("the previous attempt has not ended")]
    UnderWay,
    /// The token is invalid or cannot be read.
    #[error("token {}: {why}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The certificates cannot be read.
    #[error("certificates: {0}")]
    Certificates(String),
    /// The server answered with an error status.
    #[error("the server answered {0}")]
    Status(u16),
    /// The server redirected. Messages go only to the configured URL.
    #[error("the server answered {0}: redirects are not followed")]
    Redirect(u16),
    /// The server did not answer.
    #[error("{0}")]
    Http(String),
}

/// Sends a message and waits for the target.
pub(crate) fn send(
    target: &Target,
    message: &Message,
    carrier: Option<&dyn Carrier>,
    (limit, is_stopping): (Duration, &dyn Fn() -> bool),
) -> Result<(), SendError> {
    match target {
        Target::File(path) => file::append(path, &message.body),
        Target::Command(words) => command::run(words, &message.body, limit, is_stopping),
        Target::Url(url) => post::send(url, message, carrier, (limit, is_stopping)),
    }
}
