//! Heals one incident: plan, decide, apply and verify, in several stages if the policy requests that.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::approval::Approval;
use ansai_core::event::{PlannedStep, Verdict};
use ansai_core::incident::{Permission, Progress};
use ansai_core::maintenance::Maintenance;
use ansai_core::{
    Attempt, Decision, ErrorKind, Event, Incident, Outcome, Recommendation, Share, Status, StepResult, Timestamp,
};
use ansai_engine::Answer;
use ansai_kit::action::Proposed;
use ansai_kit::evaluation_state::Trigger;
use tokio::time::Instant;

use super::Passes;
use super::approving::{Compared, Waiting, held_on};
use super::budget::{Budget, BudgetError};
use super::standing::Suspended;
use crate::authority::EffectiveGrants;
use crate::clock;
use crate::execution::{Approved, ApprovedBy, PlanFile};
use crate::instance::Instance;
use crate::permits::{
    self, Announcement, Attempts, Futile, Opening, PermitRequest, PermitSource, PersonApproval, Windows, opening,
};
use crate::recording::{Evaluated, EvaluationRequest, NotEvaluated, Unrecorded};
use crate::repeats::{Thing, Told, said_of_plan, without_numbers};
use crate::storm::{TrialPlan, Trouble};

/// Maximum number of plans in one attempt, for policies that always request another stage.
const MOST_STAGES: usize = 8;

/// A policy's proposal.
struct Proposal {
    at: Timestamp,
    decision: Decision,
    steps: Vec<Proposed>,
    recommendations: Vec<Recommendation>,
    unrecorded: Option<Unrecorded>,
}

/// What `plan` is asked with.
pub(super) struct PlanRequest<'a> {
    pub(super) instance: &'a Instance,
    pub(super) grants: &'a EffectiveGrants,
    /// What caused the `detect` that reported the finding.
    trigger: &'a Trigger,
    /// Whether the plan starts an attempt.
    pub(super) is_first: bool,
}

impl From<BudgetError> for NoPlan {
    fn from(error: BudgetError) -> NoPlan {
        NoPlan { kind: Some(ErrorKind::PassLimit), is_owed: true, ..NoPlan::because(error) }
    }
}

impl From<Suspended> for NoPlan {
    fn from(suspended: Suspended) -> NoPlan {
        // The audit log has it once, not for each finding.
        NoPlan { kind: Some(suspended.kind()), is_recorded: true, is_owed: true, ..NoPlan::because(suspended) }
    }
}

impl From<NotEvaluated> for NoPlan {
    fn from(error: NotEvaluated) -> NoPlan {
        let is_owed = matches!(error, NotEvaluated::Stopping);
        NoPlan { kind: is_owed.then_some(ErrorKind::Aborted), is_owed, ..NoPlan::because(error) }
    }
}

/// Why there is no plan, or why the plan does not continue.
pub(super) struct NoPlan {
    plan: Option<String>,
    error: String,
    pub(super) kind: Option<ErrorKind>,
    /// Whether the audit log has it as another event, such as `evaluated`.
    is_recorded: bool,
    /// Whether the next pass makes the plan, although nothing has changed.
    pub(super) is_owed: bool,
}

impl NoPlan {
    fn because(error: impl std::fmt::Display) -> NoPlan {
        NoPlan { plan: None, error: error.to_string(), kind: None, is_recorded: false, is_owed: false }
    }

    fn of(plan: &str, error: impl std::fmt::Display) -> NoPlan {
        NoPlan { plan: Some(plan.to_owned()), ..NoPlan::because(error) }
    }
}

