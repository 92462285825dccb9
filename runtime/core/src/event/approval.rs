//! Parts of events about the approval of plans by a person.

use serde::{Deserialize, Serialize};

/// What a person decided about a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalDecision {
    /// The next pass applies it, if nothing has changed.
    Approved,
    /// It is not applied.
    Rejected,
}

impl std::fmt::Display for ApprovalDecision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ApprovalDecision::Approved => "approved",
            ApprovalDecision::Rejected => "rejected",
        })
    }
}

/// Why a plan no longer waits for approval, or why its approval no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalEnd {
    /// Its time is over.
    Expired,
    /// The incident closed by itself.
    IncidentClosed,
    /// The finding got worse, and the policy proposes something else.
    Worse,
    /// The mode and the grants of now need no approval.
    NotNeeded,
    /// The policy proposes nothing now.
    NoProposal,
    /// The policy decides otherwise about what follows the plan or a failure of it.
    Decision,
    /// The policy proposes other steps.
    Steps,
    /// The step of this number has other arguments.
    Arguments(u32),
    /// The step of this number has other targets.
    Targets(u32),
    /// The component of the policy is another one.
    Component,
    /// The settings of the instance are other ones.
    Settings,
    /// The grants of the instance are other ones.
    Grants,
    /// The file of the plan is not the one that was shown and approved, or cannot be read.
    PlanFile,
    /// The audit log has no such approval.
    NotRecorded,
    /// The plan began already, and may begin only once.
    Begun,
}

impl std::fmt::Display for ApprovalEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ApprovalEnd::Expired => f.write_str("expired"),
            ApprovalEnd::IncidentClosed => f.write_str("the incident closed"),
            ApprovalEnd::Worse => f.write_str("the finding got worse, and the policy proposes another plan"),
            ApprovalEnd::NotNeeded => f.write_str("no approval is needed any more"),
            ApprovalEnd::NoProposal => f.write_str("the policy proposes nothing now"),
            ApprovalEnd::Decision => f.write_str("the policy decides otherwise now"),
            ApprovalEnd::Steps => f.write_str("the policy proposes other steps now"),
            ApprovalEnd::Arguments(step) => write!(f, "the arguments of step {step} changed"),
            ApprovalEnd::Targets(step) => write!(f, "the targets of step {step} changed"),
            ApprovalEnd::Component => f.write_str("the component of the policy changed"),
            ApprovalEnd::Settings => f.write_str("the settings of the policy changed"),
            ApprovalEnd::Grants => f.write_str("the grants of the policy changed"),
            ApprovalEnd::PlanFile => f.write_str("the plan file changed or cannot be read"),
            ApprovalEnd::NotRecorded => f.write_str("the audit log has no such approval"),
            ApprovalEnd::Begun => f.write_str("the plan began already"),
        }
    }
}
