//! `ansai approve` and `ansai reject`: decide about a plan that waits.

use ansai_core::control::{Answer, NewDecision, Request};
use ansai_core::event::ApprovalDecision;
use ansai_core::exit;
use clap::Args;

use super::plans;
use crate::asking::ask;
use crate::global::{Format, Global};
use crate::output::{json, lines};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ansai plan ID                                 show what the plan would do\n  \
    ansai approve ID                              apply it once, if nothing has changed\n  \
    ansai approve ID --reason 'agreed with Ops'   the same, with a reason for the audit log\n\n\
    The approval is for the content that `ansai plan` shows. The next pass looks again: if the targets, the settings or\n\
    the grants have changed, or the policy proposes something else, the approval ends, and the new plan waits.")]
pub(crate) struct ApproveArguments {
    /// Plan, from `ansai plans`
    plan: String,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ansai reject ID --reason 'these files are still needed'\n\n\
    The policy proposes nothing for the incident until its cooldown is over or the finding gets worse. An approval can\n\
    be taken back like this until the plan begins.")]
pub(crate) struct RejectArguments {
    /// Plan, from `ansai plans`
    plan: String,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) fn approve(arguments: &ApproveArguments, global: &Global) -> anyhow::Result<u8> {
    decide(&arguments.plan, ApprovalDecision::Approved, arguments.reason.clone(), global)
}

pub(crate) fn reject(arguments: &RejectArguments, global: &Global) -> anyhow::Result<u8> {
    decide(&arguments.plan, ApprovalDecision::Rejected, Some(arguments.reason.clone()), global)
}

fn decide(plan: &str, decision: ApprovalDecision, reason: Option<String>, global: &Global) -> anyhow::Result<u8> {
    let done = ask(global, Request::Decide(NewDecision { plan: plan.to_owned(), decision, reason }))?;
    let Answer::Decided(decided) = &done.answer else { return Err(plans::unexpected()) };
    match global.format {
        Format::Json => json::document(&plans::document(decided))?,
        Format::Text => {
            lines::line(&format!("{} of {}: {}", decided.plan, decided.instance, plans::standing(decided)))?;
            if decision == ApprovalDecision::Approved {
                let when =
                    if done.is_running { "ansai looks again now" } else { "no daemon runs: the next run looks again" };
                lines::line(&format!("{when}, and applies it if nothing has changed and nothing holds it"))?;
            }
        }
    }
    Ok(exit::FINE)
}
