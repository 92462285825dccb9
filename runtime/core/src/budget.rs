//! Budgets: what the bounds of a grant permit within a window of time, over all plans.

use serde::{Deserialize, Serialize};

use crate::{Millis, Subject, Timestamp, Unit};

/// Why a plan is on hold: it needs more of a bound than the window has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OverBudget {
    /// The bound in the grant: `max_files`.
    pub bound: String,
    /// The action whose budget it is: `ansai:files/files-actions.remove`.
    pub action: String,
    /// What the action is about.
    pub about: Subject,
    /// The unit of the numbers.
    pub unit: Unit,
    /// One of the things that are counted if there is no unit: `file`.
    pub noun: String,
    /// What is permitted within the window.
    pub limit: u64,
    /// The window.
    pub window: Millis,
    /// What was used within the window, or is reserved for a plan that runs.
    pub used: u64,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// What the plan needs.
    pub needed: u64,
    /// When the window has room for the plan; never if it needs more than is permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
}
