//! The result of a pass as data, built from events. The table and the JSON document show it.

mod builder;
pub(crate) mod undo_text;

use ansai_core::event::{EvidenceRef, PlannedStep, Verdict};
use ansai_core::hold::{HeldUnder, NotHeld};
use ansai_core::{
    Decision, ErrorKind, InstanceName, Measure, Mode, Outcome, Recommendation, Severity, Status, Subject, Timestamp,
};
use serde::Serialize;

pub use self::builder::ReportBuilder;

/// One instance in one pass.
#[derive(Debug, Clone, Serialize)]
pub struct InstanceReport {
    /// The operator's name of the instance.
    pub instance: InstanceName,
    /// The version of the policy.
    pub version: String,
    /// Mode in force.
    pub mode: Mode,
    /// Every observation, unhealthy first.
    pub findings: Vec<FindingReport>,
    /// Why there is no answer, or only a part of one.
    pub error: Option<String>,
    /// Kind of that error, if the policy is its cause.
    pub error_kind: Option<ErrorKind>,
    /// How often the same error was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
    /// What the policy logged: level and message.
    pub log: Vec<(String, String)>,
}

/// One observation, and what was done about it.
#[derive(Debug, Clone, Serialize)]
pub struct FindingReport {
    /// Stable key.
    pub key: String,
    /// Its subject.
    pub about: Subject,
    /// Status at the start of the pass.
    pub status: Status,
    /// Summary in one sentence.
    pub summary: String,
    /// Evidence, most important first.
    pub evidence: Vec<Measure>,
    /// Id of the open incident.
    pub incident: Option<String>,
    /// Plans of this pass, in order. Healing in stages has several.
    pub plans: Vec<PlanReport>,
    /// Status after acting.
    pub verified: Option<Status>,
    /// How often the same plan was there before, if it is not applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Repeated>,
    /// The incident of its cause. While it is held under that one, it has no plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_under: Option<HeldUnder>,
    /// Why it is not held, although it names a cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_held: Option<NotHeld>,
    /// Whether a person silenced it. Then it does not count for the exit code.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
    /// The ids of incidents of this pass that are held under this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
}

/// How often something was the same since it was told and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Repeated {
    /// Without the first time.
    pub times: u32,
    /// The first time.
    pub since: Timestamp,
}

/// A plan and its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// Id of the plan; empty if there is no plan.
    pub plan: String,
    /// The policy's decision.
    pub decision: Option<Decision>,
    /// The host's verdict.
    pub verdict: Option<Verdict>,
    /// Steps in order.
    pub steps: Vec<StepReport>,
    /// What the policy recommends to a person in addition.
    pub recommendations: Vec<Recommendation>,
    /// Why there is no plan, or why the plan did not continue.
    pub error: Option<String>,
    /// Kind of that error, if the policy is its cause.
    pub error_kind: Option<ErrorKind>,
}

/// A step and its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// The step as planned.
    #[serde(flatten)]
    pub planned: PlannedStep,
    /// The outcome; `None` if the step was not applied.
    pub outcome: Option<Outcome>,
    /// The outcome in one sentence.
    pub detail: String,
    /// Measures of the outcome.
    pub measures: Vec<Measure>,
    /// What it captured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRef>,
    /// How its act after the undo of the plan ended; `None` if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_undo: Option<Outcome>,
    /// When it goes back by itself; `None` if it stays, or is back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_back: Option<Timestamp>,
}

/// The state of a finding at the end of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// Healthy from the start.
    Healthy,
    /// Healthy now, but not at the start.
    Healed,
    /// Still not healthy.
    Unhealthy(Severity),
    /// Unknown.
    Unknown,
    /// It no longer exists.
    Gone,
}

impl FindingReport {
    /// The current state.
    pub fn state(&self) -> FindingState {
        match (&self.status, self.verified.as_ref()) {
            (Status::Healthy, _) => FindingState::Healthy,
            (Status::Gone, _) | (_, Some(Status::Gone)) => FindingState::Gone,
            (_, Some(Status::Healthy)) => FindingState::Healed,
            (_, Some(Status::Unhealthy(severity))) | (Status::Unhealthy(severity), None) => {
                FindingState::Unhealthy(*severity)
            }
            (_, Some(Status::Unknown(_))) | (Status::Unknown(_), None) => FindingState::Unknown,
        }
    }
}

impl InstanceReport {
    /// Whether it has no findings, and that is known.
    pub fn is_idle(&self) -> bool {
        self.findings.is_empty() && self.error.is_none()
    }

    /// The exit code for this instance alone.
    pub fn exit_code(&self) -> u8 {
        use ansai_core::exit;
        let heard = self.findings.iter().filter(|finding| !finding.silenced);
        let states: Vec<FindingState> = heard.map(FindingReport::state).collect();
        let refused = self
            .findings
            .iter()
            .flat_map(|finding| &finding.plans)
            .any(|plan| matches!(plan.verdict, Some(Verdict::Refused(_))) || plan.has(Outcome::Refused));
        if refused {
            exit::REFUSED
        } else if states.iter().any(|state| matches!(state, FindingState::Unhealthy(_))) {
            exit::UNHEALTHY
        } else if self.error.is_some() || states.contains(&FindingState::Unknown) {
            exit::UNKNOWN
        } else {
            exit::FINE
        }
    }
}

impl StepReport {
    /// A step without an outcome.
    pub(crate) fn new(planned: PlannedStep) -> StepReport {
        StepReport {
            planned,
            outcome: None,
            detail: String::new(),
            measures: Vec::new(),
            evidence: Vec::new(),
            after_undo: None,
            goes_back: None,
        }
    }

    /// Adds what the step did after the undo of its plan.
    pub(crate) fn acted_after_undo(&mut self, outcome: Outcome, text: &str) {
        undo_text::after_undo(&mut self.detail, outcome, text);
        self.after_undo = Some(outcome);
    }
}

impl PlanReport {
    fn has(&self, outcome: Outcome) -> bool {
        self.steps.iter().any(|step| step.outcome == Some(outcome))
    }
}

/// The exit code of a whole pass: refused takes precedence over unhealthy, then unknown, then success.
pub fn exit_code(reports: &[InstanceReport]) -> u8 {
    use ansai_core::exit;
    let codes: Vec<u8> = reports.iter().map(InstanceReport::exit_code).collect();
    [exit::REFUSED, exit::UNHEALTHY, exit::UNKNOWN].into_iter().find(|code| codes.contains(code)).unwrap_or(exit::FINE)
}
