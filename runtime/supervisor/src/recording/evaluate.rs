//! Evaluates a policy on the host and records it: passes the context, returns answer and proposals.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::event::{EvaluationResult, LogLine, Phase};
use ansai_core::{Attempt, Event, Incident, Measure, Millis, Observation, Severity, Share, Status, Timestamp};
use ansai_engine::engine::ENGINE_VERSION;
use ansai_engine::recording::RECORDING_VERSION;
use ansai_engine::{Answer, EvaluationError, RecordedCall, RecordedReply, Recording};
use ansai_kit::action::Proposed;
use ansai_kit::evaluation_state::{Advice, Context, EvaluationState, Trigger, Writes};
use ansai_kit::host_access::{EvaluationStart, HostAccess};
use ansai_kit::processor::Meter;
use tokio::time::Instant;

use super::journal::Journal;
use super::recorder::{Ended, Recorder, Unrecorded};
use crate::authority::EffectiveGrants;
use crate::clock;
use crate::evaluate::Evaluate;
use crate::gate::{Gate, Urgency};
use crate::instance::Instance;
use crate::repeats::{Thing, Told, without_numbers};
use crate::shares::{Meters, metered};
use crate::state::{InstanceMemory, State, StateError};
use crate::stop::Stop;

/// The reason for an evaluation, and its input.
pub(crate) struct EvaluationRequest<'a> {
    pub(crate) trigger: Trigger,
    /// What is in force for the instance.
    pub(crate) grants: &'a EffectiveGrants,
    /// Delay in milliseconds after it was due.
    pub(crate) late_ms: u64,
    /// The open incidents of the instance.
    pub(crate) open: &'a [Incident],
    /// For `plan`: the finding and the earlier attempts.
    pub(crate) finding: Option<(&'a Observation, &'a [Attempt])>,
    /// The stage that the plan is for; empty if there are no stages.
    pub(crate) stage: &'a str,
}

/// The result of an evaluation.
pub(crate) struct Evaluated {
    pub(crate) at: Timestamp,
    /// When the evaluation before it was, as the policy was told.
    pub(crate) before: Option<Timestamp>,
    pub(crate) answer: Result<Answer, EvaluationError>,
    pub(crate) proposed: Vec<Arc<Proposed>>,
    pub(crate) writes: Writes,
    pub(crate) advice: Advice,
    /// Of `plan`: whoever asked for it records it, see [`Recorder::record_plan`].
    pub(crate) unrecorded: Option<Unrecorded>,
}

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotEvaluated {
    /// ansai stops, and the policy did not answer soon.
    #[error("ansai stops before the policy has answered")]
    Stopping,
    /// The state failed, or the host.
    #[error("{0}")]
    Failed(String),
}

impl From<StateError> for NotEvaluated {
    fn from(error: StateError) -> NotEvaluated {
        NotEvaluated::Failed(error.to_string())
    }
}

/// Evaluates policies on the host.
pub(crate) struct Evaluator {
    pub(crate) policies: Arc<dyn Evaluate>,
    pub(crate) host: Arc<dyn HostAccess>,
    pub(crate) facts: Arc<Vec<Measure>>,
    pub(crate) state: Arc<State>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) recorder: Recorder,
    pub(crate) stop: Arc<Stop>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) gate: Arc<Gate>,
}

