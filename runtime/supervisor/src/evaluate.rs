//! One evaluation on the live host: context in, answer and proposals out, recorded and noted.

use std::sync::Arc;

use ansai_audit::{Class, RecordingId};
use ansai_core::event::{EvaluationResult, Phase, RecordingRef};
use ansai_core::{Attempt, Event, Instant, Observation, Status};
use ansai_engine::engine::ENGINE_VERSION;
use ansai_engine::recording::RECORDING_VERSION;
use ansai_engine::{Answer, Evaluation, EvaluationError, Recording};
use ansai_host_functions::live::Live;
use ansai_kit::action::Proposed;
use ansai_kit::authorize::Scopes;
use ansai_kit::evaluation_state::{Context, EvaluationState, LogLine, Trigger, Writes};

use crate::clock;
use crate::instance::Instance;
use crate::memory::InstanceMemory;
use crate::supervisor::Inner;

/// Why a policy is asked.
pub(crate) struct EvaluationRequest<'a> {
    pub(crate) trigger: Trigger,
    pub(crate) scopes: &'a Scopes,
    /// How long after its time, milliseconds.
    pub(crate) late_ms: u64,
    /// For `plan`: the finding and what was tried.
    pub(crate) finding: Option<(&'a Observation, Vec<Attempt>)>,
}

/// What came of it.
pub(crate) struct Evaluated {
    pub(crate) at: Instant,
    pub(crate) answer: Result<Answer, EvaluationError>,
    pub(crate) proposed: Vec<Arc<Proposed>>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) writes: Writes,
}

impl Inner {
    /// Evaluates and records. Nothing that the policy stored is kept yet.
    pub(crate) async fn ask(&self, instance: &Instance, asked: EvaluationRequest<'_>) -> Result<Evaluated, String> {
        let at = clock::now();
        let context = self.context(instance, at, &asked)?;
        let is_well = context.open_incidents.is_empty();
        let memory = Arc::new(InstanceMemory { state: self.state.clone(), instance: instance.name.clone() });
        let phase = if asked.finding.is_some() { Phase::Plan } else { Phase::Detect };
        let live = Live::new(
            self.shared.clone(),
            instance.name.clone(),
            phase,
            asked.scopes.clone(),
            EvaluationState::new(context, memory),
        )
        .ending_after(std::time::Duration::from_millis(instance.limits.deadline_ms));
        let evaluation = match &asked.finding {
            Some((finding, _)) => instance.policy.plan(live, &instance.limits, finding).await,
            None => instance.policy.detect(live, &instance.limits).await,
        };
        self.record(instance, at, phase, &asked, &evaluation, is_well);
        let (proposed, base) = evaluation.backend.map(Live::finish).ok_or("the evaluation lost its backend")?;
        if base.log_dropped > 0 {
            tracing::warn!(instance = %instance.name, "{} log lines were too many", base.log_dropped);
        }
        Ok(Evaluated { at, answer: evaluation.answer, proposed, log: base.log, writes: base.writes })
    }

    fn context(&self, instance: &Instance, at: Instant, asked: &EvaluationRequest<'_>) -> Result<Context, String> {
        let text = |error: crate::state::StateError| error.to_string();
        let open = self.state.incidents(&instance.name).map_err(text)?;
        let scopes = serde_json::to_string(&**asked.scopes).map_err(|error| error.to_string())?;
        Ok(Context {
            now: at,
            local_time: clock::local(at),
            last_evaluated: self.state.last_evaluated(&instance.name).map_err(text)?,
            trigger: asked.trigger.clone(),
            settings: instance.settings.clone(),
            scopes: scopes.into(),
            host_facts: self.facts.clone(),
            open_incidents: open.into_iter().map(|incident| incident.finding).collect(),
            attempts: asked.finding.as_ref().map(|(_, attempts)| attempts.clone()).unwrap_or_default(),
            stage: String::new(),
        })
    }

