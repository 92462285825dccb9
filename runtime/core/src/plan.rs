//! A policy's proposals and their results: the Rust types of `ansai:policy/types`.

use serde::{Deserialize, Serialize};

use crate::{Measure, Millis, Refusal, Status, Subject, Timestamp};

/// Number of a step proposed in one call of `plan`, from 0.
pub type StepRef = u32;

/// Candidates that a step skips, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct LeftOut {
    pub reason: String,
    pub items: u64,
    pub bytes: u64,
}

/// How long the effect of a step lasts; durations in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Lasting {
    ForGood,
    UntilVerified(Millis),
    ForATime(Millis),
}

/// How much of a step can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Reversibility {
    None,
    Partly,
    Fully,
}

impl Reversibility {
    /// Whether undoing the step restores anything.
    pub fn is_any(self) -> bool {
        self != Reversibility::None
    }
}

impl std::fmt::Display for Reversibility {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reversibility::None => "cannot be undone",
            Reversibility::Partly => "can be undone in part",
            Reversibility::Fully => "can be undone",
        })
    }
}

/// The effect of a proposed step, determined without applying it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Preview {
    pub step: StepRef,
    pub about: Subject,
    pub items: u64,
    pub frees_now_bytes: u64,
    pub frees_later_bytes: u64,
    pub interrupts: Option<Millis>,
    pub takes: Option<Millis>,
    pub reversible: Reversibility,
    pub lasting: Lasting,
    pub needs_bytes: u64,
    pub mount: Option<String>,
    pub complete: bool,
    pub sample: Vec<String>,
    pub left_out: Vec<LeftOut>,
}

impl Preview {
    /// A preview that changes and frees nothing: for a check, or as a starting point.
    pub fn nothing(about: Subject) -> Self {
        Preview {
            step: 0,
            about,
            items: 0,
            frees_now_bytes: 0,
            frees_later_bytes: 0,
            interrupts: Some(Millis::ZERO),
            takes: None,
            reversible: Reversibility::Fully,
            lasting: Lasting::ForGood,
            needs_bytes: 0,
            mount: None,
            complete: true,
            sample: Vec::new(),
            left_out: Vec::new(),
        }
    }
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Outcome {
    Done,
    Running,
    Provisional,
    Reverted,
    Failed,
    Refused,
    Skipped,
    Simulated,
    Unknown,
    Other,
}

impl Outcome {
    /// Whether the step is known to be over.
    pub fn has_ended(self) -> bool {
        !matches!(self, Outcome::Running | Outcome::Provisional | Outcome::Unknown)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Outcome::Done => "done",
            Outcome::Running => "running",
            Outcome::Provisional => "provisional",
            Outcome::Reverted => "reverted",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
            Outcome::Skipped => "skipped",
            Outcome::Simulated => "simulated",
            Outcome::Unknown => "unknown",
            Outcome::Other => "other",
        })
    }
}

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct StepResult {
    pub step: StepRef,
    pub action: String,
    pub arguments: String,
    pub about: Subject,
    pub outcome: Outcome,
    #[serde(default)]
    pub reason: Option<Refusal>,
    pub detail: String,
    pub measures: Vec<Measure>,
}

impl StepResult {
    /// Longer arguments, in bytes, are left out of results: an incident keeps the results of all its attempts.
    pub const MAX_ARGUMENT_BYTES: usize = 16 << 10;

    /// The arguments of a step as its result has them; empty if they are longer than
    /// [`StepResult::MAX_ARGUMENT_BYTES`].
    pub fn bounded_arguments(arguments: &str) -> String {
        if arguments.len() <= Self::MAX_ARGUMENT_BYTES { arguments.to_owned() } else { String::new() }
    }
}

/// One earlier attempt at a finding; `verified` is the status afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Attempt {
    pub key: String,
    pub number: u32,
    pub at: Timestamp,
    pub ended: Option<Timestamp>,
    pub stage: String,
    pub verified: Status,
    pub distance_before: Option<f64>,
    pub distance_after: Option<f64>,
    pub steps: Vec<StepResult>,
}

/// What happens to what the plan has done when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Undo it, newest step first, as far as it is reversible; also what the failed step itself has done.
    UndoApplied,
    /// Keep it, and skip the remaining steps.
    Stop,
}

/// A recommendation to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Recommendation {
    #[serde(default)]
    pub about: Option<Subject>,
    pub summary: String,
    pub detail: String,
    pub measures: Vec<Measure>,
}

/// A policy's decision about a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Decision {
    Apply(OnFailure),
    ApplyThenReplan(OnFailure),
    Wait(String),
    Recommend(Vec<Recommendation>),
    GiveUp(String),
}

impl Decision {
    /// What a failed step does to what the plan has done.
    pub fn on_failure(&self) -> OnFailure {
        match self {
            Decision::Apply(on_failure) | Decision::ApplyThenReplan(on_failure) => *on_failure,
            Decision::Wait(_) | Decision::Recommend(_) | Decision::GiveUp(_) => OnFailure::Stop,
        }
    }

    /// Whether the policy wants another plan where the finding is not healthy after this one.
    pub fn is_staged(&self) -> bool {
        matches!(self, Decision::ApplyThenReplan(_))
    }
}
