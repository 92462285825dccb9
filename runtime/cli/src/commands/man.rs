//! `ansai man`: the manual pages, for packages.

use std::path::{Path, PathBuf};

use ansai_core::codes;
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;

use crate::exit::Fault;
use crate::{arguments, output, writing};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai man run > ansai-run.1\n  ansai man --dir /usr/local/share/man/man1")]
pub(crate) struct Arguments {
    /// Command [default: the page of ansai itself]
    command: Option<String>,
    /// Write the pages of ansai and all commands to this directory: ansai.1, ansai-run.1 and so on
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut root = arguments::Arguments::command().disable_help_subcommand(true);
    root.build();
    if let Some(dir) = &arguments.dir {
        write(&root, dir)?;
        return Ok(ansai_core::exit::FINE);
    }
    let command = match &arguments.command {
        None => root,
        Some(name) => root.find_subcommand(name).cloned().ok_or_else(|| {
            Fault::usage(codes::USAGE, format!("unknown command {name}")).hint("run `ansai help` to list the commands")
        })?,
    };
    output::say(&page(command)?.1)?;
    Ok(ansai_core::exit::FINE)
}

/// Writes the page of a command and those of its subcommands.
fn write(command: &Command, dir: &Path) -> anyhow::Result<()> {
    let (name, text) = page(command.clone())?;
    writing::replace(&dir.join(name), &text)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| write(below, dir))
}

/// The file name of the page of a command, and its text.
fn page(command: Command) -> anyhow::Result<(String, String)> {
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render(&mut page)?;
    Ok((man.get_filename(), String::from_utf8_lossy(&page).into_owned()))
}
