//! What a person is told about an incident that ansai does not heal any further.

use serde::{Deserialize, Serialize};

use super::Progress;
use crate::text::prose;
use crate::{Attempt, Millis, Outcome, Severity, Status, Timestamp};

/// The latest attempts that are told.
const MOST_ATTEMPTS: usize = 8;
/// Steps of one attempt that are told.
const MOST_STEPS: usize = 8;
/// Characters of the result of a step.
const MOST_DETAIL: usize = 200;

/// Why a stage, or the whole ladder, is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Reason {
    /// All attempts were used.
    Attempts {
        /// So many.
        used: u32,
    },
    /// The stage was not over in time.
    TimeOut {
        /// Its time.
        within: Millis,
    },
    /// The policy proposes nothing at this stage.
    NothingToDo,
    /// It was healed and came back too often.
    Flapping {
        /// So many times.
        times: u32,
        /// Within this time.
        within: Millis,
    },
}

/// `2 attempts used`.
impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Attempts { used: 1 } => f.write_str("1 attempt used"),
            Reason::Attempts { used } => write!(f, "{used} attempts used"),
            Reason::TimeOut { within } => write!(f, "not healed within {within}"),
            Reason::NothingToDo => f.write_str("nothing to do at this stage"),
            Reason::Flapping { times, within } => {
                write!(f, "came back {times} times in {within} after it was healed")
            }
        }
    }
}

/// Since when an incident is left to a person, and why. Nothing is tried until it gets worse or a person says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// Since when.
    pub at: Timestamp,
    /// How severe it was then.
    pub severity: Severity,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
}

/// An attempt, as a person is told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Its number within the incident.
    pub number: u32,
    /// Its stage; empty if there are no stages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stage: String,
    /// When it was planned.
    pub at: Timestamp,
    /// Its steps: the first ones.
    pub steps: Vec<TriedStep>,
    /// The state of the finding after it.
    pub verified: Status,
    /// Whether it made things better, as far as the policy tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// A step of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriedStep {
    /// The action, such as `ansai:files/files-actions.remove`.
    pub action: String,
    /// What it acted on, such as `filesystem /var`.
    pub about: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// What it did, or why not.
    pub detail: String,
}

impl Tried {
    /// The latest of these attempts, oldest first.
    pub fn of(attempts: &[Attempt]) -> Vec<Tried> {
        let first = attempts.len().saturating_sub(MOST_ATTEMPTS);
        attempts.iter().skip(first).map(Tried::one).collect()
    }

    fn one(attempt: &Attempt) -> Tried {
        let steps = attempt.steps.iter().take(MOST_STEPS).map(|step| TriedStep {
            action: step.action.clone(),
            about: prose(&step.about.to_string(), MOST_DETAIL),
            outcome: step.outcome,
            detail: prose(&step.detail, MOST_DETAIL),
        });
        Tried {
            number: attempt.number,
            stage: attempt.stage.clone(),
            at: attempt.at,
            steps: steps.collect(),
            verified: attempt.verified.clone(),
            progress: attempt.progress(),
        }
    }
}
