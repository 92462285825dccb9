//! `ansai compile-component`: compiles a component within limits. ansai starts it itself.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ansai starts it: it reads a component from standard input and writes compiled code to standard output"
)]
pub(crate) struct Arguments {
    /// Limits, in the format of ansai
    #[arg(value_name = "JOB")]
    job: String,
}

pub(crate) fn run(arguments: &Arguments) -> u8 {
    work(&arguments.job)
}

/// The work, without the command line.
pub(crate) fn work(job: &str) -> u8 {
    ansai_engine::compile::child::run(crate::compiler::COMPILE, job)
}
