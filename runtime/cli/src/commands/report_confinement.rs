//! `ansai report-confinement`: confines itself as a worker does and says which separations are in force. ansai starts it
//! itself, for `ansai doctor`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ansai doctor starts it, with one socket, and reads its report")]
pub(crate) struct Arguments {
    /// What ansai tells it
    job: String,
}

pub(crate) fn run(arguments: &Arguments) -> u8 {
    ansai_isolation::doctor::run_child(&arguments.job)
}
