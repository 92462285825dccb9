//! One pass over one instance: detect, update incidents, and start to heal unhealthy findings. Each incident is healed by
//! a task of its own, so that a step of hours holds up neither other incidents nor the next pass.

mod approving;
mod budget;
mod faulty;
mod follow_up;
mod heal;
mod ladder;
mod lane;
mod standing;
mod verify_within;

use std::sync::Arc;

use ansai_core::incident::Change;
use ansai_core::{ErrorKind, Event, Incident, Millis, Mode, Observation, Status};
use ansai_engine::Answer;
use ansai_kit::evaluation_state::Trigger;

use crate::authority::{Authority, EffectiveGrants};
use crate::clock;
use crate::execution::Executor;
use crate::faults::Faults;
use crate::fights::Fights;
use crate::ids::Ids;
use crate::incidents::{Heard, Incidents, Update, update};
use crate::instance::Instance;
use crate::recording::{Evaluated, EvaluationRequest, Evaluator, Journal, NotEvaluated};
use crate::repeats::{Thing, Told, without_numbers};
use crate::stop::Stop;
use crate::storm::{StormBreaker, Trouble};
use crate::tasks::Tasks;

use self::budget::Budget;
pub(crate) use self::follow_up::FollowUp;
pub(crate) use self::lane::Lanes;
use self::standing::{Go, rules_of};

/// Everything that a pass needs. Its results are the events that it publishes.
pub(crate) struct Passes {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) evaluator: Evaluator,
    pub(crate) incidents: Arc<Incidents>,
    pub(crate) executor: Arc<Executor>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) ids: Arc<Ids>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) lanes: Lanes,
    pub(crate) faults: Arc<Faults>,
    /// Those that heal are among them.
    pub(crate) tasks: Tasks,
    pub(crate) storm: Arc<StormBreaker>,
    pub(crate) fights: Arc<Fights>,
}

/// A pass that did not begin, because what is granted is unknown, comes back after this time.
const GRANTS_AGAIN: Millis = Millis::new(60_000);

/// The findings that get a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanWhat {
    /// Everything unhealthy, so that a person sees what would be done.
    Everything,
    /// In observe mode, only changes.
    News,
}

impl Passes {
    /// Detects, and starts tasks that heal.
    pub(crate) async fn pass(self: &Arc<Self>, instance: &Instance, why: Trigger, late_ms: u64, what: PlanWhat) {
        let lane = self.lanes.of(&instance.name);
        let grants = match self.authority.grants_of_a_pass(&instance.name) {
            Ok(grants) => grants,
            Err(error) => {
                lane.ask(Some(GRANTS_AGAIN));
                return self.failed(instance, Mode::Observe, error, None);
            }
        };
        if self.is_held_back(instance, &grants, what, &why) {
            return;
        }
        match self.may_pass(instance, what, &why) {
            // It sees what a follow-up would see.
            Go::Now => lane.follow_up.clear(),
            // What the share refuses comes back when there is room: someone asked for it, or something has happened.
            Go::Later(wait) => return lane.ask(Some(wait)),
            Go::Never(why) => {
                lane.ask(Some(why.wait()));
                return self.is_suspended(instance, &grants, why);
            }
        }
        let budget = Arc::new(Budget::new());
        if let Some(update) = self.detect(instance, &grants, &why, late_ms).await {
            self.heal_all(instance, &grants, &why, update, what, &budget);
        }
    }

