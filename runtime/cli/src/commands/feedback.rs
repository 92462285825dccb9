//! `ansai feedback`: say whether an incident was a false alarm.

use ansai_core::control::{Answer, NewFeedback, Request};
use ansai_core::exit;
use ansai_core::promotion::Judgement;
use clap::Args;

use super::plans;
use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{json, lines, orders, promotion};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai incidents --all                                     list incidents with their ids\n  \
    ansai feedback ID --false-alarm --note 'planned work'     count it as a false alarm\n  \
    ansai feedback ID --helpful                               count it as helpful\n\n\
    The incident may be open or closed, for 90 days. What is said last counts. `ansai promote` shows the counts of each\n\
    action: an action with many false alarms is not promoted."
)]
pub(crate) struct Arguments {
    /// Id of the incident, from `ansai incidents --all`
    incident: String,
    /// Nothing was wrong
    #[arg(long, required_unless_present = "helpful", conflicts_with = "helpful")]
    false_alarm: bool,
    /// It was right to show or heal it
    #[arg(long)]
    helpful: bool,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let judgement = if arguments.helpful { Judgement::Helpful } else { Judgement::FalseAlarm };
    let (incident, note) = (arguments.incident.clone(), arguments.note.clone());
    let done = ask(global, Request::Judge(NewFeedback { incident, judgement, note }))?;
    let Answer::Judged(feedback) = &done.answer else { return Err(plans::unexpected()) };
    match global.format {
        Format::Json => json::document(&orders::document(&done))?,
        Format::Text => lines::line(&promotion::feedback(feedback))?,
    }
    Ok(exit::FINE)
}
