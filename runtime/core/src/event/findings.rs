//! What a pass found.

use serde::{Deserialize, Serialize};

use crate::Observation;
use crate::incident::Change;

/// An observation and its incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What the policy answered; `unknown` for an open incident that the answer did not mention.
    #[serde(flatten)]
    pub observation: Observation,
    /// The incident that is open for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// What the observation did to the incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}