impl Evaluator {
    /// Evaluates and records. Does not commit the policy's writes yet. Ends soon after ansai is asked to stop, whatever
    /// the policy does.
    pub(crate) async fn evaluate(
        &self,
        instance: &Instance,
        request: EvaluationRequest<'_>,
    ) -> Result<Evaluated, NotEvaluated> {
        let (asked, urgency) = (Instant::now(), urgency(&request));
        let due = asked.checked_sub(Duration::from_millis(request.late_ms)).unwrap_or(asked);
        let _slot = self.stop.or_soon(self.gate.enter(due, urgency)).await.ok_or(NotEvaluated::Stopping)?;
        let late_ms = request.late_ms.saturating_add(Millis::from(asked.elapsed()).get());
        let at = clock::now();
        let context = self.context(instance, at, &request)?;
        let before = context.last_evaluated;
        let memory = Arc::new(InstanceMemory { state: self.state.clone(), instance: instance.name.clone() });
        let phase = if request.finding.is_some() { Phase::Plan } else { Phase::Detect };
        let backend = self.host.backend(EvaluationStart {
            instance: instance.name.clone(),
            scopes: request.grants.scopes.clone(),
            reach: request.grants.reach.clone(),
            never: request.grants.never.clone(),
            state: EvaluationState::new(phase, context, memory).limited(&instance.limits),
            deadline: Duration::from_millis(instance.limits.deadline_ms),
            meter: self.meter(instance),
        });
        let evaluating = self.policies.evaluate(instance, backend, request.finding.map(|(finding, _)| finding));
        let (mut evaluation, spent) = self.stop.or_soon(metered(evaluating)).await.ok_or(NotEvaluated::Stopping)?;
        self.meters.spent(&instance.name, spent.saturating_add(evaluation.elsewhere));
        let ended = Ended {
            instance: instance.name.clone(),
            component: instance.policy.info().digest.clone(),
            at,
            phase,
            trigger: request.trigger.name().into(),
            result: result(&evaluation.answer, evaluation.usage.proposals),
            kind: evaluation.answer.as_ref().err().map(EvaluationError::kind),
            usage: evaluation.usage.clone(),
            late_ms,
            is_calm: request.open.is_empty() && is_repeated(&request.trigger),
            finding: request.finding.map(|(finding, _)| finding.key.clone()),
            says: is_repeated(&request.trigger).then(|| says(&evaluation.answer, &evaluation.calls)),
        };
        let mut recording = |ended: &Ended| Recording {
            version: RECORDING_VERSION,
            engine: ENGINE_VERSION.into(),
            component: ended.component.clone(),
            instance: ended.instance.clone(),
            phase,
            trigger: ended.trigger.clone(),
            at,
            finding: request.finding.map(|(finding, _)| finding.clone()),
            limits: instance.limits.clone(),
            end: evaluation.end(),
            fuel: ended.usage.fuel,
            calls: std::mem::take(&mut evaluation.calls),
        };
        let unrecorded = match phase {
            Phase::Plan => Some(Unrecorded { recording: recording(&ended), ended }),
            Phase::Detect => {
                self.recorder.record(ended, recording);
                None
            }
        };
        let finished = evaluation.backend.map(|backend| backend.finish());
        let Some((proposed, base)) = finished else {
            if let Some(unrecorded) = unrecorded {
                self.recorder.record_plan(unrecorded, false, "");
            }
            return Err(NotEvaluated::Failed("the host panicked during the evaluation".into()));
        };
        let thing = Thing::Warning("log lines");
        if base.log_dropped > 0
            && let Told::News(_) = self.recorder.repeats.say(&instance.name, thing, "dropped", None, at)
        {
            tracing::warn!(instance = %instance.name, "dropped {} log lines of the policy", base.log_dropped);
        }
        if !base.log.is_empty() {
            self.meters.charge(instance.name.as_str(), Share::LogLines, base.log.len() as f64);
            let line =
                |line: ansai_kit::evaluation_state::LogLine| LogLine { level: line.level, message: line.message };
            self.journal.publish(at, || Event::Logged {
                instance: instance.name.clone(),
                phase,
                lines: base.log.into_iter().map(line).collect(),
                dropped: base.log_dropped,
            });
        }
        let (answer, writes, advice) = (evaluation.answer, base.writes, base.advice);
        Ok(Evaluated { at, before, answer, proposed, writes, advice, unrecorded })
    }

    /// Charges what the host does for an evaluation on threads of its own.
    fn meter(&self, instance: &Instance) -> Meter {
        // Work that never ends must not keep the state open.
        let (meters, name) = (Arc::downgrade(&self.meters), instance.name.clone());
        Meter::new(move |spent| {
            if let Some(meters) = meters.upgrade() {
                meters.spent(&name, spent);
            }
        })
    }

