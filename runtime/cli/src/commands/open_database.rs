//! `ansai open-database`: opens a SQLite database as its owner, within limits. ansai starts it itself.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ansai starts it as the owner of the file: it reads a job and writes a reply")]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> u8 {
    ansai_local::sqlite::child::run()
}