    /// Keeps the recording and notes the evaluation. What cannot be kept is said, and does not stop healing.
    fn record(
        &self,
        instance: &Instance,
        at: Instant,
        phase: Phase,
        asked: &EvaluationRequest<'_>,
        evaluation: &Evaluation<Live>,
        is_well: bool,
    ) {
        let result = result(&evaluation.answer, evaluation.usage.proposals);
        let is_quiet = is_well
            && asked.trigger == Trigger::Schedule
            && matches!(result, EvaluationResult::Observed { unhealthy: 0, unknown: 0, .. });
        let Some(unrecorded) = self.sampling.admit(&instance.name, at, is_quiet.then(|| result.clone())) else {
            return;
        };
        let recording = Recording {
            version: RECORDING_VERSION,
            engine: ENGINE_VERSION.into(),
            component: instance.policy.info().digest.clone(),
            instance: instance.name.to_string(),
            phase,
            trigger: asked.trigger.name().into(),
            at,
            finding: asked.finding.as_ref().map(|(finding, _)| (*finding).clone()),
            limits: instance.limits.clone(),
            end: evaluation.end(),
            fuel: evaluation.usage.fuel,
            calls: evaluation.calls.clone(),
        };
        let reference = match self.keep(instance, at, &recording) {
            Ok(reference) => Some(reference),
            Err(why) => {
                tracing::warn!(instance = %instance.name, "recording not kept: {why}");
                None
            }
        };
        let event = Event::Evaluated {
            instance: instance.name.to_string(),
            component: recording.component,
            phase,
            trigger: recording.trigger,
            result,
            kind: evaluation.answer.as_ref().err().map(EvaluationError::kind),
            recording: reference,
            usage: evaluation.usage.clone(),
            late_ms: asked.late_ms,
            unrecorded,
        };
        if let Err(error) = self.journal.note(at, event) {
            tracing::error!("{error}");
        }
    }

    fn keep(&self, instance: &Instance, at: Instant, recording: &Recording) -> Result<RecordingRef, String> {
        let id = self.fresh_id(at);
        let id: RecordingId = format!("{id}-{}", instance.name).parse().map_err(|e| format!("{e}"))?;
        let class = if is_healthy(recording) { Class::Healthy } else { Class::Notable };
        let content = serde_json::to_vec(recording).map_err(|error| error.to_string())?;
        let mut recordings = self.recordings.lock().map_err(|_| "a writer failed".to_owned())?;
        let (stored, evicted) = match recordings.put(&id, &instance.name, class, &content) {
            Ok(stored) => (Ok(hex::encode(stored.sha256)), stored.evicted),
            Err(error) => (Err(error.refusal.to_string()), error.evicted),
        };
        drop(recordings);
        if !evicted.is_empty() {
            let ids = evicted.iter().map(ToString::to_string).collect();
            if let Err(error) = self.journal.note(at, Event::RecordingsDropped { ids }) {
                tracing::error!("{error}");
            }
        }
        Ok(RecordingRef { id: id.to_string(), sha256: stored? })
    }
}

fn is_healthy(recording: &Recording) -> bool {
    use ansai_engine::recording::RecordedEnd;
    match &recording.end {
        RecordedEnd::Observed(observations) => observations.iter().all(|o| o.status == Status::Healthy),
        _ => false,
    }
}

fn result(answer: &Result<Answer, EvaluationError>, proposals: u32) -> EvaluationResult {
    match answer {
        Ok(Answer::Observed(observations)) => {
            let count = |wanted: fn(&Status) -> bool| {
                u32::try_from(observations.iter().filter(|o| wanted(&o.status)).count()).unwrap_or(u32::MAX)
            };
            EvaluationResult::Observed {
                healthy: count(|status| matches!(status, Status::Healthy)),
                unhealthy: count(|status| matches!(status, Status::Unhealthy(_))),
                unknown: count(|status| matches!(status, Status::Unknown(_))),
            }
        }
        Ok(Answer::Decided(_)) => EvaluationResult::Proposed { steps: proposals },
        Err(EvaluationError::Failure(failure)) => EvaluationResult::Failed(failure.to_string()),
        Err(error) => EvaluationResult::Aborted(error.to_string()),
    }
}
