//! What the daemon prints as it happens.

use ansai_core::incident::Change;
use ansai_core::text::inert;
use ansai_supervisor::Notice;

use super::count::count;
use super::{MOST_TEXT, phrases};

/// One line, safe for terminals, without its time.
pub(crate) fn line(notice: &Notice) -> String {
    match notice {
        Notice::Started { instances, mode } => format!("started {}, mode {mode}", count(*instances, "instance")),
        Notice::Incident { instance, change, finding } => {
            let change = match change {
                Change::Opened => "found",
                Change::Changed => "changed",
                Change::Unchanged => "unchanged",
                Change::BecameUnknown => "now unknown",
                Change::Closed => "closed",
            };
            let name = inert(instance, 80);
            match change {
                "closed" => format!("{name}: closed: {}", inert(&finding.key, 200)),
                _ => format!("{name}: {change} ({}): {}", phrases::severity(finding), phrases::finding(finding)),
            }
        }
        Notice::Plan { instance, key, plan } => {
            let (name, key) = (inert(instance, 80), inert(key, 200));
            let outcome = phrases::outcome(plan).join("; ");
            format!("{name}: plan for {key}: {}: {outcome}", phrases::plan(plan).join("; "))
        }
        Notice::Verified { instance, key, state } => {
            format!("{}: {} is now {}", inert(instance, 80), inert(key, 200), phrases::state(*state))
        }
        Notice::Failed { instance, error } => {
            format!("{}: failed: {}", inert(instance, 80), inert(error, MOST_TEXT))
        }
        Notice::Recovered { plan, step, outcome, detail } => {
            let detail = inert(detail, MOST_TEXT);
            format!("after a crash: plan {} step {step}: {outcome}: {detail}", inert(plan, 100))
        }
        Notice::Stopping { why } => format!("stopping: {}", inert(why, 200)),
    }
}
