//! How a message reaches a target: one file for each kind. All of them block.

mod command;
mod file;
mod url;

use std::path::PathBuf;
use std::time::Duration;

use crate::message::Message;
use crate::target::Target;

/// A message did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// An I/O error.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The target is not a file to add lines to.
    #[error("not a regular file")]
    NotAFile,
    /// Another program has locked the file.
    #[error("locked by another program")]
    Locked,
    /// The command failed.
    #[error("ended with {status}: {errors}")]
    Failed { status: std::process::ExitStatus, errors: String },
    /// It took too long.
    #[error("took longer than {} s", .0.as_secs())]
    TimeLimit(Duration),
    /// The end of the program was asked for.
    #[error("ended because ansai is stopping")]
    Stopping,
    /// The attempt before is still under way.
    #[error("the previous attempt has not ended")]
    UnderWay,
    /// The token cannot be used.
    #[error("token {}: {why}", path.display())]
    Token { path: PathBuf, why: String },
    /// Certificates cannot be read.
    #[error("certificates: {0}")]
    Certificates(String),
    /// The server refused.
    #[error("the server answered {0}")]
    Status(u16),
    /// Messages go where the operator said, and nowhere else.
    #[error("the server answered {0}: redirects are not followed")]
    Redirect(u16),
    /// No answer came.
    #[error("{0}")]
    Http(String),
}

/// Sends a message and waits for the target.
pub(crate) fn send(
    target: &Target,
    message: &Message,
    limit: Duration,
    is_stopping: &dyn Fn() -> bool,
) -> Result<(), SendError> {
    match target {
        Target::File(path) => file::append(path, &message.body),
        Target::Command(words) => command::run(words, &message.body, limit, is_stopping),
        Target::Url(url) => url::post(url, message, limit),
    }
}
