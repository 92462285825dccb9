//! The recording of one evaluation: everything that is needed to run it again exactly.

use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{Decision, InstanceName, InterfaceName, Limits, Observation, Refusal, Timestamp};
use ansai_kit::call::Reply;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One call of a host function with its reply. A clone shares the texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedCall {
    /// Name of the interface, without version.
    pub interface: InterfaceName,
    /// Name of the function.
    pub function: Arc<str>,
    /// Arguments, as a JSON object by parameter name.
    pub arguments: Arc<RawValue>,
    /// The reply.
    pub reply: RecordedReply,
}

impl RecordedCall {
    /// Interface and function: `ansai:files/files-actions.remove`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.interface, self.function)
    }
}

/// The reply to a recorded call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedReply {
    /// The answer as JSON.
    Ok(Arc<RawValue>),
    /// The refusal.
    Refused(Refusal),
}

impl RecordedReply {
    /// Bytes of the answer, zero of a refusal; and whether it is an answer.
    pub(crate) fn bytes(&self) -> (usize, bool) {
        match self {
            RecordedReply::Ok(answer) => (answer.get().len(), true),
            RecordedReply::Refused(_) => (0, false),
        }
    }
}

impl From<Reply> for RecordedReply {
    fn from(reply: Reply) -> Self {
        match reply {
            Ok(answer) => RecordedReply::Ok(answer),
            Err(refusal) => RecordedReply::Refused(refusal),
        }
    }
}

impl From<RecordedReply> for Reply {
    fn from(reply: RecordedReply) -> Self {
        match reply {
            RecordedReply::Ok(answer) => Ok(answer),
            RecordedReply::Refused(refusal) => Err(refusal),
        }
    }
}

/// How an evaluation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedEnd {
    /// `detect` returned observations.
    Observed(Vec<Observation>),
    /// `plan` returned a decision.
    Decided(Decision),
    /// The policy returned a failure.
    Failed(String),
    /// The host stopped the policy, for this reason.
    Stopped(String),
    /// A deadline ended it. The time depends on the machine, so it is not replayed.
    Deadline,
}

/// The recording of one evaluation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recording {
    /// Version of this format.
    pub version: u32,
    /// Version of the code generator. Fuel is comparable only within one version.
    pub engine: String,
    /// SHA-256 of the component.
    pub component: String,
    /// Name of the instance.
    pub instance: InstanceName,
    /// The export that was called.
    pub phase: Phase,
    /// `schedule`, `verification`, …
    pub trigger: String,
    /// When the evaluation began.
    pub at: Timestamp,
    /// The finding that `plan` was called with.
    pub finding: Option<Observation>,
    /// The limits in force.
    pub limits: Limits,
    /// Calls in order.
    pub calls: Vec<RecordedCall>,
    /// How the evaluation ended.
    pub end: RecordedEnd,
    /// Fuel used.
    pub fuel: u64,
}

/// Version of the format that this version writes.
pub const RECORDING_VERSION: u32 = 1;