    /// Reports that a pass has no answer.
    pub(crate) fn failed(&self, instance: &Instance, mode: Mode, error: String, kind: Option<ErrorKind>) {
        let (name, now, repeats) = (instance.name.as_str(), clock::now(), &self.incidents.repeats);
        let told = repeats.say(&instance.name, Thing::Pass, &without_numbers(&error), None, now);
        let event = Event::Failed { instance: instance.name.clone(), mode, error, kind };
        match (told, kind) {
            (Told::Unchanged(counted), _) => repeats.show(&instance.name, None, counted, now, |_| vec![event]),
            // The audit log records it as `evaluated`.
            (_, Some(_)) => self.journal.publish(now, || event),
            (_, None) => {
                if let Event::Failed { error, .. } = &event {
                    tracing::error!(
                        instance = name,
                        "the pass has no complete answer, the next one comes on schedule: {error}"
                    );
                }
                self.journal.note(now, event);
            }
        }
    }

    /// Reports that a pass has no answer because ansai stops.
    fn stopped(&self, instance: &Instance, mode: Mode) {
        let (error, kind) = (NotEvaluated::Stopping.to_string(), Some(ErrorKind::Aborted));
        self.journal.note(clock::now(), Event::Failed { instance: instance.name.clone(), mode, error, kind });
    }

    /// Reports that a pass was interrupted by a bug in ansai.
    pub(crate) fn panicked(&self, instance: &Instance, error: &dyn std::fmt::Display) {
        self.failed(instance, Mode::Observe, format!("the pass panicked: {error}"), None);
    }

    /// Evaluates `detect` and updates the incidents; `None` if there is no answer.
    async fn detect(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        trigger: &Trigger,
        late_ms: u64,
    ) -> Option<Update> {
        let lane = self.lanes.of(&instance.name);
        let _evaluating = lane.evaluating.lock().await;
        // First these, then the incidents: see `HealingIncidents::ids`.
        let healing = self.incidents.healing.ids();
        let open = match self.incidents.open(&instance.name) {
            Ok(open) => open,
            Err(error) => {
                self.failed(instance, grants.mode, error.to_string(), None);
                return None;
            }
        };
        let cause = trigger.clone();
        let request = EvaluationRequest { trigger: cause, grants, late_ms, open: &open, finding: None, stage: "" };
        let Evaluated { at, before, answer, writes, advice, .. } =
            match self.evaluator.evaluate(instance, request).await {
                Ok(evaluated) => evaluated,
                Err(NotEvaluated::Stopping) => {
                    self.stopped(instance, grants.mode);
                    return None;
                }
                Err(error) => {
                    self.failed(instance, grants.mode, error.to_string(), None);
                    return None;
                }
            };
        lane.ask(advice.look_again);
        let rules = rules_of(instance);
        let (observations, why_missing) = match answer {
            Ok(Answer::Observed(observations)) => (observations, "not mentioned in the answer"),
            Ok(Answer::Decided(_)) => {
                self.failed(instance, grants.mode, "`detect` answered a decision".into(), None);
                return None;
            }
            Err(error) => {
                let (kind, error) = (error.kind(), error.to_string());
                self.store(&update(&instance.name, &open, &healing, Vec::new(), rules, &error, at), at);
                self.note_fault(instance, kind, &error, at);
                self.failed(instance, grants.mode, error, Some(kind));
                return None;
            }
        };
        self.faults.answered(&instance.name, at);
        match self.evaluator.commit(instance, trigger, at, &writes) {
            Ok(()) => drop(self.incidents.repeats.forget(&instance.name, Thing::Pass, at)),
            Err(error) => self.failed(instance, grants.mode, format!("what the policy stored is lost: {error}"), None),
        }
        let mut update = update(&instance.name, &open, &healing, observations, rules, why_missing, at);
        self.incidents.count_flaps(&mut update, rules.retry, at);
        update.opened_after(before, at);
        // Until they are stored.
        let holding = self.incidents.hold(&instance.name, &mut update, at);
        self.incidents.mark_silenced(&mut update);
        self.journal.publish(at, || Event::Observed {
            instance: instance.name.clone(),
            mode: grants.mode,
            findings: std::mem::take(&mut update.findings),
            without_incident: update.without_incident,
        });
        self.store(&update, at);
        drop(holding);
        self.count_opened(&update, grants.mode);
        Some(update)
    }

