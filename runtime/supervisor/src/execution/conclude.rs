//! The end of steps that have a guard: confirmed after verification, or put back by ansai, else by the guard.

use std::sync::Arc;

use ansai_core::{Event, Mode, Outcome, Refusal, StepResult};
use ansai_kit::guard::GuardState;

use super::executor::Executor;
use super::guarded_steps::EndedBy;
use super::guards::{is_in_place, with_note};
use super::outcome::BY_HOST;
use super::plans::PlanFile;
use super::step::Step;
use super::undo::UndoError;
use crate::clock;
use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::recording::Durable;
use crate::report::undo_text;

/// How the time of a step ended.
#[derive(Debug)]
pub(super) enum Conclusion {
    /// It stays.
    Confirmed,
    /// It is put back, in these words.
    PutBack(String),
    /// Its guard could not put it back, or that is unknown.
    NotPutBack(Outcome, String),
    /// ansai could not end it, for this reason. Its guard will.
    Waits(String),
}

impl Executor {
    /// Ends the provisional steps of a plan after its verification, newest first, and adds to the results how. They are
    /// confirmed if the thing is healthy and their time is not over. Otherwise, and if a step did only a part, they are put
    /// back.
    pub(crate) async fn conclude(
        self: Arc<Self>,
        plan: &str,
        mut results: Vec<StepResult>,
        is_healthy: bool,
    ) -> Vec<StepResult> {
        let steps = self.guarded.of_plan(plan);
        if steps.iter().all(|(_, held)| held.by != EndedBy::Plan) {
            return results;
        }
        let (plan, untouched) = (plan.to_owned(), results.clone());
        let executor = self.clone();
        let concluded = tokio::task::spawn_blocking(move || {
            for (number, held) in steps.into_iter().filter(|(_, held)| held.by == EndedBy::Plan) {
                let _one = executor.guarded.ending();
                let outcome = results.get(number as usize).map(|result| result.outcome);
                let stays = is_healthy && outcome == Some(Outcome::Provisional);
                let conclusion = match executor.guarded.get(&plan, number) {
                    Some(_) => executor.end_time(&plan, number, &held.guarded, stays),
                    None if executor.pending.has(&plan, number) => {
                        Conclusion::Waits("its time is over, and it waits until ansai may put it back".to_owned())
                    }
                    None => Conclusion::PutBack("its time was over".to_owned()),
                };
                if let Some(result) = results.get_mut(number as usize) {
                    told(result, &conclusion);
                }
            }
            results
        });
        concluded.await.unwrap_or_else(|error| {
            tracing::error!("ending provisional steps panicked, their guards put them back: {error}");
            untouched
        })
    }

    /// Ends one step of a plan whose file is known to be unaltered.
    pub(super) fn end_time(&self, plan: &str, number: u32, guarded: &Guarded, stays: bool) -> Conclusion {
        let file = match self.plans.get(plan) {
            Ok((file, _)) => file,
            Err(error) => return self.leave_to_guard(plan, number, guarded, error.to_string()),
        };
        let in_time = !guarded.left(&self.host.clock()).is_zero();
        match stays && in_time {
            true => self.confirm(&file, number, guarded),
            false => self.put_back(&file, number, guarded),
        }
    }

