//! The only code that changes the machine. Per step: authorize again with the grants of now, make the intent
//! durable, let the action check each target again and act, make the outcome durable.

use std::collections::BTreeSet;
use std::sync::Arc;

use ansai_core::event::SkipReason;
use ansai_core::{Decision, Event, InstanceName, Mode, OnFailure, Outcome, Refusal, StepResult, Subject};
use ansai_kit::action::{Action, Applied, Begun, Proposed};
use ansai_kit::authorize::authorize;
use ansai_kit::host_access::HostAccess;
use ansai_kit::registry::{Function, InterfaceDef};
use ansai_storage::Directory;

use super::outcome::{BY_HOST, intent, step_result};
use super::plans::{PlanFile, Plans};
use super::step::{InForce, Step};
use super::undo::UndoError;
use super::watch::watch;
use crate::authority::Authority;
use crate::clock;
use crate::ids::StepId;
use crate::permits::Leases;
use crate::recording::Journal;
use crate::state::{State, UnderWay};
use crate::stop::Stop;

/// A plan that was approved.
pub(crate) struct Approved {
    pub(crate) file: PlanFile,
    pub(crate) decision: Decision,
}

/// Applies, undoes and resolves steps.
pub(crate) struct Executor {
    pub(crate) host: Arc<dyn HostAccess>,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) state: Arc<State>,
    pub(crate) plans: Plans,
    pub(crate) leases: Leases,
    pub(crate) stop: Arc<Stop>,
    pub(crate) audit_dir: Directory,
}

impl Executor {
    /// Applies a plan, step by step; returns the result of every step. Everything is published as it happens.
    ///
    /// # Errors
    /// When the plan is not on the disk: no durable plan, no action. When the executor panicked: then outcomes are
    /// found after the next start.
    pub(crate) async fn execute(self: Arc<Self>, approved: Approved) -> Result<Vec<StepResult>, String> {
        let subjects: BTreeSet<Subject> = approved.file.steps.iter().map(|step| step.preview.about.clone()).collect();
        let held = self.leases.take(subjects).await;
        // Acting blocks: it is done beside the threads that evaluate.
        let applied = tokio::task::spawn_blocking(move || self.apply_all(&approved)).await;
        drop(held);
        applied.map_err(|error| format!("the executor panicked: {error}"))?
    }

    fn apply_all(&self, approved: &Approved) -> Result<Vec<StepResult>, String> {
        let file = &approved.file;
        self.plans.put(file).map_err(|error| format!("nothing was done, the plan is not written: {error}"))?;
        let mut results: Vec<StepResult> = Vec::with_capacity(file.steps.len());
        let (mut failed, mut runs) = (false, false);
        for (number, proposed) in file.numbered() {
            let step = file.step_id(number);
            let skipped = match () {
                () if failed => Some(SkipReason::EarlierStepFailed),
                () if runs => Some(SkipReason::EarlierStepRuns),
                () if self.stop.is_asked() => Some(SkipReason::Stopping),
                () => None,
            };
            if let Some(reason) = skipped {
                self.record_skipped(step, reason);
                let skipped = Applied { outcome: Outcome::Skipped, ..Applied::unknown(reason.to_string()) };
                results.push(step_result(proposed, skipped));
                continue;
            }
            let applied = match self.apply(file, number, proposed) {
                Ok(Some(applied)) => applied,
                Ok(None) => {
                    // It has not failed, so the steps before it stay.
                    runs = true;
                    let detail = "still running; its outcome follows when ansai runs again";
                    Applied { outcome: Outcome::Running, ..Applied::unknown(detail) }
                }
                Err(refusal) => self.record_refused(step, &refusal),
            };
            // What nobody knows ends the plan, also of a step that may fail.
            let may_go_on = match applied.outcome {
                Outcome::Done => true,
                Outcome::Failed | Outcome::Refused => proposed.may_fail,
                _ => false,
            };
            failed |= !runs && !may_go_on;
            results.push(step_result(proposed, applied));
        }
        if failed && approved.decision.on_failure() == OnFailure::UndoApplied {
            self.undo_applied(file, &mut results);
        }
        Ok(results)
    }

