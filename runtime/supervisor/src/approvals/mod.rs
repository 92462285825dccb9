//! Plans that wait for the approval of a person.
//!
//! A plan that needs approval is stored whole when it is proposed, and a person decides about that content. The next pass
//! asks the policy again. If it proposes the same and nothing else has changed, the stored plan is applied, once; otherwise
//! the approval ends and the new plan waits.

mod decide;
mod ended;
mod same;

use std::path::Path;

use ansai_core::event::ApprovalEnd;
use ansai_core::{InstanceName, Millis, Severity, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::decide::{ApprovalError, DecisionRequest};
pub(crate) use self::ended::end_of_incident;
pub(crate) use self::same::{Circumstances, difference};
use crate::state::StateError;

/// A plan that a person was asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Its id.
    pub plan: String,
    /// Whose plan it is.
    pub instance: InstanceName,
    /// The incident that it would heal.
    pub incident: String,
    /// The key of the incident.
    pub key: String,
    /// What the finding said.
    pub summary: String,
    /// How bad it was.
    pub severity: Option<Severity>,
    /// SHA-256 of the file of the plan, hexadecimal.
    pub plan_sha256: String,
    /// When it was proposed.
    pub asked: Timestamp,
    /// When it expires; once approved, when the approval does.
    pub until: Timestamp,
    /// How long an approval counts.
    pub expires: Millis,
    /// What became of it.
    pub state: ApprovalState,
    /// Who decided, and when and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// Why it ended without being applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ApprovalEnd>,
    /// It continues an attempt that has begun, so it counts as no further one.
    pub(crate) continues: bool,
    pub(crate) circumstances: Circumstances,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// When.
    pub at: Timestamp,
    /// Who: `user 0 (root)`.
    pub by: String,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalState {
    /// It waits for a person.
    Open,
    /// The next pass applies it, if nothing has changed.
    Approved,
    /// A person rejected it.
    Rejected,
    /// It began: the approval is used up.
    Begun,
    /// It is not applied; see [`Approval::ended`].
    Ended,
}

impl ApprovalState {
    /// As it is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            ApprovalState::Open => "open",
            ApprovalState::Approved => "approved",
            ApprovalState::Rejected => "rejected",
            ApprovalState::Begun => "begun",
            ApprovalState::Ended => "ended",
        }
    }
}

impl Approval {
    /// Whether its time is over although nobody has noticed yet.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        matches!(self.state, ApprovalState::Open | ApprovalState::Approved) && now >= self.until
    }
}

/// All plans that a person was asked about and that are remembered, the newest first. `database` is `state.db` of the state
/// directory, which a daemon may have open. Changes nothing.
///
/// # Errors
/// It cannot be read, or a newer ansai wrote it.
pub fn approvals(database: &Path) -> Result<Vec<Approval>, StateError> {
    crate::state::approvals(database)
}