    /// Commits the policy's writes of a successful evaluation, if its trigger is one of those that keep them.
    pub(crate) fn commit(
        &self,
        instance: &Instance,
        trigger: &Trigger,
        at: Timestamp,
        writes: &Writes,
    ) -> Result<(), StateError> {
        self.state.commit_after(trigger, &instance.name, at, writes)
    }

    fn context(
        &self,
        instance: &Instance,
        at: Timestamp,
        request: &EvaluationRequest<'_>,
    ) -> Result<Context, StateError> {
        Ok(Context {
            now: at,
            local_time: clock::local(at),
            last_evaluated: self.state.last_evaluated(&instance.name)?,
            trigger: request.trigger.clone(),
            host: Context::host_of(&self.facts),
            settings: instance.settings.clone(),
            scopes: serde_json::to_string(&*request.grants.scopes)?.into(),
            host_facts: self.facts.clone(),
            labels: request.grants.labels.clone(),
            targets: request.grants.targets.clone(),
            open_incidents: request.open.iter().map(|incident| incident.finding.clone()).collect(),
            attempts: request.finding.map(|(_, attempts)| attempts.to_vec()).unwrap_or_default(),
            stage: request.stage.to_owned(),
        })
    }
}

/// What is open and serious comes first, then what has happened, then what is due by time.
fn urgency(request: &EvaluationRequest<'_>) -> Urgency {
    let is_serious = |incident: &Incident| incident.finding.severity() >= Some(Severity::Critical);
    match &request.trigger {
        _ if request.open.iter().any(is_serious) => Urgency::Urgent,
        Trigger::Schedule if request.finding.is_none() => Urgency::Schedule,
        _ => Urgency::Soon,
    }
}

/// Whether the same answer at the next time is no news: a verification belongs to an act, a person asks on purpose, and
/// what woke a policy is asked for afterwards.
fn is_repeated(trigger: &Trigger) -> bool {
    !matches!(trigger, Trigger::Verification | Trigger::ByHand | Trigger::Event(_))
}

/// What an answer says, without its numbers, and the calls that were refused: a grant may have changed.
fn says(answer: &Result<Answer, EvaluationError>, calls: &[RecordedCall]) -> String {
    let refused = calls.iter().filter_map(|call| match &call.reply {
        RecordedReply::Refused(refusal) => Some(format!("{}: {}", call.name(), without_numbers(&refusal.to_string()))),
        RecordedReply::Ok(_) => None,
    });
    std::iter::once(answered(answer)).chain(refused).collect::<Vec<_>>().join("\n")
}

fn answered(answer: &Result<Answer, EvaluationError>) -> String {
    let one = |one: &Observation| {
        let status = match &one.status {
            Status::Unknown(why) => Status::Unknown(without_numbers(why)),
            status => status.clone(),
        };
        serde_json::json!([one.key, status, without_numbers(&one.summary)]).to_string()
    };
    match answer {
        Ok(Answer::Observed(observations)) => {
            let mut said: Vec<String> = observations.iter().map(one).collect();
            said.sort_unstable();
            said.join("\n")
        }
        // Whoever records it adds what the plan says.
        Ok(Answer::Decided(_)) => String::new(),
        Err(error) => without_numbers(&error.to_string()),
    }
}

fn result(answer: &Result<Answer, EvaluationError>, proposals: u32) -> EvaluationResult {
    match answer {
        Ok(Answer::Observed(observations)) => {
            let count = |wanted: fn(&Status) -> bool| {
                u32::try_from(observations.iter().filter(|one| wanted(&one.status)).count()).unwrap_or(u32::MAX)
            };
            EvaluationResult::Observed {
                healthy: count(|status| matches!(status, Status::Healthy)),
                unhealthy: count(|status| matches!(status, Status::Unhealthy(_))),
                unknown: count(|status| matches!(status, Status::Unknown(_))),
                gone: count(|status| matches!(status, Status::Gone)),
            }
        }
        Ok(Answer::Decided(_)) => EvaluationResult::Proposed { steps: proposals },
        Err(EvaluationError::Failure(failure)) => EvaluationResult::Failed(failure.to_string()),
        Err(error) => EvaluationResult::Aborted(error.to_string()),
    }
}
