//! The command line as a whole. What a verb takes is beside the verb.

use std::path::PathBuf;

use ansai_daemon::Share;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    audit, build, check, compile_component, completions, contract, dev, doctor, explain, inspect, man, new, recordings,
    replay, run, test, undo, virtualize,
};

/// Keeps this host healthy with sandboxed policies: they look and propose, ansai decides and acts.
#[derive(Debug, Parser)]
#[command(name = "ansai", version, after_help = after_help(), max_term_width = 100, disable_help_subcommand = false)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

// What every command takes. No doc comment: clap would take it for that of the program.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where incidents, plans, recordings and the audit log are kept [default: `state_dir` of the configuration; as
    /// root /var/lib/ansai, else ~/.local/state/ansai]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) state_dir: Option<PathBuf>,
    /// The configuration of this host: which policies run, with which settings, and what each of them may do
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// Where the built-in policies are: DIR/policies/NAME/NAME.wasm [default: ../share/ansai, seen from the directory
    /// of the program]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) share_dir: Option<PathBuf>,
    /// How results are printed: for people, or as JSON for programs
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = false
    )]
    #[arg(help_heading = "Global options")]
    pub(crate) format: Format,
    /// When to use colours; `auto` means on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
    /// Say more about what ansai itself does, on standard error; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
}

impl Global {
    /// Where the built-in policies are.
    pub(crate) fn share(&self) -> Share {
        Share::new(self.share_dir.clone())
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run policies: once, or on their schedules until stopped
    Run(run::Arguments),
    /// Check policies and configuration without running anything
    Check(check::Arguments),
    /// Show what a component is, what it can see and what it can propose
    Inspect(inspect::Arguments),
    /// Begin a policy of your own
    New(new::Arguments),
    /// Build a policy into a component
    Build(build::Arguments),
    /// Make a component that imports WASI one that ansai runs
    Virtualize(virtualize::Arguments),
    /// Run a policy against its scenarios
    Test(test::Arguments),
    /// Build a policy and look with it again whenever its sources change
    Dev(dev::Arguments),
    /// Show what a policy can ask of a host: interfaces, functions, types and how each is granted
    Contract(contract::Arguments),
    /// Run recorded evaluations again and compare
    Replay(replay::Arguments),
    /// List, show and export recordings of evaluations
    Recordings(recordings::Arguments),
    /// Read and verify the audit log
    Audit(audit::Arguments),
    /// Undo what a plan did
    Undo(undo::Arguments),
    /// Say what ansai can and cannot do on this host as this user
    Doctor(doctor::Arguments),
    /// Say more about the code of an error, or list all codes
    Explain(explain::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Print the manual page
    #[command(hide = true)]
    Man(man::Arguments),
    /// Compile a component within limits, for ansai itself
    #[command(name = crate::compiler::COMPILE, hide = true)]
    CompileComponent(compile_component::Arguments),
}

fn after_help() -> String {
    let codes: Vec<String> =
        ansai_core::exit::ALL.iter().map(|(code, meaning)| format!("  {code}  {meaning}")).collect();
    format!(
        "Examples:\n  ansai run policies/ --once            look at this host, change nothing\n  \
         ansai run --config /etc/ansai.toml    keep it healthy\n  ansai inspect policies/disk-space     what may it do?\n\n\
         Exit codes:\n{}",
        codes.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_and_explains_every_flag() {
        fn walk(command: &clap::Command) {
            for below in command.get_subcommands() {
                let help = below.get_after_help().map(ToString::to_string).unwrap_or_default();
                let leaf = !below.has_subcommands();
                assert!(!leaf || help.contains("Example"), "{}", below.get_name());
                for argument in below.get_arguments() {
                    assert!(argument.get_help().is_some(), "{} {}", below.get_name(), argument.get_id());
                }
                walk(below);
            }
        }
        walk(&Arguments::command());
    }
}
