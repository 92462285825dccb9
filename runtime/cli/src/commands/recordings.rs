//! `ansai recordings`: recorded evaluations, with every call and its reply.

mod export;
mod list;
mod show;

use ansai_audit::{GetError, RecordingId};
use ansai_core::exit;
use ansai_daemon::recorded::{self, RecordingError};
use clap::{Args, Subcommand};

use crate::global::Global;
use crate::since::Since;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai recordings list\n  ansai recordings show ID\n  ansai recordings export ID -o scenario.toml"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List recordings, newest first
    #[command(after_help = "Examples:\n  ansai recordings list --since 24h\n  ansai recordings list --format json")]
    List {
        /// List only recordings since this time: an age such as `24h`, or a time such as `2026-11-21 03:00`
        #[arg(long, value_name = "TIME")]
        since: Option<Since>,
    },
    /// Show a recording: every call with its reply, and the result
    #[command(after_help = "Example:\n  ansai recordings show ID --format json")]
    Show {
        /// Recording, from `ansai recordings list`
        id: RecordingId,
    },
    /// Write a scenario for `ansai test` from a recording: the replies, and the expected findings and plan
    #[command(
        after_help = "Examples:\n  ansai recordings export ID --policies policies/ -o policies/disk-space/scenarios/full.toml\n\n\
        The hash of the recording must be the one in the audit log. If its component is found, the scenario must pass\n\
        before it is written."
    )]
    Export(export::Arguments),
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let configuration = global.configuration_of_state(&ansai_host_functions::builtin().interfaces())?;
    if let Verb::Export(arguments) = &arguments.verb {
        return export::run(arguments, global, configuration.as_ref());
    }
    let catalog = recorded::catalog(&global.state_dir(configuration.as_ref())?)?;
    match (&arguments.verb, catalog) {
        (Verb::List { since }, catalog) => list::run(catalog.as_ref(), *since, global.format)?,
        (Verb::Show { id }, Some(catalog)) => show::run(&catalog, id, global.format)?,
        (Verb::Show { id }, None) => {
            return Err(ansai_daemon::Error::from(RecordingError::from(GetError::Unknown(id.clone()))).into());
        }
        (Verb::Export(_), _) => {}
    }
    Ok(exit::FINE)
}
