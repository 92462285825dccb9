//! One pass over one instance: detect, update incidents, and heal unhealthy findings.

mod heal;
mod verify_within;

use std::sync::Arc;

use ansai_core::incident::Change;
use ansai_core::{ErrorKind, Event, Incident, Millis, Mode, Observation, Status};
use ansai_engine::Answer;
use ansai_kit::evaluation_state::Trigger;
use tokio::time::Instant;

use crate::authority::{Authority, EffectiveGrants};
use crate::clock;
use crate::execution::Executor;
use crate::ids::Ids;
use crate::incidents::{Incidents, OpenIncidents, Update, update};
use crate::instance::Instance;
use crate::recording::{Evaluated, EvaluationRequest, Evaluator, Journal};
use crate::stop::Stop;

/// Everything that a pass needs. Its results are the events that it publishes.
pub(crate) struct Passes {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) evaluator: Evaluator,
    pub(crate) incidents: Arc<Incidents>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) ids: Arc<Ids>,
    pub(crate) stop: Arc<Stop>,
}

/// The findings that get a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanWhat {
    /// Everything unhealthy, so that a person sees what would be done.
    Everything,
    /// In observe mode, only changes.
    News,
}

impl Passes {
    /// Detects and heals. Returns after how long the policy wants to be evaluated again, in addition to its schedule.
    pub(crate) async fn pass(&self, instance: &Instance, why: Trigger, late_ms: u64, what: PlanWhat) -> Option<Millis> {
        let grants = match self.authority.effective_grants(&instance.name) {
            Ok(grants) => grants,
            Err(error) => {
                self.failed(instance, Mode::Observe, error, None);
                return None;
            }
        };
        let (update, look_again) = self.detect(instance, &grants, &why, late_ms).await?;
        let planned = self.heal_all(instance, &grants, &why, update, what).await;
        let soonest = look_again.into_iter().chain(planned).min()?;
        // The time counts from the end of the evaluation that asked, not from that of the steps after it.
        Some(soonest.saturating_duration_since(Instant::now()).into())
    }

    /// Reports that a pass has no answer.
    pub(crate) fn failed(&self, instance: &Instance, mode: Mode, error: String, kind: Option<ErrorKind>) {
        let name = instance.name.as_str();
        let event = Event::Failed { instance: instance.name.clone(), mode, error, kind };
        match kind {
            // The audit log records it as `evaluated`.
            Some(_) => self.journal.publish(clock::now(), || event),
            None => {
                if let Event::Failed { error, .. } = &event {
                    tracing::error!(
                        instance = name,
                        "the pass has no complete answer, the next one comes on schedule: {error}"
                    );
                }
                self.journal.note(clock::now(), event);
            }
        }
    }

    /// Reports that a pass was interrupted by a bug in ansai.
    pub(crate) fn panicked(&self, instance: &Instance, error: &tokio::task::JoinError) {
        self.failed(instance, Mode::Observe, format!("the pass panicked: {error}"), None);
    }

    /// Evaluates `detect` and updates the incidents; `None` if there is no answer.
    async fn detect(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        trigger: &Trigger,
        late_ms: u64,
    ) -> Option<(Update, Option<Instant>)> {
        let open = match self.incidents.open(&instance.name) {
            Ok(open) => open,
            Err(error) => {
                self.failed(instance, grants.mode, error.to_string(), None);
                return None;
            }
        };
        let cause = trigger.clone();
        let request = EvaluationRequest { trigger: cause, grants, late_ms, open: open.all(), finding: None };
        let Evaluated { at, answer, writes, advice, .. } = match self.evaluator.evaluate(instance, request).await {
            Ok(evaluated) => evaluated,
            Err(error) => {
                self.failed(instance, grants.mode, error, None);
                return None;
            }
        };
        let look_again = due(Instant::now(), advice.look_again);
        let most = instance.limits.observations;
        let (observations, why_missing) = match answer {
            Ok(Answer::Observed(observations)) => (observations, "not mentioned in the answer"),
            Ok(Answer::Decided(_)) => {
                self.failed(instance, grants.mode, "`detect` answered a decision".into(), None);
                return None;
            }
            Err(error) => {
                let (kind, error) = (error.kind(), error.to_string());
                self.store(&update(&instance.name, open.all(), Vec::new(), most, &error, at), at);
                self.failed(instance, grants.mode, error, Some(kind));
                return None;
            }
        };
        if let Err(error) = self.evaluator.commit(instance, trigger, at, &writes) {
            self.failed(instance, grants.mode, format!("what the policy stored is lost: {error}"), None);
        }
        let mut update = update(&instance.name, open.all(), observations, most, why_missing, at);
        self.journal.publish(at, || Event::Observed {
            instance: instance.name.clone(),
            mode: grants.mode,
            findings: std::mem::take(&mut update.findings),
            without_incident: update.without_incident,
        });
        self.store(&update, at);
        Some((update, look_again))
    }

    fn store(&self, update: &Update, at: ansai_core::Timestamp) {
        for (incident, change) in &update.incidents {
            self.incidents.store(incident, *change, at);
        }
    }

    /// Heals what is unhealthy. Returns when the policy wants to be evaluated again.
    async fn heal_all(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        trigger: &Trigger,
        update: Update,
        what: PlanWhat,
    ) -> Option<Instant> {
        let is_wanted = |change: Change| {
            !change.is_closing()
                && (what == PlanWhat::Everything || change != Change::Unchanged || grants.mode == Mode::Enforce)
        };
        let unhealthy: Vec<Incident> = update
            .incidents
            .iter()
            .filter(|(incident, change)| incident.unknown.is_none() && is_wanted(*change))
            .map(|(incident, _)| incident.clone())
            .collect();
        if unhealthy.is_empty() {
            return None;
        }
        let is_open = |(incident, change): (Incident, Change)| (!change.is_closing()).then_some(incident);
        let mut open = OpenIncidents::new(update.incidents.into_iter().filter_map(is_open).collect());
        let mut look_again = None;
        for incident in unhealthy {
            let wanted = self.heal(instance, grants, trigger, incident, &mut open).await;
            look_again = look_again.into_iter().chain(wanted).min();
        }
        look_again
    }

    /// Evaluates `detect` again after acting. If the policy has no answer, the result is `unknown`, never healthy. What
    /// the policy stores and asks for is dropped: its next evaluation on schedule sees the same.
    async fn verify(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        incident: &Incident,
        open: &[Incident],
    ) -> Observation {
        let request = EvaluationRequest { trigger: Trigger::Verification, grants, late_ms: 0, open, finding: None };
        let unknown =
            |why: String| Observation { status: Status::Unknown(why), distance: None, ..incident.finding.clone() };
        match self.evaluator.evaluate(instance, request).await.map(|evaluated| evaluated.answer) {
            Ok(Ok(Answer::Observed(observations))) => observations
                .into_iter()
                .find(|observation| observation.key == incident.finding.key)
                .unwrap_or_else(|| unknown("not mentioned in the answer".into())),
            Ok(Ok(Answer::Decided(_))) => unknown("`detect` answered a decision".into()),
            Ok(Err(error)) => unknown(error.to_string()),
            Err(error) => unknown(error),
        }
    }
}

/// When an evaluation that ended at this time wants to be followed by another one.
fn due(ended: Instant, look_again: Option<Millis>) -> Option<Instant> {
    ended.checked_add(look_again?.into())
}
