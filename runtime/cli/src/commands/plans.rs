//! `ansai plans`: plans that wait for approval, and those that did.

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::control::{Answer, Request};
use ansai_core::text::{inert, prose};
use ansai_core::{codes, exit};
use clap::Args;
use serde_json::{Value, json};

use crate::asking::ask;
use crate::exit::Fault;
use crate::global::{Format, Global};
use crate::output::{json, lines, time};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ansai plans                  list plans that wait for approval, then the others\n  \
    ansai plans --open           list only those that wait\n  \
    ansai plan ID                show what a plan would do\n\n\
    A plan waits where the policy has mode `approve`, or a grant has `approve = true`. Plans are listed for 30 days."
)]
pub(crate) struct Arguments {
    /// List only plans that wait for approval
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let Answer::Plans(mut plans) = ask(global, Request::Plans)?.answer else { return Err(unexpected()) };
    plans.retain(|plan| !arguments.open || word(plan) == "open");
    // Those that need something come first.
    plans.sort_by_key(|plan| word(plan) != "open");
    match global.format {
        Format::Json => json::document(&plans.iter().map(document).collect::<Vec<_>>())?,
        Format::Text if plans.is_empty() => {
            lines::line(if arguments.open { "no plan waits for approval" } else { "no plans" })?;
        }
        Format::Text => {
            for plan in &plans {
                lines::line(&format!("{}  {}: {}", plan.plan, plan.instance, standing(plan)))?;
                lines::line(&format!("    {}", prose(&plan.summary, 200)))?;
            }
        }
    }
    Ok(exit::FINE)
}

/// The daemon answered something else than was asked for.
pub(super) fn unexpected() -> anyhow::Error {
    let fault = Fault::other(codes::BAD_REQUEST, "the daemon answered something else than was asked for");
    fault.hint("use the program of the same version as the daemon").into()
}

/// The state of a plan in one word. One whose time is over is expired, whether or not a pass has noticed.
fn word(plan: &Approval) -> &'static str {
    if plan.is_overdue(ansai_supervisor::clock::now()) { "expired" } else { plan.state.word() }
}

/// What became of a plan: `waits for approval until 2026-11-30 03:02`.
pub(super) fn standing(plan: &Approval) -> String {
    let by = plan.decided.as_ref().map(|decided| {
        let reason = decided.reason.as_ref().map(|reason| format!(": {}", prose(reason, 400))).unwrap_or_default();
        format!(" by {} at {}{reason}", inert(&decided.by.to_string(), 100), time::minute(decided.at))
    });
    let by = by.unwrap_or_default();
    match (plan.state, &plan.ended) {
        _ if word(plan) == "expired" => format!("expired at {}", time::minute(plan.until)),
        (ApprovalState::Open, _) => format!("waits for approval until {}", time::minute(plan.until)),
        (ApprovalState::Approved, _) => format!("approved until {}{by}", time::minute(plan.until)),
        (ApprovalState::Rejected, _) => format!("rejected{by}"),
        (ApprovalState::Begun, _) => format!("begun, approved{by}"),
        (ApprovalState::Ended, Some(why)) => format!("not applied: {why}"),
        (ApprovalState::Ended, None) => "not applied".to_owned(),
    }
}

/// A plan for programs.
pub(super) fn document(plan: &Approval) -> Value {
    json!({
        "plan": plan.plan,
        "instance": plan.instance,
        "incident": plan.incident,
        "key": plan.key,
        "summary": plan.summary,
        "severity": plan.severity,
        "sha256": plan.plan_sha256,
        "state": word(plan),
        "asked": time::rfc3339(plan.asked),
        "until": time::rfc3339(plan.until),
        "decided": plan.decided.as_ref().map(|decided| json!({
            "at": time::rfc3339(decided.at),
            "by": decided.by,
            "reason": decided.reason,
        })),
        "ended": plan.ended.as_ref().map(ToString::to_string),
    })
}