impl Passes {
    /// Starts a task that heals one incident. Until it ends, passes leave the incident alone. A panic in it is told, and
    /// affects no other task.
    pub(super) fn start_healing(
        self: &Arc<Self>,
        instance: &Instance,
        grants: &EffectiveGrants,
        trigger: &Trigger,
        incident: Incident,
        budget: &Arc<Budget>,
    ) {
        let healing = self.incidents.healing.begin(&incident.id);
        let heal = {
            let (passes, instance, grants) = (self.clone(), instance.clone(), grants.clone());
            let (trigger, incident, budget) = (trigger.clone(), incident.clone(), budget.clone());
            async move { passes.heal(&instance, grants, &trigger, incident, &budget).await }
        };
        let passes = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = tokio::spawn(heal).await {
                passes.plan_failed(&incident, NoPlan::because(format!("healing panicked: {error}")));
            }
            drop(healing);
        });
    }

    /// Heals one incident as far as the operator allows, once it has a place. `grants` and `trigger` are those of the
    /// `detect` that reported its finding.
    async fn heal(
        &self,
        instance: &Instance,
        mut grants: EffectiveGrants,
        trigger: &Trigger,
        mut incident: Incident,
        budget: &Budget,
    ) {
        let Some((_place, has_waited)) = self.lanes.place(&incident, &self.stop).await else {
            return self.owe(&incident);
        };
        if has_waited {
            grants = match self.authority.effective_grants(&instance.name) {
                Ok(grants) => grants,
                Err(error) => return self.plan_failed(&incident, NoPlan::because(error)),
            };
        }
        let grants = &grants;
        // Time in steps and in which they settle: the budget of the pass does not have it.
        let mut apart = Duration::ZERO;
        let mut trial = None;
        for stage in 0..MOST_STAGES {
            if self.stop.is_asked() {
                if stage == 0 {
                    self.owe(&incident);
                }
                break;
            }
            // Since it was detected, or since the last stage.
            if self.incidents.orders.silence_of(&incident).is_some() {
                break;
            }
            if let Err(error) = budget.take(apart) {
                self.plan_failed(&incident, error.into());
                break;
            }
            // What has begun gets all its stages: half a repair may be worse than none.
            if stage == 0
                && let Err(suspended) = self.suspended(instance)
            {
                self.lanes.of(&instance.name).ask(Some(suspended.wait()));
                self.plan_failed(&incident, suspended.into());
                break;
            }
            let distance_before = incident.finding.distance;
            let request = PlanRequest { instance, grants, trigger, is_first: stage == 0 };
            let planned = self.plan_at_stage(&request, &mut incident).await;
            let approved = match planned {
                Ok(Some(approved)) => approved,
                Ok(None) => break,
                Err(no_plan) => {
                    self.plan_failed(&incident, no_plan);
                    break;
                }
            };
            let (approved, begun_in_trial) = approved;
            // The one plan of a trial has all its stages.
            trial = trial.or(begun_in_trial);
            let (plan, at, is_staged) = (approved.file.plan.clone(), approved.at, approved.decision.is_staged());
            let proposed = approved.file.steps.clone();
            let acting = Instant::now();
            let steps = match self.executor.clone().execute(approved).await {
                Ok(steps) => steps,
                Err(error) => {
                    self.plan_failed(&incident, NoPlan::of(&plan, error));
                    Vec::new()
                }
            };
            self.fights.acted(&instance.name, &proposed, &steps);
            let failed = steps.iter().filter(|step| step.outcome == Outcome::Failed).count();
            self.storm.count(Trouble::Failed, failed);
            let ended = has_ended(&steps).then(clock::now);
            // Provisional steps are verified until they would go back.
            let left = || self.executor.provisional_left(&plan);
            self.settle(instance.retry_policy.settle.into(), left).await;
            apart = apart.saturating_add(acting.elapsed());
            let may_repeat = || budget.take(apart).is_ok();
            let (verified, evaluations) =
                self.verify_within(instance, grants, &incident, &steps, left, may_repeat).await;
            let now = clock::now();
            self.journal.note(
                now,
                Event::Verified {
                    plan: plan.clone(),
                    incident: incident.id.clone(),
                    instance: incident.instance.clone(),
                    status: verified.status.clone(),
                    distance: verified.distance,
                    progress: Progress::of(distance_before, verified.distance),
                    evaluations,
                },
            );
            let is_healthy = verified.status == Status::Healthy;
            let steps = self.executor.clone().conclude(&plan, steps, is_healthy).await;
            let ended = ended.or_else(|| has_ended(&steps).then(clock::now));
            let attempt = Attempt {
                key: incident.finding.key.clone(),
                number: incident.begun,
                at,
                ended,
                stage: incident.course.stage_name.clone(),
                verified: verified.status.clone(),
                distance_before,
                distance_after: verified.distance,
                steps,
            };
            self.incidents.attempted(&mut incident, &plan, attempt);
            let change = incident.follow(Some(&verified), "", &instance.retry_policy, now);
            self.incidents.store(&incident, change, now);
            self.ask_in_time(instance, &incident, now);
            if change.is_closing() || is_healthy || !is_staged {
                break;
            }
        }
    }

    /// Requests a plan from the policy and decides on it; `None` if there is nothing to do now.
    pub(super) async fn plan(
        &self,
        request: &PlanRequest<'_>,
        incident: &mut Incident,
    ) -> Result<Option<(Approved, Option<TrialPlan>)>, NoPlan> {
        let PlanRequest { instance, grants, is_first, .. } = *request;
        let waiting = self.waiting(instance, grants, incident).map_err(NoPlan::because)?;
        let Waiting::Ask(known) = waiting else { return Ok(None) };
        let proposal = self.propose(request, incident).await?;
        let Proposal { at, decision, mut steps, recommendations, unrecorded } = proposal;
        let (mut plan, mut is_first, mut approved) = (self.ids.fresh(at), is_first, None);
        match self.compare(known.map(|known| *known), &decision, &steps).await {
            Compared::New => {}
            Compared::Waits => {
                if let Some(unrecorded) = unrecorded {
                    self.evaluator.recorder.record_plan(unrecorded, false, "it waits for approval");
                }
                return Ok(None);
            }
            Compared::Approved(found) => {
                // The stored plan is applied, not the new one: that is the one that a person has seen.
                let (approval, file) = *found;
                (plan, is_first) = (approval.plan.clone(), is_first && !approval.continues);
                steps.clone_from(&file.steps);
                approved = Some((approval, file));
            }
        }
        let is_needed = self.executor.needs_approval(grants, &instance.name, &steps);
        let now = clock::now();
        // What has begun gets all its stages, also after the window has closed.
        let at_all_times = Maintenance::default();
        let maintenance = if request.is_first { &instance.maintenance } else { &at_all_times };
        let (verdict, trial) = {
            let (mode, charges) = (grants.mode, self.executor.charges(grants, &instance.name, &steps));
            let retry = &instance.retry_policy;
            let request = PermitRequest { plan: &plan, incident, retry, now, is_first };
            let (is_given, expires) = (approved.is_some(), instance.approval_expires);
            let approval = PersonApproval { is_needed, is_given, expires };
            let announcement = Announcement { time: instance.announce, is_over: is_given };
            // What the plan uses is counted by the last source, before anything is done.
            let budgets = self.executor.budgets.of(&charges);
            let windows = Windows(maintenance);
            let attempts = Attempts::of(incident, approved.as_ref().map(|(approval, _)| approval));
            // A person is asked before the window opens.
            let (orders, clocks) = (&*self.executor.orders, &*self.executor.clocks);
            let (storm, fights) = (self.storm.permit(), self.fights.of(&steps));
            let sources: [&dyn PermitSource; 10] = [
                orders,
                &attempts,
                clocks,
                &Futile(&steps),
                &fights,
                &storm,
                &approval,
                &windows,
                &announcement,
                &budgets,
            ];
            let verdict = permits::verdict(&decision, steps.len(), mode, &sources, &request);
            (verdict, storm.into_trial())
        };
        incident.course.nothing_here =
            verdict == Verdict::NothingToDo && matches!(decision, Decision::Apply(_) | Decision::ApplyThenReplan(_));
        self.remember_held(incident, if let Verdict::Held(held) = &verdict { Some(held.clone()) } else { None });
        if let Verdict::Held(Permission::Storm(_)) = &verdict {
            self.lanes.of(&instance.name).ask(Some(self.storm.again()));
        }
        if let Verdict::Held(Permission::OutsideWindow(at)) = &verdict {
            // The next pass on schedule may come after the window.
            self.lanes.of(&instance.name).ask(at.checked_since(now));
        }
        let is_approved = verdict == Verdict::Approved;
        self.incidents.repeats.forget(&incident.instance, Thing::Owed(&incident.id), now);
        let asks_person =
            matches!(verdict, Verdict::Held(Permission::AwaitsApproval { .. } | Permission::Announced { .. }));
        let mut planned_steps: Vec<PlannedStep> = steps.iter().map(|step| self.executor.planned(step, now)).collect();
        self.executor.state.add_effectiveness(&incident.instance, &mut planned_steps, now);
        let severity = incident.finding.severity();
        let said = match &verdict {
            Verdict::Held(held) if asks_person => held_on(held),
            _ => said_of_plan(severity, &decision, &steps, &planned_steps, &recommendations, &verdict),
        };
        let (name, thing, repeats) = (&incident.instance, Thing::Incident(&incident.id), &self.incidents.repeats);
        let told = match is_approved {
            true => Told::News(repeats.forget(name, thing, now)),
            false => repeats.say(name, thing, &said, Some(&plan), now),
        };
        if let Some(unrecorded) = unrecorded {
            self.evaluator.recorder.record_plan(unrecorded, is_approved, &said);
        }
        let mut planned = Event::Planned {
            plan: plan.clone(),
            incident: Some(incident.id.clone()),
            instance: incident.instance.clone(),
            decision: decision.clone(),
            steps: planned_steps,
            recommendations,
            distance: incident.finding.distance,
        };
        // The attempt begins below, after this record.
        let attempt = is_approved.then(|| incident.begun + u32::from(is_first));
        let until = match &verdict {
            Verdict::Held(Permission::AwaitsApproval { until, .. }) => Some((*until, false)),
            Verdict::Held(Permission::Announced { until, .. }) => Some((*until, true)),
            _ => None,
        };
        let mut decided = Event::Decided { plan: plan.clone(), instance: incident.instance.clone(), verdict, attempt };
        if let Told::Unchanged(counted) = told {
            repeats.show(name, Some(&incident.id), counted, now, |told| {
                // The audit log has the plan under its first id.
                for event in [&mut planned, &mut decided] {
                    if let Event::Planned { plan, .. } | Event::Decided { plan, .. } = event
                        && let Some(told) = &told
                    {
                        plan.clone_from(told);
                    }
                }
                vec![planned, decided]
            });
            return Ok(None);
        }
        let by = match &approved {
            Some((approval, _)) if is_approved => {
                self.use_up(approval)?;
                // The audit log has it since it waits.
                self.journal.publish(now, || planned);
                // What the host approved after an announcement never replaces a person.
                if approval.is_by_host() { ApprovedBy::Host } else { ApprovedBy::Person }
            }
            _ => {
                self.journal.record(now, planned).map_err(|error| self.not_recorded(&plan, is_approved, error))?;
                ApprovedBy::Host
            }
        };
        let file = match approved {
            Some((_, file)) => file,
            None => {
                let (instance, incident) = (incident.instance.clone(), Some(incident.id.clone()));
                PlanFile { plan: plan.clone(), instance, incident, at: now, on_failure: decision.on_failure(), steps }
            }
        };
        if let Some((until, announced)) = until {
            if announced {
                self.lanes.of(&instance.name).ask(until.checked_since(now));
            }
            // Later stages of an attempt that runs count as no further one.
            let stored = self.propose_to_person(instance, grants, incident, (&file, until, announced), !is_first);
            stored.map_err(|error| NoPlan::of(&plan, format!("nobody can approve it, it is not stored: {error}")))?;
            self.evaluator.meters.charge(incident.instance.as_str(), Share::Plans, 1.0);
        }
        let recorded = match is_approved {
            true => self.journal.durable(now, decided),
            false => self.journal.record(now, decided),
        };
        recorded.map_err(|error| self.not_recorded(&plan, is_approved, error))?;
        if !is_approved {
            return Ok(None);
        }
        if is_first && let Err(error) = self.incidents.begin(incident, now) {
            return Err(self.not_recorded(&plan, true, format!("nothing was done: {error}")));
        }
        self.evaluator.meters.charge(incident.instance.as_str(), Share::Plans, 1.0);
        let closes = match opening(maintenance, severity, now) {
            Ok(Opening::Until(closes)) => Some(closes),
            _ => None,
        };
        Ok(Some((Approved { file, decision, at: now, by, closes }, trial)))
    }

    /// A plan does not begin: what was counted for it is free again.
    fn not_recorded(&self, plan: &str, is_approved: bool, error: impl std::fmt::Display) -> NoPlan {
        if is_approved {
            self.executor.budgets.release(plan, None);
        }
        NoPlan::of(plan, error)
    }

    /// Uses up an approval, once.
    fn use_up(&self, approval: &Approval) -> Result<(), NoPlan> {
        let why = match self.executor.use_approval(approval) {
            Ok(true) => return Ok(()),
            Ok(false) => "its approval was taken back or used meanwhile".to_owned(),
            Err(error) => format!("nothing was done: {error}"),
        };
        Err(self.not_recorded(&approval.plan, true, why))
    }

    async fn propose(&self, request: &PlanRequest<'_>, incident: &Incident) -> Result<Proposal, NoPlan> {
        let PlanRequest { instance, grants, trigger, .. } = *request;
        let lane = self.lanes.of(&instance.name);
        let _evaluating = lane.evaluating.lock().await;
        let open = self.incidents.open(&instance.name).map_err(NoPlan::because)?;
        let finding = Some((&incident.finding, incident.attempts.as_slice()));
        let stage = incident.stage(&instance.retry_policy);
        let request = EvaluationRequest { trigger: trigger.clone(), grants, late_ms: 0, open: &open, finding, stage };
        let evaluated = self.evaluator.evaluate(instance, request).await?;
        let Evaluated { at, answer, proposed, writes, advice, unrecorded, .. } = evaluated;
        let failed = match answer {
            Ok(Answer::Decided(decision)) => {
                if let Err(error) = self.evaluator.commit(instance, trigger, at, &writes) {
                    let (name, id) = (instance.name.as_str(), &incident.id);
                    tracing::error!(instance = name, incident = %id, "what the policy stored is lost, its plan goes on: {error}");
                }
                let mut steps: Vec<Proposed> = proposed.into_iter().map(Arc::unwrap_or_clone).collect();
                for step in &mut steps {
                    step.may_fail = advice.may_fail.contains(&step.preview.step);
                }
                lane.ask(advice.look_again);
                return Ok(Proposal { at, decision, steps, recommendations: advice.recommendations, unrecorded });
            }
            Ok(Answer::Observed(_)) => NoPlan::because("`plan` answered observations"),
            Err(error) => NoPlan { kind: Some(error.kind()), is_recorded: true, ..NoPlan::because(error) },
        };
        if let Some(unrecorded) = unrecorded {
            self.evaluator.recorder.record_plan(unrecorded, false, "");
        }
        Err(failed)
    }

    /// The next pass plans this, although nothing has changed: in observe mode it would plan only what is news.
    fn owe(&self, incident: &Incident) {
        self.incidents.repeats.say(&incident.instance, Thing::Owed(&incident.id), "", None, clock::now());
    }

    fn plan_failed(&self, incident: &Incident, NoPlan { plan, error, kind, is_recorded, is_owed }: NoPlan) {
        if is_owed {
            self.owe(incident);
        }
        let (now, repeats) = (clock::now(), &self.incidents.repeats);
        let (instance, thing) = (&incident.instance, Thing::Incident(&incident.id));
        let told = match plan {
            None => repeats.say(instance, thing, &without_numbers(&error), None, now),
            // A plan that was approved does not continue: always news.
            Some(_) => Told::News(repeats.forget(instance, thing, now)),
        };
        let event =
            Event::PlanFailed { instance: instance.clone(), incident: Some(incident.id.clone()), plan, error, kind };
        match told {
            Told::Unchanged(counted) => repeats.show(instance, Some(&incident.id), counted, now, |_| vec![event]),
            Told::News(_) if is_recorded => self.journal.publish(now, || event),
            Told::News(_) => self.journal.note(now, event),
        }
    }
}

/// Whether all steps of a plan are known to be over.
fn has_ended(steps: &[StepResult]) -> bool {
    !steps.is_empty() && steps.iter().all(|step| step.outcome.has_ended())
}
