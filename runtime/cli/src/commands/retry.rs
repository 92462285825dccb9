//! `ansai retry`: have incidents healed again that were left to a person.

use ansai_core::control::{Answer, Request, Retry};
use ansai_core::exit;
use ansai_core::text::inert;
use clap::Args;

use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{json, lines, orders};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    ansai retry /var          lets ansai heal the incidents of a key again\n  \
    ansai retry disk-space    lets ansai heal all incidents of an instance again\n\n\
    An incident is left to a person after its last stage, or if it came back too often. It is evaluated soon, and begins\n\
    with its first stage. `ansai status` shows what is left to a person, and why.")]
pub(crate) struct Arguments {
    /// Id of an incident, or key or instance of several
    #[arg(value_name = "INCIDENT|KEY|INSTANCE")]
    name: String,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let done = ask(global, Request::Retry(Retry { name: arguments.name.clone() }))?;
    match (global.format, &done.answer) {
        (Format::Text, Answer::Retried { incidents }) => {
            for incident in incidents {
                lines::line(&format!("incident {} is healed again from the beginning", inert(incident, 300)))?;
            }
            orders::note_not_running(&done)?;
        }
        _ => json::document(&orders::document(&done))?,
    }
    Ok(exit::FINE)
}
