//! The only code that changes the machine. Per step: authorize again with the grants of now, make the intent
//! durable, let the action check each target again and act, make the outcome durable.

use std::sync::Arc;

use ansai_core::event::{PlannedStep, SkipReason};
use ansai_core::{Decision, Event, InstanceName, Mode, Outcome, Refusal, StepResult, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Proposed};
use ansai_kit::host_access::HostAccess;
use ansai_kit::registry::{Function, InterfaceDef};
use ansai_storage::Directory;
use tokio::time::Instant;

use super::background::Background;
use super::failed_plan::ends_plan;
use super::guarded_steps::GuardedSteps;
use super::guards::refused;
use super::lasting::while_acting;
use super::outcome::{intent, step_result};
use super::pending::Pending;
use super::permitted::{action_of, permitted};
use super::plans::{PlanFile, Plans};
use super::step::{InForce, Step};
use super::watch::{MayCancel, Watched, watch};
use crate::authority::{Authority, EffectiveGrants};
use crate::clock;
use crate::clock_watch::ClockWatch;
use crate::ids::StepId;
use crate::orders::StandingOrders;
use crate::permits::{Budgets, Leases, Request};
use crate::recording::{Evidence, Journal};
use crate::state::{State, UnderWay};
use crate::stop::Stop;

/// A plan that was approved.
pub(crate) struct Approved {
    pub(crate) file: PlanFile,
    pub(crate) decision: Decision,
    /// When it was approved.
    pub(crate) at: Timestamp,
    pub(crate) by: ApprovedBy,
    /// When the window closes in which it may begin.
    pub(crate) closes: Option<Timestamp>,
}

/// Who approved a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApprovedBy {
    /// The host: a plan of its own, which follows from earlier plans.
    OwnPlan,
    /// The host: the mode and the grants need no person.
    Host,
    /// A person, whose approval is used up with this.
    Person,
}

/// Applies, undoes and resolves steps.
pub(crate) struct Executor {
    pub(crate) host: Arc<dyn HostAccess>,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) state: Arc<State>,
    pub(crate) plans: Plans,
    pub(crate) evidence: Evidence,
    pub(crate) leases: Leases,
    pub(crate) clocks: Arc<ClockWatch>,
    pub(crate) orders: Arc<StandingOrders>,
    pub(crate) budgets: Budgets,
    pub(crate) background: Background,
    pub(crate) pending: Pending,
    pub(crate) guarded: GuardedSteps,
    pub(crate) stop: Arc<Stop>,
    pub(crate) audit_dir: Directory,
}

impl Executor {
    /// Applies a plan, step by step, once nothing else uses what it touches; returns the result of every step.
    /// Everything is published as it happens. If ansai stops before the plan's turn comes, all steps are skipped. If a step
    /// for a time has something of it, the plan is refused.
    ///
    /// # Errors
    /// When the plan is not on the disk: no durable plan, no action. When the executor panicked: then outcomes are
    /// found after the next start.
    pub(crate) async fn execute(self: Arc<Self>, approved: Approved) -> Result<Vec<StepResult>, String> {
        let touches = approved.file.steps.iter().flat_map(while_acting);
        let request = Request::new(format!("plan {}", approved.file.plan), touches).of_plan(&approved.file.plan);
        let lease = self.stop.or(self.leases.take(request)).await;
        // Acting blocks: it is done beside the threads that evaluate. The lease goes with it, because nobody may wait for
        // the result any more.
        let applied = tokio::task::spawn_blocking(move || {
            let applied = match &lease {
                // It may have waited for hours.
                Some(Err(why)) => self.refuse_all(&approved.file, &Refusal::Busy(why.to_string())),
                Some(Ok(_)) if approved.closes.is_some_and(|closes| clock::now() >= closes) => {
                    self.skip_all(&approved.file, SkipReason::WindowClosed)
                }
                Some(Ok(_)) => self.apply_all(&approved),
                None => self.skip_all(&approved.file, SkipReason::Stopping),
            };
            drop(lease);
            applied
        });
        applied.await.map_err(|error| format!("the executor panicked: {error}"))?
    }

    /// Skips a plan that has not begun.
    fn skip_all(&self, file: &PlanFile, reason: SkipReason) -> Result<Vec<StepResult>, String> {
        self.put_plan(file)?;
        let steps = file.numbered();
        Ok(steps.map(|(number, proposed)| self.skip(file.step_id(number), proposed, reason)).collect())
    }

