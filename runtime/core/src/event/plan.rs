//! Parts of events about plans and steps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::incident::Permission;
use crate::promotion::Effectiveness;
use crate::{InstanceName, Preview, Subject, Timestamp};

/// A step of a plan, as shown to the operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct PlannedStep {
    pub action: String,
    pub reason: String,
    pub preview: Preview,
    /// The plan goes on if the step fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub may_fail: bool,
    /// Until when the step can be undone, if that ends. The preview says whether it can be undone at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_until: Option<Timestamp>,
    /// How often the action helped this instance until it was planned, if it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effectiveness: Option<Effectiveness>,
    /// The names of all targets, where the action knows them. In memory only: the preview has the first ones.
    #[serde(skip)]
    pub names: Arc<[String]>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The host's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The executor applies the plan.
    Approved,
    /// Not applied, because of observe mode.
    Observed,
    /// The policy proposed nothing.
    NothingToDo,
    /// Too soon after the last attempt, too many attempts, or more than the budget has left.
    Held(Permission),
    /// Not allowed, with the reason.
    Refused(String),
}

/// A step that is about to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The id of the plan.
    pub plan: String,
    /// Counts from 0.
    pub step: u32,
    /// The instance whose grants the step uses.
    pub instance: InstanceName,
    /// Name of the action: `ansai:files/files-actions.remove`.
    pub action: String,
    /// The subject of the step.
    pub about: Subject,
    /// Arguments as proposed.
    pub arguments: serde_json::Value,
    /// Number of the step's targets in the plan.
    pub targets: u64,
    /// SHA-256 of the targets in the plan's file, hexadecimal.
    pub targets_sha256: String,
    /// SHA-256 of the plan's file, hexadecimal. Recovery and undo act only by this file.
    pub plan_sha256: String,
}

/// A step that is about to be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoIntent {
    /// The id of the plan.
    pub plan: String,
    /// Counts from 0.
    pub step: u32,
    /// The instance of the plan.
    pub instance: InstanceName,
    /// Who undoes it: the host, or a person.
    pub by: String,
    /// SHA-256 of the step's undo information, hexadecimal.
    pub items_sha256: String,
}

/// Why a step was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// An earlier step of the plan failed.
    EarlierStepFailed,
    /// An earlier step of the plan is still running.
    EarlierStepRuns,
    /// ansai is stopping.
    Stopping,
    /// The maintenance window closed before the plan began.
    WindowClosed,
    /// A person paused the instance, or all of them.
    Paused,
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SkipReason::EarlierStepFailed => "an earlier step failed",
            SkipReason::EarlierStepRuns => "an earlier step still runs",
            SkipReason::Stopping => "ansai is stopping",
            SkipReason::WindowClosed => "the maintenance window closed before the plan began",
            SkipReason::Paused => "a person paused it",
        })
    }
}
