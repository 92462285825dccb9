//! `ansai compile-component`: what ansai starts itself as, to compile within limits. Nobody types it.

use clap::Args;

// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ansai starts it; a component comes by standard input, its code goes to standard output"
)]
pub(crate) struct Arguments {
    /// The limits, as ansai writes them
    #[arg(value_name = "JOB")]
    job: String,
}

pub(crate) fn run(arguments: &Arguments) -> u8 {
    ansai_engine::compile::child::run(crate::compiler::COMPILE, &arguments.job)
}
