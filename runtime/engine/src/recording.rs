//! What one evaluation saw and said: enough to run it again exactly.

use std::sync::Arc;

use ansai_core::event::Phase;
use ansai_core::{Decision, Instant, Limits, Observation, Refusal};
use ansai_kit::call::Reply;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One call with its reply.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedCall {
    /// Without version.
    pub interface: Arc<str>,
    /// The function.
    pub function: Arc<str>,
    /// JSON object by parameter name.
    pub arguments: Box<RawValue>,
    /// What was answered.
    pub reply: RecordedReply,
}

impl RecordedCall {
    /// `ansai:files/files-actions.remove`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.interface, self.function)
    }
}

/// A reply, as it is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedReply {
    /// JSON of the answer.
    Ok(Box<RawValue>),
    /// Why there was none.
    Refused(Refusal),
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
    /// `detect` answered.
    Observed(Vec<Observation>),
    /// `plan` answered.
    Decided(Decision),
    /// The policy said that it has no answer.
    Failed(String),
    /// The policy was stopped; the reason is as exact as a replay can be.
    Stopped(String),
    /// A deadline ended it: when depends on the machine, so this one is not replayed.
    Deadline,
}

/// An evaluation that can be run again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recording {
    /// Form of this document.
    pub version: u32,
    /// Code generator: fuel is comparable only within one.
    pub engine: String,
    /// SHA-256 of the component.
    pub component: String,
    /// The operator's name.
    pub instance: String,
    /// Which export.
    pub phase: Phase,
    /// `schedule`, `verification`, …
    pub trigger: String,
    /// When it began.
    pub at: Instant,
    /// What `plan` was asked about.
    pub finding: Option<Observation>,
    /// What it was allowed.
    pub limits: Limits,
    /// In order.
    pub calls: Vec<RecordedCall>,
    /// How it ended.
    pub end: RecordedEnd,
    /// What it burnt.
    pub fuel: u64,
}

/// Form of the document that this version writes.
pub const RECORDING_VERSION: u32 = 1;
