//! The command line of ansai: `ansai run`, and what goes with it.
//!
//! It puts the other crates together and prints; it decides nothing about a host. Errors are `anyhow` here and only
//! here, and each ends as a message, a hint and one of the exit codes of `ansai_core::exit`.

mod arguments;
mod authority;
mod commands;
mod component;
mod configuration;
mod diagnosis;
mod environment;
mod exit;
mod history;
mod host;
mod kept_heads;
mod load;
mod logging;
mod output;
mod ownership;
mod runtime;
mod signals;
mod sources;
mod state;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    output::colour::choose(arguments.global.color);
    exit::code(commands::run(arguments))
}
