//! The escalation ladder: stages of repairs, each with so many attempts and so much time. After the last one a person acts.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// The name of the last stage of every ladder.
pub const PERSON: &str = "person";
/// Maximum number of stages, without the last one.
pub const MOST_STAGES: usize = 16;

/// A stage of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name, which the policy sees in `context.stage`.
    pub name: String,
    /// Attempts at this stage, at least 1.
    pub attempts: u32,
    /// How long the stage lasts at most, from its first attempt. `None`: until its attempts are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Millis>,
}

/// The stages of a ladder in their order, without the last one, which is a person. Without stages, an incident has as many
/// attempts as [`crate::RetryPolicy::max_attempts`], and the policy sees no stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ladder(pub Vec<Stage>);

impl Ladder {
    /// Whether there are no stages.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attempts of all stages.
    pub fn attempts(&self) -> u32 {
        self.0.iter().fold(0, |sum, stage| sum.saturating_add(stage.attempts))
    }

    /// The number of a stage of this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|stage| stage.name == name)
    }

    /// The stage with this number; `None` is the person.
    pub fn get(&self, number: usize) -> Option<&Stage> {
        self.0.get(number)
    }
}

/// How often an incident may come back within a time after it was healed. Then a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlapLimit {
    /// So many times; the next repair is left to a person.
    pub most: u32,
    /// An incident that opens again within this time after it was healed has come back. So many of them within this time
    /// are too many.
    pub within: Millis,
}

impl Default for FlapLimit {
    fn default() -> Self {
        FlapLimit { most: 3, within: Millis::from_hours(1) }
    }
}
