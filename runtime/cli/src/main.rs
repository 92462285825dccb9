//! The command line of ansai.
//!
//! It parses arguments, calls the crates below and prints what they answer; it decides nothing about a host. Only here
//! are errors `anyhow`; each is printed as a message with a hint, and gives one of the exit codes of
//! `ansai_core::exit`.

mod arguments;
mod asking;
mod child;
mod command_groups;
mod commands;
mod compiler;
mod core_dumps;
mod diagnosis;
mod environment;
mod exit;
mod global;
mod logging;
mod output;
mod passphrase;
mod policy_index;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod reference;
mod registry;
mod reload;
mod runtime;
mod service_manager;
mod signals;
mod signing;
mod since;
mod subject;
mod watch;
mod writing;

use std::process::ExitCode;

use clap::Parser as _;

use crate::output::MOST_TEXT;

fn main() -> ExitCode {
    core_dumps::forbid();
    if let Some((work, job)) = child::of(std::env::args_os()) {
        return ExitCode::from(work(&job));
    }
    let Ok(arguments) = arguments::Arguments::try_parse() else { return misused() };
    output::colour::choose(arguments.global.color);
    let code = exit::code(commands::run(arguments));
    output::more::tell();
    code
}

/// Prints help, the version, or what is wrong with the arguments. The message repeats arguments, which may come from an
/// untrusted source, so they are parsed again after control characters are escaped.
fn misused() -> ExitCode {
    let harmless = || {
        std::env::args_os().map(|argument| ansai_core::text::inert(&argument.to_string_lossy(), MOST_TEXT).to_string())
    };
    let long = harmless().any(|argument| ["--help", "help"].contains(&argument.as_str()));
    match command_groups::command(long).try_get_matches_from(harmless()) {
        Err(error) => error.exit(),
        Ok(_) => {
            output::fault(&exit::Fault::usage(ansai_core::codes::USAGE, "an argument contains control characters"));
            ExitCode::from(ansai_core::exit::USAGE)
        }
    }
}