    /// Refuses a plan that has not begun: its first step, so the others are skipped.
    fn refuse_all(&self, file: &PlanFile, refusal: &Refusal) -> Result<Vec<StepResult>, String> {
        self.put_plan(file)?;
        let steps = file.numbered().map(|(number, proposed)| match number {
            0 => step_result(proposed, self.record_refused(file.step_id(number), refusal, false)),
            _ => self.skip(file.step_id(number), proposed, SkipReason::EarlierStepFailed),
        });
        Ok(steps.collect())
    }

    fn skip(&self, step: StepId<'_>, proposed: &Proposed, reason: SkipReason) -> StepResult {
        self.record_skipped(step, reason);
        self.budgets.release(step.plan, Some(step.step));
        step_result(proposed, Applied { outcome: Outcome::Skipped, ..Applied::unknown(reason.to_string()) })
    }

    fn put_plan(&self, file: &PlanFile) -> Result<String, String> {
        let written = self.plans.put(file);
        written.map_err(|error| {
            self.budgets.release(&file.plan, None);
            format!("nothing was done, the plan is not written: {error}")
        })
    }

    fn apply_all(&self, approved: &Approved) -> Result<Vec<StepResult>, String> {
        let file = &approved.file;
        let sha256 = self.put_plan(file)?;
        let mut results: Vec<StepResult> = Vec::with_capacity(file.steps.len());
        let (mut failed, mut runs) = (None, false);
        for (number, proposed) in file.numbered() {
            let step = file.step_id(number);
            let skipped = match () {
                () if failed.is_some() => Some(SkipReason::EarlierStepFailed),
                () if runs => Some(SkipReason::EarlierStepRuns),
                () if self.stop.is_asked() => Some(SkipReason::Stopping),
                () if self.orders.pause_of(&file.instance).is_some() => Some(SkipReason::Paused),
                () => None,
            };
            if let Some(reason) = skipped {
                results.push(self.skip(step, proposed, reason));
                continue;
            }
            let applied = match self.apply(approved, &sha256, number, proposed) {
                Ok(Some(applied)) => applied,
                Ok(None) => {
                    // It has not failed, so the steps before it stay.
                    runs = true;
                    let detail = "still running; its outcome follows when ansai runs again";
                    Applied { outcome: Outcome::Running, ..Applied::unknown(detail) }
                }
                Err(refusal) => {
                    let undo_follows = file.is_undone_after(number, Outcome::Refused);
                    if undo_follows {
                        self.keep_for_undo(step, proposed);
                    }
                    self.record_refused(step, &refusal, undo_follows)
                }
            };
            if ends_plan(proposed, applied.outcome) {
                failed = Some((number, applied.outcome));
            }
            results.push(step_result(proposed, applied));
        }
        if let Some((number, outcome)) = failed
            && file.is_undone_after(number, outcome)
        {
            self.undo_failed(file, number, &mut results);
        }
        Ok(results)
    }

    /// One step. `Err` means that nothing was changed, `None` that it goes on by itself while ansai stops.
    fn apply(
        &self,
        approved: &Approved,
        plan_sha256: &str,
        number: u32,
        proposed: &Proposed,
    ) -> Result<Option<Applied>, Refusal> {
        let file = &approved.file;
        let (action, in_force) = self.authorized(&file.instance, proposed, Mode::Approve)?;
        // The operator may have asked for approvals since the plan was approved.
        if in_force.needs_approval && approved.by == ApprovedBy::Host {
            return Err(Refusal::Denied(format!("{} needs the approval of a person now", proposed.action)));
        }
        self.clocks.check()?;
        self.check_counted(file.step_id(number), action, proposed)?;
        let step = Step::new(self, file.step_id(number), proposed, action, in_force);
        let (instance, action) = (file.instance.clone(), proposed.action.clone());
        let mut under_way = UnderWay { instance, action, handle: None, until: None, guard: None };
        self.put_step(&file.plan, number, &under_way)?;
        let durable =
            self.journal.intent(clock::now(), intent(file, plan_sha256, number, proposed)).map_err(unavailable)?;
        let step = step.acting(durable)?;
        let id = file.step_id(number);
        let guarded = self.arm(id, proposed, &step, &mut under_way)?;
        let acting = Instant::now();
        let begun = step.begin().map_err(|refusal| match guarded {
            Some(_) => refused(refusal, self.unguard(id)),
            None => refusal,
        })?;
        let ended = match begun {
            Begun::Finished(applied) => Some(applied),
            // A fault of its action: what goes back by itself must be over before that.
            Begun::Running { handle, .. } if guarded.is_some() => Some(step.cancel(&handle)),
            Begun::Running { handle, limit } => {
                // The step may go on after its plan, and what it touches is in use as long as it runs.
                self.background.keep(&file.plan, number, Some(proposed.touches().into_owned()));
                let until = clock::now() + limit;
                under_way.handle = Some(handle.clone());
                under_way.until = Some(until);
                let running = Event::Running {
                    plan: file.plan.clone(),
                    step: number,
                    instance: file.instance.clone(),
                    handle: serde_json::from_str(handle.get()).unwrap_or_default(),
                    until,
                };
                // The handle must outlive a crash. Where it cannot be recorded, the step must not run. The log is first:
                // recovery takes no handle that is not in the log.
                let recorded = self.journal.durable(clock::now(), running).map_err(unavailable);
                match recorded.and_then(|()| self.put_step(&file.plan, number, &under_way)) {
                    Ok(()) => match watch(&step, &handle, until, &self.stop, MayCancel::Yes) {
                        Watched::Ended(applied) => Some(applied),
                        Watched::Left | Watched::Overdue => None,
                    },
                    Err(_) => Some(step.cancel(&handle)),
                }
            }
        };
        Ok(ended.map(|applied| {
            let undo_follows = file.is_undone_after(number, applied.outcome);
            self.settle(id, proposed, &applied);
            self.settle_interruption(id, proposed, &applied, acting.elapsed().into());
            match guarded {
                Some(guarded) => {
                    let acted = Some((file, step.as_step()));
                    self.record_guarded(id, proposed, guarded, applied, acted, undo_follows)
                }
                None => self.record_outcome(id, applied, false, undo_follows),
            }
        }))
    }