    fn confirm(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> Conclusion {
        // What stays must be undoable.
        if let Err(error) = self.plans.ensure_items(&file.plan, number) {
            tracing::error!(plan = file.plan, "a step is put back because what it did is not written: {error}");
            return self.put_back(file, number, guarded);
        }
        match self.journal.confirm_intent(clock::now(), file.step_id(number)) {
            Ok(durable) => self.finish_confirmation(file, number, guarded, durable),
            Err(error) => {
                tracing::error!(
                    plan = file.plan,
                    "a step is put back because its confirmation is not recorded: {error}"
                );
                self.put_back(file, number, guarded)
            }
        }
    }

    /// Removes the guard of a step whose confirmation is on the disk. May be repeated after a crash.
    pub(super) fn finish_confirmation(
        &self,
        file: &PlanFile,
        number: u32,
        guarded: &Guarded,
        durable: Durable,
    ) -> Conclusion {
        let id = file.step_id(number);
        let step = self.guarded_step(file, number, Mode::Approve);
        let disarmed = step.and_then(|step| {
            // A restart of the machine removed the guard, perhaps after it had fired.
            let fired_before = guarded.is_of_another_boot(&self.host.clock()) && !is_in_place(&step)?;
            let state = if fired_before { GuardState::PutBack } else { self.disarm(&step)? };
            Ok((step.acting(durable)?, state))
        });
        match disarmed {
            Ok((step, GuardState::Gone)) => match step.confirm() {
                Ok(()) => self.confirmed(id),
                // Its timer is stopped, so only ansai puts it back.
                Err(refusal) => {
                    tracing::error!(plan = id.plan, step = number, "a step is put back: not confirmed: {refusal}");
                    self.put_back(file, number, guarded)
                }
            },
            Ok((_, GuardState::PutBack)) => self.was_put_back(id),
            Ok(_) => self.put_back(file, number, guarded),
            Err(refusal) => self.cannot_end(file, number, guarded, refusal),
        }
    }

    /// Records that a step stays. If that fails, the step waits, and the confirmation is repeated.
    fn confirmed(&self, id: StepId<'_>) -> Conclusion {
        let event = Event::Confirmed { plan: id.plan.to_owned(), step: id.step, instance: id.instance.clone() };
        match self.journal.durable(clock::now(), event) {
            Ok(()) => self.end_guarded(id),
            Err(error) => _ = self.waits(id, format!("it is confirmed, and that is not recorded: {error}")),
        }
        Conclusion::Confirmed
    }

    /// Puts a step back, unless its guard has. If ansai cannot, it leaves the step to its guard; without one, the step waits.
    pub(super) fn put_back(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> Conclusion {
        let id = file.step_id(number);
        let state = self.state_of_guard(file, number);
        if matches!(state, Ok(GuardState::PutBack)) {
            return self.was_put_back(id);
        }
        let mut records = match self.undo_records(&file.plan) {
            Ok(records) => records,
            Err(error) => return self.cannot_end(file, number, guarded, Refusal::Unavailable(error.to_string())),
        };
        if !matches!(records.of(number).outcome, Some(Outcome::Done | Outcome::Provisional | Outcome::Failed)) {
            return self.leave_to_guard(id.plan, number, guarded, "what it did is unknown".to_owned());
        }
        let why = match self.undo_step(file, number, BY_HOST, &mut records) {
            Ok(applied) if applied.outcome == Outcome::Done => {
                self.after_undo(file, BY_HOST, &mut records, |_, _, _| {});
                let note = self.unguard(id);
                self.end_guarded(id);
                return Conclusion::PutBack(with_note(applied.detail, note));
            }
            Err(error @ (UndoError::NothingDone(_) | UndoError::AlreadyUndone(_))) => {
                let note = self.unguard(id);
                self.end_guarded(id);
                return Conclusion::PutBack(with_note(error.to_string(), note));
            }
            Ok(applied) => Refusal::Unavailable(applied.detail),
            // Whoever waits tells it, once.
            Err(UndoError::NotPermitted(refusal)) if self.has_no_guard(file, number, guarded) => refusal,
            Err(error) => {
                self.record_not_undone(id, &error, BY_HOST);
                Refusal::Unavailable(error.to_string())
            }
        };
        self.cannot_end(file, number, guarded, why)
    }

    /// A step of a plan, by the grants of now. In observe mode it may only be looked at.
    pub(super) fn guarded_step<'a>(
        &'a self,
        file: &'a PlanFile,
        number: u32,
        least: Mode,
    ) -> Result<Step<'a>, Refusal> {
        let proposed = file.steps.get(number as usize);
        let proposed = proposed.ok_or_else(|| Refusal::Other(format!("plan {} has no step {number}", file.plan)))?;
        let (action, in_force) = match least {
            Mode::Approve | Mode::Enforce => self.authorized(&file.instance, proposed, least)?,
            Mode::Observe => {
                let (interface, _, action) = self.action(&proposed.action)?;
                (action, self.in_force(&file.instance, interface))
            }
        };
        Ok(Step::new(self, file.step_id(number), proposed, action, in_force))
    }
}

/// Adds the end of its time to the result of a step.
fn told(result: &mut StepResult, conclusion: &Conclusion) {
    let (outcome, detail) = (&mut result.outcome, &mut result.detail);
    match conclusion {
        Conclusion::Confirmed => *outcome = Outcome::Done,
        Conclusion::PutBack(how) => undo_text::undone(outcome, detail, Outcome::Done, how),
        Conclusion::NotPutBack(undo, why) => undo_text::undone(outcome, detail, *undo, why),
        Conclusion::Waits(why) => undo_text::undone(outcome, detail, Outcome::Refused, why),
    }
}
