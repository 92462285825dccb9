//! `ansai guest-worker`: runs guest code without rights. ansai starts it itself.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ansai starts it: it reads evaluations from its socket and answers them")]
pub(crate) struct Arguments {
    /// What it may use, in the format of ansai
    #[arg(value_name = "JOB")]
    job: String,
}

pub(crate) fn run(arguments: &Arguments) -> u8 {
    work(&arguments.job)
}

/// The work, without the command line.
pub(crate) fn work(job: &str) -> u8 {
    ansai_engine::isolated::worker::run(ansai_host_functions::builtin(), job)
}
