//! `ansai man`: the manual page, for packages.

use ansai_core::codes;
use clap::{Args, CommandFactory as _};

use crate::exit::Fault;
use crate::{arguments, output};

// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ansai man run > ansai-run.1")]
pub(crate) struct Arguments {
    /// The command that the page is about; without it, ansai as a whole
    command: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut root = arguments::Arguments::command();
    root.build();
    let command = match &arguments.command {
        None => root,
        Some(name) => root.find_subcommand(name).cloned().ok_or_else(|| {
            Fault::usage(codes::USAGE, format!("there is no command {name}")).hint("see `ansai help`")
        })?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    output::say(&String::from_utf8_lossy(&page))?;
    Ok(ansai_core::exit::FINE)
}
