//! Runs the command of a hook.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use ansai_core::{Millis, Subject};
use ansai_kit::program::{Ended, Program, ProgramError, Ran, User};
use ansai_kit::redact::Redactor;

use super::answer::{Answer, Said};
use super::call::Failed;

/// Bytes of each stream that are kept: a larger answer is no JSON object.
const KEPT_BYTES: usize = 64 << 10;
/// The longest time between SIGTERM and SIGKILL.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs it until it ends, exceeds its limit, or `is_over`. All that it has started ends with it.
pub(super) fn run(
    about: Subject,
    words: &[String],
    user: User,
    limit: Duration,
    is_over: &dyn Fn() -> bool,
) -> Result<Answer, Failed> {
    let (program, arguments) = words.split_first().map_or(("", words), |(program, rest)| (program.as_str(), rest));
    // `Said` masks it, after it was read: `{"token":***}` would be no JSON.
    let program = Program::new(Path::new(program)).args(arguments).user(user).kept_bytes(KEPT_BYTES).unmasked_stdout();
    let began = Instant::now();
    let ran = program.limit(limit).patience((limit / 20).min(PATIENCE)).run(is_over).map_err(|error| match error {
        ProgramError::Wait { .. } | ProgramError::Stuck { .. } => Failed::Unknown(error.to_string()),
        error => Failed::NotBegun(error.into()),
    })?;
    let took = Millis::new(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    match ran.ended {
        Ended::By(status) => {
            let healthy = status.code().and_then(meaning);
            let mut answer = said(&ran).answer(about, healthy, took);
            answer.exit_code = status.code();
            if let (Some(signal), true) = (status.signal(), answer.message.is_empty()) {
                answer.message = format!("ended by signal {signal}");
            }
            Ok(answer)
        }
        Ended::TimeLimit => Err(Failed::TimeLimit(said(&ran).answer(about, None, took))),
        Ended::Stopped => Err(Failed::Stopped(said(&ran).answer(about, None, took))),
    }
}

fn said(ran: &Ran) -> Said {
    let is_whole = ran.stdout.omitted_bytes == 0;
    Said::read(&ran.stdout.first, is_whole, ran.stderr.last_line(), &Redactor::new())
}

/// What an exit code means, as Monit and plugins of Nagios have it: 0 is well, 1 (a warning) and 2 (critical) are not.
/// Others say that the command itself has failed: 3 is unknown, 126 and 127 are those of a shell.
fn meaning(code: i32) -> Option<bool> {
    match code {
        0 => Some(true),
        1 | 2 => Some(false),
        _ => None,
    }
}
