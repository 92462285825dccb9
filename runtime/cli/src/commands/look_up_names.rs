//! `ansai look-up-names`: looks up names of servers for the supervisor, without its rights. ansai starts it itself.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ansai starts it with a socket as standard input: it reads names and writes addresses"
)]
pub(crate) struct Arguments {
    /// What it gives up before it reads a name, in the format of ansai
    #[arg(value_name = "JOB")]
    job: String,
}

pub(crate) fn run(arguments: &Arguments) -> u8 {
    work(&arguments.job)
}

/// The work, without the command line.
pub(crate) fn work(job: &str) -> u8 {
    ansai_host_functions::reach::run_lookup(job)
}
