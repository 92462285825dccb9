//! The options that every command takes, and what they lead to.

use std::path::PathBuf;

use ansai_core::Interface;
use ansai_daemon::{Configuration, Pulled, Share, configuration, state};
use clap::{Args, ValueEnum};

use crate::output::details::Layout;

// No doc comment: clap would show it as the description of the program.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Directory of incidents, plans, recordings and the audit log [default: `state_dir` of the configuration, else
    /// /var/lib/ansai for root and ~/.local/state/ansai for other users]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Configuration of this host: which policies run, with which settings, and what each may do [default:
    /// /etc/ansai/ansai.toml if it exists, unless `run` or `check` names policies]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory of the built-in policies, as DIR/policies/NAME/NAME.wasm [default: ../share/ansai beside the directory
    /// of the program]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) share_dir: Option<PathBuf>,
    /// Format of results: text for people, JSON for programs
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// When to use colors; `auto` uses them on a terminal unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Show the names of all targets and what is healthy, and log more to standard error: -v for progress, -vv for
    /// details, -vvv for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// When to use colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Global {
    /// The configuration of `--config`, else the one of this host, if there is one.
    pub(crate) fn configuration(&self, interfaces: &[Interface]) -> Result<Option<Configuration>, ansai_daemon::Error> {
        Configuration::maybe(self.config_path().as_deref(), interfaces)
    }

    /// The same for a command that needs no more than the state directory: a mistake in the configuration of the host
    /// must not keep anybody from reading the log of a directory that is named.
    pub(crate) fn configuration_of_state(
        &self,
        interfaces: &[Interface],
    ) -> Result<Option<Configuration>, ansai_daemon::Error> {
        match self.state_dir {
            Some(_) => Configuration::maybe(self.config.as_deref(), interfaces),
            None => self.configuration(interfaces),
        }
    }

    /// The path of `--config`, else of the configuration of this host, if it exists.
    pub(crate) fn config_path(&self) -> Option<PathBuf> {
        self.config.clone().or_else(configuration::of_host)
    }

    /// The same for a command that runs or checks the policies at these paths. Policies that are named do not run by the
    /// rules of the host unless `--config` says so.
    pub(crate) fn config_path_beside(&self, paths: &[PathBuf]) -> Option<PathBuf> {
        if paths.is_empty() { self.config_path() } else { self.config.clone() }
    }

    /// How plans are shown at this width.
    pub(crate) fn layout(&self, width: usize) -> Layout {
        Layout { width, all: self.verbose > 0 }
    }

    /// The state directory: of `--state-dir`, of the configuration, or the default. If it exists, no other user can
    /// change it.
    pub(crate) fn state_dir(&self, configuration: Option<&Configuration>) -> Result<PathBuf, ansai_daemon::Error> {
        let directory = state::directory(self.state_dir.as_deref(), configuration)?;
        state::check(&directory)?;
        Ok(directory)
    }

    /// Where the policies from registries are.
    pub(crate) fn pulled(&self) -> Pulled {
        Pulled::new(self.state_dir.clone())
    }

    /// Where the built-in policies are.
    pub(crate) fn share(&self) -> Share {
        Share::new(self.share_dir.clone())
    }
}