    fn store(&self, update: &Update, at: ansai_core::Timestamp) {
        for (incident, change) in &update.incidents {
            self.incidents.store(incident, *change, at);
        }
        for hold in &update.holds {
            self.journal.note(at, hold.clone());
        }
    }

    /// Counts incidents that opened and could get a plan: what observes, is silenced or has its cause elsewhere makes no
    /// storm of healing.
    fn count_opened(&self, update: &Update, mode: Mode) {
        let is_counted = |(incident, change): &&(Incident, Change)| {
            *change == Change::Opened
                && incident.hold.under.is_none()
                && self.incidents.orders.silence_of(incident).is_none()
        };
        if mode.may_act() {
            self.storm.count(Trouble::Opened, update.incidents.iter().filter(is_counted).count());
        }
    }

    /// Starts to heal what is unhealthy, apart from what is being healed already, or is held under its cause.
    fn heal_all(
        self: &Arc<Self>,
        instance: &Instance,
        grants: &EffectiveGrants,
        trigger: &Trigger,
        update: Update,
        what: PlanWhat,
        budget: &Arc<Budget>,
    ) {
        let is_owed = |incident: &Incident| self.incidents.repeats.has(&instance.name, Thing::Owed(&incident.id));
        let is_news = |incident: &Incident, change| {
            change != Change::Unchanged || update.freed.contains(&incident.id) || is_owed(incident)
        };
        let is_wanted = |incident: &Incident, change: Change| {
            !change.is_closing() && (what == PlanWhat::Everything || is_news(incident, change) || grants.mode.may_act())
        };
        for (mut incident, change) in update.incidents {
            self.ask_in_time(instance, &incident, clock::now());
            // Recorded with the update.
            incident.course.is_untold = false;
            if incident.course.is_pending() || incident.course.clearing.is_some() && !change.is_closing() {
                continue;
            }
            let is_heard = match self.incidents.hear(&incident, change) {
                Heard::Silent => continue,
                Heard::Again => true,
                Heard::AsBefore => is_wanted(&incident, change),
            };
            // A person who asks sees what would be done. A plan that waits for a person still expires, or ends.
            let is_left = incident.course.escalated.is_some() && what == PlanWhat::News;
            if is_left && !(grants.mode.may_act() && self.has_open_plan(&incident)) {
                continue;
            }
            if incident.unknown.is_none() && incident.hold.under.is_none() && is_heard {
                self.start_healing(instance, grants, trigger, incident, budget);
            }
        }
    }

    /// Evaluates `detect` again after acting. If the policy has no answer, the result is `unknown`, never healthy. What
    /// the policy stores and asks for is dropped: its next evaluation on schedule sees the same.
    async fn verify(&self, instance: &Instance, grants: &EffectiveGrants, incident: &Incident) -> Observation {
        let unknown =
            |why: String| Observation { status: Status::Unknown(why), distance: None, ..incident.finding.clone() };
        let lane = self.lanes.of(&instance.name);
        let _evaluating = lane.evaluating.lock().await;
        let open = match self.incidents.open(&instance.name) {
            Ok(open) => open,
            Err(error) => return unknown(error.to_string()),
        };
        let (trigger, open) = (Trigger::Verification, open.as_slice());
        let request = EvaluationRequest { trigger, grants, late_ms: 0, open, finding: None, stage: "" };
        match self.evaluator.evaluate(instance, request).await.map(|evaluated| evaluated.answer) {
            Ok(Ok(Answer::Observed(observations))) => observations
                .into_iter()
                .find(|observation| observation.key == incident.finding.key)
                .unwrap_or_else(|| unknown("not mentioned in the answer".into())),
            Ok(Ok(Answer::Decided(_))) => unknown("`detect` answered a decision".into()),
            Ok(Err(error)) => unknown(error.to_string()),
            Err(error) => unknown(error.to_string()),
        }
    }
}
