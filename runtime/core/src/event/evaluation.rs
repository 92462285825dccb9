//! Parts of events about evaluations.

use serde::{Deserialize, Serialize};

use crate::Mode;

/// A recording kept beside the log and bound into it by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRef {
    /// Its name in the store of recordings.
    pub id: String,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// An instance as it was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct InstanceRef {
    pub instance: String,
    pub component: String,
    pub version: String,
    pub mode: Mode,
}

/// Which export was called.
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
    /// With observations: how many of each.
    #[allow(missing_docs, reason = "the names are the documentation")]
    Observed { healthy: u32, unhealthy: u32, unknown: u32 },
    /// With a decision and this many steps.
    #[allow(missing_docs, reason = "the names are the documentation")]
    Proposed { steps: u32 },
    /// The policy had no answer.
    Failed(String),
    /// The host stopped the policy: a trap, a limit, an answer against the contract.
    Aborted(String),
}

/// A line that a policy logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct LogLine {
    pub level: String,
    pub message: String,
}
