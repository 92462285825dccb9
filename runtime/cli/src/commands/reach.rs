//! `ansai reach`: calls servers for the supervisor, without its rights. ansai starts it itself.

use ansai_kit::carrier::Handlers;
use clap::Args;

/// What it does besides calls of functions.
const HANDLERS: Handlers = {
    let [hooks, certificates] = ansai_host_functions::HANDLERS;
    &[ansai_notify::channel::HANDLER, ansai_supervisor::export::HANDLER, hooks, certificates]
};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ansai starts it with a socket as standard input: it reads requests and writes replies"
)]
pub(crate) struct Arguments {
    /// What it gives up before it reads a request, in the format of ansai
    #[arg(value_name = "JOB")]
    job: String,
}

pub(crate) fn run(arguments: &Arguments) -> u8 {
    work(&arguments.job)
}

/// The work, without the command line.
pub(crate) fn work(job: &str) -> u8 {
    ansai_host_functions::reach::run(job, HANDLERS)
}
