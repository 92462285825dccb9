//! Findings of a pass.

use serde::{Deserialize, Serialize};

use crate::Observation;
use crate::hold::{HeldUnder, NotHeld};
use crate::incident::Change;

/// An observation and its incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The policy's observation; `unknown` for an open incident that the policy's answer does not mention.
    #[serde(flatten)]
    pub observation: Observation,
    /// Id of the open incident, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// How the observation changed the incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Whether ansai heals the incident now. Then the observation does not change it, and it gets no other plan.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub healing: bool,
    /// The incident of its cause. While it is held under that one, it gets no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_under: Option<HeldUnder>,
    /// Why it is not held, although it names a cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_held: Option<NotHeld>,
    /// Whether a person silenced the incident. Then it is neither told nor healed.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub silenced: bool,
}
