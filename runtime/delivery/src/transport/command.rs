//! Passes a message to a command on standard input.

use std::path::Path;
use std::time::Duration;

use ansai_core::text::inert;
use ansai_kit::command::{self, Ended, Program};

use super::SendError;

/// Time between SIGTERM and SIGKILL. A command that sends a message has no work to finish.
const PATIENCE: Duration = Duration::from_millis(200);
const MOST_SHOWN: usize = 300;

/// Runs the command with an empty environment and waits for it.
pub(super) fn run(
    words: &[String],
    body: &[u8],
    limit: Duration,
    is_stopping: &dyn Fn() -> bool,
) -> Result<(), SendError> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let program = Program {
        path: Path::new(program),
        arguments: &arguments,
        environment: &[],
        input: body,
        limit,
        patience: PATIENCE,
    };
    let ran = command::run(&program, is_stopping)?;
    match ran.ended {
        Ended::By(status) if status.success() => Ok(()),
        Ended::By(status) => {
            let errors = inert(ran.errors.trim(), MOST_SHOWN);
            Err(SendError::Failed { status, errors })
        }
        Ended::TimeLimit => Err(SendError::TimeLimit(limit)),
        Ended::Stopped => Err(SendError::Stopping),
    }
}
