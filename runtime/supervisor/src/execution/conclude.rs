//! The end of steps that have a guard: confirmed after verification, or put back by ansai, else by the guard.

use std::sync::Arc;

use ansai_core::{Event, Mode, Outcome, Refusal, StepResult};
use ansai_kit::guard::GuardState;

use super::executor::Executor;
use super::guards::{EndedBy, Held, is_in_place};
use super::outcome::BY_HOST;
use super::plans::PlanFile;
use super::step::Step;
use super::undo::UndoError;
use crate::clock;
use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::recording::{BY_GUARD, Durable};
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
        let concluded = tokio::task::spawn_blocking(move || {
            for (number, held) in steps.into_iter().filter(|(_, held)| held.by == EndedBy::Plan) {
                let outcome = results.get(number as usize).map(|result| result.outcome);
                let stays = is_healthy && outcome == Some(Outcome::Provisional);
                let conclusion = self.end_time(&plan, number, &held.guarded, stays);
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
    fn end_time(&self, plan: &str, number: u32, guarded: &Guarded, stays: bool) -> Conclusion {
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
        let disarmed = self.guarded_step(file, number, Mode::Approve).and_then(|step| {
            // A restart of the machine removed the guard, perhaps after it had fired.
            let fired_before = guarded.is_of_another_boot(&self.host.clock()) && !is_in_place(&step)?;
            let step = step.acting(durable)?;
            if fired_before { Ok(GuardState::PutBack) } else { self.disarm(&step) }
        });
        match disarmed {
            Ok(GuardState::Gone) => {
                let (plan, instance) = (id.plan.to_owned(), id.instance.clone());
                let event = Event::Confirmed { plan, step: number, instance };
                match self.journal.durable(clock::now(), event) {
                    Ok(()) => self.end_guarded(id),
                    Err(error) => tracing::error!(plan = id.plan, "a confirmed step is not recorded as such: {error}"),
                }
                Conclusion::Confirmed
            }
            Ok(GuardState::PutBack) => self.was_put_back(id),
            Ok(_) => self.put_back(file, number, guarded),
            Err(refusal) => self.leave_to_guard(id.plan, number, guarded, refusal.to_string()),
        }
    }

    /// Puts a step back, unless its guard has. If ansai cannot, it leaves the step to its guard.
    pub(super) fn put_back(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> Conclusion {
        let id = file.step_id(number);
        // To ask it needs no grant.
        let state = self.guarded_step(file, number, Mode::Observe).and_then(|step| self.guard_state(&step));
        if matches!(state, Ok(GuardState::PutBack)) {
            return self.was_put_back(id);
        }
        let mut records = match self.undo_records(&file.plan) {
            Ok(records) => records,
            Err(error) => return self.leave_to_guard(id.plan, number, guarded, error.to_string()),
        };
        if !matches!(records.of(number).outcome, Some(Outcome::Done | Outcome::Provisional | Outcome::Failed)) {
            return self.leave_to_guard(id.plan, number, guarded, "what it did is unknown".to_owned());
        }
        let why = match self.undo_step(file, number, BY_HOST, &mut records) {
            Ok(applied) if applied.outcome == Outcome::Done => {
                self.after_undo(file, BY_HOST, &mut records, |_, _, _| {});
                self.unguard(id);
                self.end_guarded(id);
                return Conclusion::PutBack(applied.detail);
            }
            Err(error @ (UndoError::NothingDone(_) | UndoError::AlreadyUndone(_))) => {
                self.unguard(id);
                self.end_guarded(id);
                return Conclusion::PutBack(error.to_string());
            }
            Ok(applied) => applied.detail,
            Err(error) => {
                self.record_not_undone(id, &error, BY_HOST);
                error.to_string()
            }
        };
        self.leave_to_guard(id.plan, number, guarded, why)
    }

    /// Looks what became of a step that ansai left to its guard. `None` while the guard waits.
    pub(super) fn look_at_guard(&self, file: &PlanFile, number: u32) -> Option<Conclusion> {
        let id = file.step_id(number);
        let step = self.guarded_step(file, number, Mode::Observe);
        let (outcome, detail) = match step.and_then(|step| self.guard_state(&step)) {
            Ok(GuardState::PutBack) => return Some(self.was_put_back(id)),
            Ok(GuardState::Failed(why)) => (Outcome::Failed, why),
            Ok(GuardState::Gone) => (Outcome::Unknown, "its guard is gone, so what became of it is unknown".to_owned()),
            Ok(GuardState::Waiting | GuardState::Firing) | Err(_) => return None,
        };
        tracing::error!(plan = id.plan, step = number, "a step is not put back: {detail}");
        self.record_by_guard(id, outcome, detail.clone());
        self.end_guarded(id);
        Some(Conclusion::NotPutBack(outcome, detail))
    }

    /// Puts back what must go back now, and looks at what was left to its guard.
    pub(crate) fn look_at_guarded_steps(&self) {
        let now = self.host.clock();
        for ((plan, number), Held { guarded, by }) in self.guarded.all() {
            if by == EndedBy::Plan || !guarded.left(&now).is_zero() {
                continue;
            }
            match (by, self.plans.get(&plan)) {
                (EndedBy::Guard, Ok((file, _))) => _ = self.look_at_guard(&file, number),
                (_, Ok(_)) => _ = self.end_time(&plan, number, &guarded, false),
                (_, Err(error)) => tracing::error!(plan, number, "the plan of a step with a guard: {error}"),
            }
        }
    }

    /// The guard has put the step back.
    fn was_put_back(&self, id: StepId<'_>) -> Conclusion {
        let detail = "its time was over before it was confirmed or ended";
        if self.record_by_guard(id, Outcome::Done, detail.to_owned()) {
            self.end_guarded(id);
        }
        Conclusion::PutBack("by its guard".to_owned())
    }

    /// False if it could not be recorded: then the next start looks again.
    pub(super) fn record_by_guard(&self, id: StepId<'_>, outcome: Outcome, detail: String) -> bool {
        let (plan, instance, by) = (id.plan.to_owned(), id.instance.clone(), BY_GUARD.to_owned());
        let event = Event::Undone { plan, step: id.step, instance, outcome, detail, by };
        let recorded = self.journal.durable(clock::now(), event);
        recorded
            .inspect_err(|error| tracing::error!(plan = id.plan, "what a guard did is not recorded: {error}"))
            .is_ok()
    }

    pub(super) fn leave_to_guard(&self, plan: &str, number: u32, guarded: &Guarded, why: String) -> Conclusion {
        tracing::warn!(plan, step = number, "ansai could not end a step, its guard puts it back: {why}");
        self.guarded.insert(plan, number, Held { guarded: guarded.clone(), by: EndedBy::Guard });
        Conclusion::Waits(why)
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