    /// One step. `Err` means that nothing was changed, `None` that it goes on by itself while ansai stops.
    fn apply(&self, file: &PlanFile, number: u32, proposed: &Proposed) -> Result<Option<Applied>, Refusal> {
        let (action, in_force) = self.authorized(&file.instance, proposed)?;
        let step = Step::new(self, file.step_id(number), proposed, action, in_force);
        let mut under_way =
            UnderWay { instance: file.instance.clone(), action: proposed.action.clone(), handle: None, until: None };
        self.put_step(&file.plan, number, &under_way)?;
        let durable = self.journal.intent(clock::now(), intent(file, number, proposed)).map_err(unavailable)?;
        let step = step.acting(durable)?;
        let begun = step.begin()?;
        let ended = match begun {
            Begun::Finished(applied) => Some(applied),
            Begun::Running { handle, limit } => {
                let until = clock::now() + limit;
                under_way.handle = Some(handle.clone());
                under_way.until = Some(until);
                // The handle must outlive a crash. Where it cannot be stored, the step must not run.
                let kept = self.put_step(&file.plan, number, &under_way).and_then(|()| {
                    let running = Event::Running {
                        plan: file.plan.clone(),
                        step: number,
                        instance: file.instance.clone(),
                        handle: serde_json::from_str(handle.get()).unwrap_or_default(),
                        until,
                    };
                    self.journal.durable(clock::now(), running).map_err(unavailable)
                });
                match kept {
                    Ok(()) => watch(&step, &handle, until, &self.stop),
                    Err(_) => Some(step.cancel(&handle)),
                }
            }
        };
        Ok(ended.map(|applied| self.record_outcome(file.step_id(number), applied, false)))
    }

    /// By the grants of now, not those of the plan.
    fn authorized(
        &self,
        instance: &InstanceName,
        proposed: &Proposed,
    ) -> Result<(&'static dyn Action, InForce), Refusal> {
        let (interface, function, action) = self.action(&proposed.action)?;
        let grants = self.authority.effective_grants(instance).map_err(Refusal::Denied)?;
        if grants.mode != Mode::Enforce {
            return Err(Refusal::Denied(format!("{instance} is no longer in enforce mode")));
        }
        let name = &interface.interface.name;
        let granted = grants.scopes.get(name);
        for scope in authorize(instance, interface, function, granted, &proposed.arguments)? {
            if action.is_within(&scope, &proposed.targets)? {
                return Ok((action, InForce { scope, reach: grants.reach }));
            }
        }
        let why =
            format!("{}: no table of [policy.{instance}.grant] \"{name}\" covers all of its targets", proposed.action);
        Err(Refusal::Denied(why))
    }

    /// What is in force for an instance now: what all tables permit together, or an empty scope where nothing is
    /// granted. To restore and to look needs no grant, so no single table has to be found.
    pub(super) fn in_force(&self, instance: &InstanceName, interface: &InterfaceDef) -> InForce {
        let Ok(grants) = self.authority.effective_grants(instance) else { return InForce::default() };
        let granted = grants.scopes.get(&interface.interface.name);
        InForce { scope: granted.map(|scope| scope.together().clone()).unwrap_or_default(), reach: grants.reach }
    }

    /// An action by its name in plans: one that policies can propose, or one of the host itself.
    pub(super) fn action(
        &self,
        name: &str,
    ) -> Result<(&'static InterfaceDef, &'static Function, &'static dyn Action), Refusal> {
        self.host.action(name).ok_or_else(|| Refusal::Unsupported(format!("there is no action {name}")))
    }

    fn put_step(&self, plan: &str, number: u32, under_way: &UnderWay) -> Result<(), Refusal> {
        self.state.begin_step(plan, number, under_way).map_err(unavailable)
    }

    fn undo_applied(&self, file: &PlanFile, results: &mut [StepResult]) {
        let records = self.undo_records(&file.plan);
        for (number, proposed) in file.numbered().rev() {
            let Some(result) = results.get_mut(number as usize) else { continue };
            // A check changes nothing, so there is nothing to restore.
            let is_undoable = proposed.preview.reversible.is_any() && proposed.preview.items > 0;
            if result.outcome != Outcome::Done || !is_undoable {
                continue;
            }
            let undone = match &records {
                Ok(records) => self.undo_step(file, number, BY_HOST, records),
                Err(error) => Err(UndoError::Audit(error.to_string())),
            };
            match undone {
                Ok(applied) => {
                    result.detail = format!("{}; undone: {}", result.detail, applied.detail);
                    if applied.outcome == Outcome::Done {
                        result.outcome = Outcome::Reverted;
                    }
                }
                Err(error) => {
                    result.detail = format!("{}; not undone: {error}", result.detail);
                    self.record_not_undone(file.step_id(number), &error);
                }
            }
        }
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

pub(super) fn unavailable(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unavailable(error.to_string())
}
