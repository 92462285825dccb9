//! `ansai plans`: plans that wait for approval or were announced.

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
#[command(after_help = "Examples:\n  ansai plans                  list plans that wait, then the others\n  \
    ansai plans --open           list only those that wait\n  \
    ansai plan ID                show what a plan would do\n\n\
    A plan waits where the policy has mode `approve`, or a grant has `approve = true`. With `announce`, it is applied\n\
    at its time unless somebody rejects it. Plans are listed for 30 days.")]
pub(crate) struct Arguments {
    /// List only plans that wait for approval, or that were announced and have not begun
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(arguments: &Arguments, global: &Global) -> anyhow::Result<u8> {
    let Answer::Plans { mut plans } = ask(global, Request::Plans)?.answer else { return Err(unexpected()) };
    plans.retain(|plan| !arguments.open || waits(plan));
    // Those that need something come first.
    plans.sort_by_key(|plan| !waits(plan));
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
    match plan.state {
        _ if plan.is_overdue(ansai_supervisor::clock::now()) => "expired",
        ApprovalState::Open if plan.announced => "announced",
        state => state.word(),
    }
}

/// Whether a person can still decide about it, and nobody has.
fn waits(plan: &Approval) -> bool {
    matches!(word(plan), "open" | "announced")
}

/// What became of a plan: `waits for approval until 2026-11-30 03:02`, or `announced: it is applied at …`.
pub(super) fn standing(plan: &Approval) -> String {
    let by = plan.decided.as_ref().map(|decided| {
        let reason = decided.reason.as_ref().map(|reason| format!(": {}", prose(reason, 400))).unwrap_or_default();
        format!(" by {} at {}{reason}", inert(&decided.by.to_string(), 100), time::minute(decided.at))
    });
    let by = by.unwrap_or_default();
    match (plan.state, &plan.ended) {
        _ if word(plan) == "expired" => format!("expired at {}", time::minute(plan.until)),
        (ApprovalState::Open, _) if plan.announced && ansai_supervisor::clock::now() >= plan.until => {
            format!("announced: its time was {}, and it has not begun", time::minute(plan.until))
        }
        (ApprovalState::Open, _) if plan.announced => {
            format!("announced: it is applied at {} unless somebody rejects it", time::minute(plan.until))
        }
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

#[cfg(test)]
mod tests {
    use ansai_core::approval::Circumstances;
    use ansai_core::{InstanceName, Millis, Timestamp};

    use super::*;

    fn plan(announced: bool, until: Timestamp) -> Approval {
        Approval {
            plan: "p-1".to_owned(),
            instance: InstanceName::from_static("disk"),
            incident: "i-1".to_owned(),
            key: "/var".to_owned(),
            summary: "97 % used".to_owned(),
            severity: None,
            plan_sha256: String::new(),
            asked: Timestamp::EPOCH,
            until,
            expires: Millis::from_hours(1),
            state: ApprovalState::Open,
            decided: None,
            ended: None,
            announced,
            continues: false,
            circumstances: Circumstances::default(),
        }
    }

    /// Would break: a plan that ansai applies by itself reads as one that waits for a person.
    #[test]
    fn an_announced_plan_says_when_it_is_applied() {
        let later = ansai_supervisor::clock::now() + Millis::from_hours(1);
        let (announced, held) = (plan(true, later), plan(false, later));
        assert_eq!((word(&announced), word(&held)), ("announced", "open"));
        assert!(waits(&announced) && waits(&held));
        assert!(standing(&announced).starts_with("announced: it is applied at "), "{}", standing(&announced));
        assert!(standing(&announced).ends_with(" unless somebody rejects it"), "{}", standing(&announced));
        assert!(standing(&held).starts_with("waits for approval until "));
        // What was announced does not expire.
        let (announced, held) = (plan(true, Timestamp::EPOCH), plan(false, Timestamp::EPOCH));
        assert_eq!((word(&announced), word(&held)), ("announced", "expired"));
        // Nor is it applied at a time that is over.
        let late = standing(&announced);
        assert!(late.starts_with("announced: its time was ") && late.ends_with(", and it has not begun"), "{late}");
        let rejected = Approval { state: ApprovalState::Rejected, ..plan(true, later) };
        assert_eq!((word(&rejected), waits(&rejected)), ("rejected", false));
    }
}
