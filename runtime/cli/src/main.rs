//! The command line of ansai: `ansai run`, and what goes with it.
//!
//! It puts the other crates together and prints; it decides nothing about a host. Errors are `anyhow` here and only
//! here, and each ends as a message, a hint and one of the exit codes of `ansai_core::exit`.

mod arguments;
mod commands;
mod compiler;
mod diagnosis;
mod environment;
mod exit;
mod kept_heads;
mod logging;
mod output;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod reference;
mod runtime;
mod signals;
mod watch;
mod writing;

use std::process::ExitCode;

use clap::Parser as _;

use crate::output::MOST_TEXT;

fn main() -> ExitCode {
    let Ok(arguments) = arguments::Arguments::try_parse() else { return misused() };
    output::colour::choose(arguments.global.color);
    let code = exit::code(commands::run(arguments));
    output::more::tell();
    code
}

/// Help, the version, or what is wrong with the arguments. Those may come from a script that has them from elsewhere, and
/// are repeated in the message: so it is made once more, from harmless ones.
fn misused() -> ExitCode {
    let harmless = std::env::args_os().map(|argument| ansai_core::text::inert(&argument.to_string_lossy(), MOST_TEXT));
    match arguments::Arguments::try_parse_from(harmless) {
        Err(error) => error.exit(),
        Ok(_) => {
            output::fault(&exit::Fault::usage(
                ansai_core::codes::USAGE,
                "an argument has characters that have no place there",
            ));
            ExitCode::from(ansai_core::exit::USAGE)
        }
    }
}
