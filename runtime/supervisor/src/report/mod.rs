//! The result of a pass, as data made from events: the table and the JSON document show it.

mod builder;

use ansai_core::event::{PlannedStep, Verdict};
use ansai_core::{Decision, ErrorKind, Measure, Mode, Outcome, Severity, Status, Subject};
use serde::Serialize;

pub use self::builder::ReportBuilder;

/// One instance in one pass.
#[derive(Debug, Clone, Serialize)]
pub struct InstanceReport {
    /// The operator's name for it.
    pub instance: String,
    /// The version of the policy.
    pub version: String,
    /// In force.
    pub mode: Mode,
    /// Every observation, unhealthy first.
    pub findings: Vec<FindingReport>,
    /// Why there is no answer, or not all of one.
    pub error: Option<String>,
    /// The kind of that error, where the policy is its cause.
    pub error_kind: Option<ErrorKind>,
    /// What the policy logged: level and message.
    pub log: Vec<(String, String)>,
}

/// One observation and what was done about it.
#[derive(Debug, Clone, Serialize)]
pub struct FindingReport {
    /// Stable.
    pub key: String,
    /// What it is about.
    pub about: Subject,
    /// As first seen in this pass.
    pub status: Status,
    /// One sentence.
    pub summary: String,
    /// Most important first.
    pub evidence: Vec<Measure>,
    /// The open incident's id.
    pub incident: Option<String>,
    /// Plans of this pass, in order; several where healing has stages.
    pub plans: Vec<PlanReport>,
    /// As seen after acting.
    pub verified: Option<Status>,
}

/// A plan and its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// Its id; empty where there is no plan.
    pub plan: String,
    /// The policy's.
    pub decision: Option<Decision>,
    /// The host's.
    pub verdict: Option<Verdict>,
    /// In order.
    pub steps: Vec<StepReport>,
    /// Why there is no plan, or why it was not carried on.
    pub error: Option<String>,
    /// The kind of that error, where the policy is its cause.
    pub error_kind: Option<ErrorKind>,
}

/// A step and its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// As it was planned.
    #[serde(flatten)]
    pub planned: PlannedStep,
    /// What it did; `None` where it was not applied.
    pub outcome: Option<Outcome>,
    /// One sentence about the outcome.
    pub detail: String,
    /// Numbers of the outcome.
    pub measures: Vec<Measure>,
}

/// The state of a finding at the end of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// It was healthy, and is.
    Healthy,
    /// It was not healthy, and is now.
    Healed,
    /// It is not healthy.
    Unhealthy(Severity),
    /// It is not known.
    Unknown,
}

impl FindingReport {
    /// Its state now.
    pub fn state(&self) -> FindingState {
        match (&self.status, self.verified.as_ref()) {
            (Status::Healthy, _) => FindingState::Healthy,
            (_, Some(Status::Healthy)) => FindingState::Healed,
            (_, Some(Status::Unhealthy(severity))) | (Status::Unhealthy(severity), None) => {
                FindingState::Unhealthy(*severity)
            }
            (_, Some(Status::Unknown(_))) | (Status::Unknown(_), None) => FindingState::Unknown,
        }
    }
}

impl InstanceReport {
    /// The exit code that this instance alone would give.
    pub fn exit_code(&self) -> u8 {
        use ansai_core::exit;
        let states: Vec<FindingState> = self.findings.iter().map(FindingReport::state).collect();
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
    /// A step that has no outcome yet.
    pub(crate) fn new(planned: PlannedStep) -> StepReport {
        StepReport { planned, outcome: None, detail: String::new(), measures: Vec::new() }
    }
}

impl PlanReport {
    fn has(&self, outcome: Outcome) -> bool {
        self.steps.iter().any(|step| step.outcome == Some(outcome))
    }
}

/// The exit code of a whole pass: refused before unhealthy before unknown before fine.
pub fn exit_code(reports: &[InstanceReport]) -> u8 {
    use ansai_core::exit;
    let codes: Vec<u8> = reports.iter().map(InstanceReport::exit_code).collect();
    [exit::REFUSED, exit::UNHEALTHY, exit::UNKNOWN].into_iter().find(|code| codes.contains(code)).unwrap_or(exit::FINE)
}
