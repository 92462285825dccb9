//! Passes a message to a command on standard input.

use std::path::Path;
use std::time::Duration;

use ansai_core::text::inert;
use ansai_kit::program::{Ended, Program};

use super::SendError;

const MOST_SHOWN: usize = 300;

/// Runs the command and waits for it.
pub(super) fn run(
    words: &[String],
    body: &[u8],
    limit: Duration,
    is_stopping: &dyn Fn() -> bool,
) -> Result<(), SendError> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let ran = Program::new(Path::new(program)).args(arguments).input(body).limit(limit).run(is_stopping)?;
    match ran.ended {
        Ended::By(status) if status.success() => Ok(()),
        Ended::By(status) => {
            let errors = inert(ran.stderr.to_string().trim(), MOST_SHOWN);
            Err(SendError::Failed { status, errors })
        }
        Ended::TimeLimit => Err(SendError::TimeLimit(limit)),
        Ended::Stopped => Err(SendError::Stopping),
    }
}
