//! Parts of events about plans and steps.

use serde::{Deserialize, Serialize};

use crate::incident::Permission;
use crate::{Preview, Subject};

/// A step of a plan as the operator saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct PlannedStep {
    pub action: String,
    pub reason: String,
    pub preview: Preview,
}

/// What the host decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Goes to the executor.
    Approved,
    /// Observe mode stops here.
    Observed,
    /// The policy asked for nothing to be done.
    NothingToDo,
    /// Too soon, or tried too often.
    Held(Permission),
    /// Not allowed; says why.
    Refused(String),
}

/// What a step is about to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The id of the plan.
    pub plan: String,
    /// Counts from 0.
    pub step: u32,
    /// Whose grants the step acts on.
    pub instance: String,
    /// `ansai:files/files-actions.remove`.
    pub action: String,
    /// What the step is about.
    pub about: Subject,
    /// As proposed.
    pub arguments: serde_json::Value,
    /// How many targets the plan has for the step.
    pub targets: u64,
    /// SHA-256 of the targets in the file of the plan, hexadecimal.
    pub targets_sha256: String,
}

/// Which step is about to be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoIntent {
    /// The id of the plan.
    pub plan: String,
    /// Counts from 0.
    pub step: u32,
    /// The instance of the plan.
    pub instance: String,
    /// The host, or a person.
    pub by: String,
    /// SHA-256 of the record of what the step did, hexadecimal.
    pub items_sha256: String,
}

/// Why a step did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// An earlier step of the plan failed.
    EarlierStepFailed,
    /// An earlier step of the plan still runs.
    EarlierStepRuns,
    /// ansai was asked to stop.
    Stopping,
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SkipReason::EarlierStepFailed => "an earlier step failed",
            SkipReason::EarlierStepRuns => "an earlier step still runs",
            SkipReason::Stopping => "ansai is stopping",
        })
    }
}
