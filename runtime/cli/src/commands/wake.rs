//! `ansai wake`: has the daemon evaluate an instance now.

use ansai_core::{InstanceName, codes, exit};
use ansai_daemon::wake::wake;
use clap::Args;

use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{json, lines};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai wake disk-space    after a deployment, instead of waiting for the schedule\n\n\
    The policy sees the event `ping`. A daemon must run with the same state directory. Many requests in a short time\n\
    become one evaluation."
)]
pub(crate) struct Arguments {
    /// Instance, as in `[policy.NAME]` of the configuration
    instance: String,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let instance: InstanceName = arguments
        .instance
        .parse()
        .map_err(|error| Fault::usage(codes::BAD_NAME, format!("not the name of an instance: {error}")))?;
    let interfaces = ansai_host_functions::builtin().interfaces();
    let configuration = global.configuration_of_state(&interfaces)?;
    let state_dir = global.state_dir(configuration.as_ref())?;
    wake(&state_dir, &instance)?;
    match global.format {
        Format::Text => lines::line(&format!("{instance} is evaluated soon; `ansai audit show` has the result"))?,
        Format::Json => json::document(&serde_json::json!({ "woken": instance }))?,
    }
    Ok(exit::FINE)
}