    /// By the grants of now, not those of the plan, also for what the arguments lead to. Never on what no step may touch.
    /// The host itself needs a mode that acts for everything that it does.
    pub(super) fn authorized(
        &self,
        instance: &InstanceName,
        proposed: &Proposed,
        least: Mode,
    ) -> Result<(&'static dyn Action, InForce), Refusal> {
        let grants = self.authority.effective_grants(instance).map_err(Refusal::Denied)?;
        if grants.mode < least {
            return Err(not_enforcing(instance));
        }
        self.authorized_by(&grants, instance, proposed)
    }

    /// By these grants, whatever their mode.
    pub(super) fn authorized_by(
        &self,
        grants: &EffectiveGrants,
        instance: &InstanceName,
        proposed: &Proposed,
    ) -> Result<(&'static dyn Action, InForce), Refusal> {
        permitted(&*self.host, grants, instance, proposed)
    }

    /// Whether the host may act for an instance now.
    pub(super) fn may_act(&self, instance: &InstanceName) -> Result<(), Refusal> {
        match self.authority.effective_grants(instance).map_err(Refusal::Denied)?.mode {
            Mode::Enforce | Mode::Approve => Ok(()),
            Mode::Observe => Err(not_enforcing(instance)),
        }
    }

    /// What is in force for an instance now: what all tables permit together, or an empty scope where nothing is
    /// granted. For looking only: that needs no grant.
    pub(super) fn in_force(&self, instance: &InstanceName, interface: &InterfaceDef) -> InForce {
        let Ok(grants) = self.authority.effective_grants(instance) else { return InForce::default() };
        let granted = grants.scopes.get(&interface.interface.name);
        let scope = granted.map(|scope| scope.together().clone()).unwrap_or_default();
        InForce { scope, reach: grants.reach, table: 0, needs_approval: false }
    }

    /// What a person sees of a step that was planned at this time.
    pub(crate) fn planned(&self, proposed: &Proposed, at: Timestamp) -> PlannedStep {
        proposed.planned(self.action(&proposed.action).ok().map(|(_, _, action)| action), at)
    }

    /// An action by its name in plans: one that policies can propose, or one of the host itself.
    pub(super) fn action(
        &self,
        name: &str,
    ) -> Result<(&'static InterfaceDef, &'static Function, &'static dyn Action), Refusal> {
        action_of(&*self.host, name)
    }

    fn put_step(&self, plan: &str, number: u32, under_way: &UnderWay) -> Result<(), Refusal> {
        self.state.begin_step(plan, number, under_way).map_err(unavailable)
    }
}

impl PlanFile {
    /// Every step with its number.
    pub(super) fn numbered(&self) -> impl DoubleEndedIterator<Item = (u32, &Proposed)> {
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        self.steps.iter().enumerate().map(move |(index, step)| (number(index), step))
    }

    pub(super) fn step_id(&self, number: u32) -> StepId<'_> {
        StepId { plan: &self.plan, step: number, instance: &self.instance }
    }
}

fn not_enforcing(instance: &InstanceName) -> Refusal {
    Refusal::Denied(format!("{instance} is no longer in enforce mode"))
}

pub(super) fn unavailable(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unavailable(error.to_string())
}
