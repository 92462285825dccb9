//! `ansai completions`: prints a shell completion script.

use clap::{Args, CommandFactory as _};

use crate::{arguments, output};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ansai completions bash > ~/.local/share/bash-completion/completions/ansai")]
pub(crate) struct Arguments {
    /// Shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut arguments::Arguments::command(), "ansai", &mut script);
    output::say(&String::from_utf8_lossy(&script))?;
    Ok(ansai_core::exit::FINE)
}
