//! Parts of events about evaluations.

use serde::{Deserialize, Serialize};

use crate::{InstanceName, Mode};

/// A recording. The audit log holds its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRef {
    /// Its id in the store of recordings.
    pub id: String,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// A loaded instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct InstanceRef {
    pub instance: InstanceName,
    pub component: String,
    pub version: String,
    pub mode: Mode,
}

/// The export that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Phase {
    Detect,
    Plan,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Detect => "detect",
            Phase::Plan => "plan",
        })
    }
}

/// How an evaluation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluationResult {
    /// Observations: how many of each status.
    #[allow(missing_docs, reason = "the names are the documentation")]
    Observed {
        healthy: u32,
        unhealthy: u32,
        unknown: u32,
        #[serde(default, skip_serializing_if = "is_none")]
        gone: u32,
    },
    /// A decision, and the number of proposed steps.
    #[allow(missing_docs, reason = "the names are the documentation")]
    Proposed { steps: u32 },
    /// The policy reported that it has no answer.
    Failed(String),
    /// The host stopped the policy: a trap, a limit, or an answer that violates the contract.
    Aborted(String),
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// A line logged by a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct LogLine {
    pub level: String,
    pub message: String,
}
