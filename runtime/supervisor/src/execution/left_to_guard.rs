//! Steps that ansai could not end: their guard puts them back, and ansai looks what became of them. Without a guard, they
//! wait until ansai may act.

use std::sync::Arc;

use ansai_core::{Event, Mode, OnFailure, Outcome, Refusal};
use ansai_kit::guard::GuardState;

use super::conclude::Conclusion;
use super::executor::Executor;
use super::guarded_steps::{EndedBy, Held};
use super::plans::PlanFile;
use crate::clock;
use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::permits::{Lease, Request};
use crate::recording::BY_GUARD;

impl Executor {
    /// What the guard of a step does now. To ask it needs no grant.
    pub(super) fn state_of_guard(&self, file: &PlanFile, number: u32) -> Result<GuardState, Refusal> {
        self.guarded_step(file, number, Mode::Observe).and_then(|step| self.guard_state(&step))
    }

    /// Looks what became of a step that ansai left to its guard. `None` while the guard waits, or the step does.
    pub(super) fn look_at_guard(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> Option<Conclusion> {
        let id = file.step_id(number);
        // With its end, its plan may have to be undone, and others may use what that touches.
        let _all = if self.undoes_plan(file, number)? { Some(self.lease_of_end(file, number)?) } else { None };
        let (outcome, detail) = match self.state_of_guard(file, number) {
            Ok(GuardState::PutBack) => return Some(self.was_put_back(id)),
            Ok(GuardState::Failed(why)) => (Outcome::Failed, why),
            Ok(GuardState::Gone) if self.did(file, number)? => {
                // While its time lasted, others were free to use what it touches.
                let _lease = self.lease_of_end(file, number)?;
                let conclusion = self.put_back(file, number, guarded);
                return (!matches!(conclusion, Conclusion::Waits(_))).then_some(conclusion);
            }
            Ok(GuardState::Gone) => (Outcome::Unknown, "its guard is gone, so what became of it is unknown".to_owned()),
            Ok(GuardState::Waiting | GuardState::Firing) | Err(_) => return None,
        };
        tracing::error!(plan = id.plan, step = number, "a step is not put back: {detail}");
        self.record_by_guard(id, outcome, detail.clone());
        self.end_guarded(id);
        Some(Conclusion::NotPutBack(outcome, detail))
    }

    /// Whether it is recorded what a step did, so that ansai can undo it; `None` if the log cannot be read.
    fn did(&self, file: &PlanFile, number: u32) -> Option<bool> {
        let outcome = self.undo_records(&file.plan).ok()?.of(number).outcome;
        Some(matches!(outcome, Some(Outcome::Done | Outcome::Provisional | Outcome::Failed)))
    }

    /// Puts back what must go back now, and looks at what was left to its guard.
    pub(crate) async fn end_guarded_steps(self: Arc<Self>) {
        if self.guarded.is_empty() {
            return;
        }
        if let Err(error) = tokio::task::spawn_blocking(move || self.look_at_guarded_steps()).await {
            tracing::error!("ending steps that go back by themselves panicked, their guards do it: {error}");
        }
    }

    fn look_at_guarded_steps(&self) {
        for ((plan, number), _) in self.guarded.all() {
            let _one = self.guarded.ending();
            let now = self.host.clock();
            // It may have ended meanwhile.
            let Some(Held { guarded, by }) = self.guarded.get(&plan, number) else { continue };
            // Nobody verifies it any more: its task ended without a result.
            let is_forgotten = by == EndedBy::Plan && guarded.must_have_fired(&now);
            if (by == EndedBy::Plan && !is_forgotten) || !guarded.left(&now).is_zero() {
                continue;
            }
            match (by, self.plans.get(&plan)) {
                (EndedBy::Guard, Ok((file, _))) => _ = self.look_at_guard(&file, number, &guarded),
                (EndedBy::Time, Ok((file, _))) => self.end_lasting(&file, number, &guarded),
                (EndedBy::Plan, Ok(_)) => _ = self.end_time(&plan, number, &guarded, false),
                (_, Err(error)) => tracing::error!(plan, number, "the plan of a step with a guard: {error}"),
            }
        }
    }

    /// The time of a step is over. Another plan may use the same thing now: then ansai looks again, and only records it when
    /// the guard, which does not wait, has put the step back. A guard that failed is recorded by nobody before ansai had its
    /// turn.
    fn end_lasting(&self, file: &PlanFile, number: u32, guarded: &Guarded) {
        if let Some(_lease) = self.lease_of_end(file, number) {
            let _ended = self.end_time(&file.plan, number, guarded, false);
        } else if guarded.must_have_fired(&self.host.clock())
            && self.undoes_plan(file, number) == Some(false)
            && matches!(self.state_of_guard(file, number), Ok(GuardState::PutBack))
        {
            self.was_put_back(file.step_id(number));
        }
    }

    /// Whether the end of a step is followed by the undo of its plan, which the step has ended; `None` if the log cannot be read.
    fn undoes_plan(&self, file: &PlanFile, number: u32) -> Option<bool> {
        if file.on_failure != OnFailure::UndoApplied {
            return Some(false);
        }
        let outcome = self.undo_records(&file.plan).ok()?.of(number).outcome;
        Some(outcome.is_some_and(|outcome| file.is_undone_after(number, outcome)))
    }

    /// What a step touches, while ansai ends it, and all of its plan if that is undone with it; `None` while another plan has
    /// something of that. Its own plan may still run: it is not in the way.
    pub(super) fn lease_of_end(&self, file: &PlanFile, number: u32) -> Option<Lease> {
        let step = file.steps.get(number as usize)?;
        let touches = match self.undoes_plan(file, number)? {
            true => file.steps.iter().flat_map(|step| step.touches().into_owned()).collect(),
            false => step.touches().into_owned(),
        };
        let holder = format!("the end of step {number} of plan {}", file.plan);
        self.leases.try_take(Request::new(holder, touches).of_plan(&file.plan)).ok()
    }

    /// The guard has put the step back.
    pub(super) fn was_put_back(&self, id: StepId<'_>) -> Conclusion {
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

    /// Whether nothing but ansai can put a step back.
    pub(super) fn has_no_guard(&self, file: &PlanFile, number: u32, guarded: &Guarded) -> bool {
        let state = || self.state_of_guard(file, number);
        guarded.is_of_another_boot(&self.host.clock()) || matches!(state(), Ok(GuardState::Gone))
    }

    /// ansai could not end a step for this reason. Its guard will; without one, the step waits until ansai can.
    pub(super) fn cannot_end(&self, file: &PlanFile, number: u32, guarded: &Guarded, why: Refusal) -> Conclusion {
        match self.has_no_guard(file, number, guarded) {
            true => {
                let told = why.to_string();
                self.guarded.remove(&file.plan, number);
                self.wait(file.step_id(number), why);
                Conclusion::Waits(told)
            }
            false => {
                if let Some(proposed) = file.steps.get(number as usize).filter(|_| !guarded.confirmable) {
                    // Its guard may take a day, and nobody should wait for that.
                    self.background.keep_lasting(&file.plan, number, proposed, guarded);
                }
                self.leave_to_guard(&file.plan, number, guarded, why.to_string())
            }
        }
    }

    /// The step waits until ansai can end it: nothing else does.
    pub(super) fn waits(&self, id: StepId<'_>, why: String) -> Conclusion {
        self.guarded.remove(id.plan, id.step);
        self.wait(id, Refusal::Unavailable(why.clone()));
        Conclusion::Waits(why)
    }

    pub(super) fn leave_to_guard(&self, plan: &str, number: u32, guarded: &Guarded, why: String) -> Conclusion {
        tracing::warn!(plan, step = number, "ansai could not end a step, its guard puts it back: {why}");
        self.pending.remove(plan, number);
        self.guarded.insert(plan, number, Held { guarded: guarded.clone(), by: EndedBy::Guard });
        Conclusion::Waits(why)
    }
}
