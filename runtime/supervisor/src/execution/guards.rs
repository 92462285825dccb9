//! Steps whose effect does not last: their guard is armed before they act, and removed when they are confirmed or put
//! back. The guard works without ansai; ansai comes first, because only it records what happens.

use std::time::{Duration, Instant};

use ansai_core::{Event, Mode, Outcome, Refusal};
use ansai_kit::action::{Applied, Fate, Proposed};
use ansai_kit::guard::{ArmError, Guard, GuardState};

use super::executor::{Executor, unavailable};
use super::guarded_steps::{EndedBy, Ending, Held};
use super::lasting::while_acting;
use super::plans::PlanFile;
use super::step::{ActingStep, Step};
use crate::clock;
use crate::guarded::Guarded;
use crate::ids::StepId;
use crate::state::UnderWay;

/// How long a guard may take to put a step back.
const LONGEST_FIRING: Duration = Duration::from_secs(150);
/// Between two looks at it.
const PAUSE: Duration = Duration::from_millis(100);

impl Executor {
    /// Arms the guard of a step, if its effect does not last. Afterwards, the guard is recorded durably. `Err` means that
    /// the step must not act, and that no guard is left.
    pub(super) fn arm(
        &self,
        id: StepId<'_>,
        proposed: &Proposed,
        step: &ActingStep<'_>,
        under_way: &mut UnderWay,
    ) -> Result<Option<Guarded>, Refusal> {
        let Some(guarded) = Guarded::new(proposed.preview.lasting, self.host.clock()) else { return Ok(None) };
        if !proposed.preview.reversible.is_any() {
            return Err(Refusal::Unsupported("a step that cannot be undone cannot be put back".into()));
        }
        if let Guard::Timer(reversal) = step.as_step().guard()? {
            step.arm_timer(&reversal, guarded.fires_after()).map_err(|error| match error {
                ArmError::NotArmed(refusal) => refusal,
                ArmError::Unknown(refusal) => refused(refusal, self.unguard(id)),
            })?;
        }
        let Guarded { armed, limit, confirmable } = guarded.clone();
        let (plan, instance) = (id.plan.to_owned(), id.instance.clone());
        let event = Event::Guarded { plan, step: id.step, instance, armed, limit, confirmable };
        under_way.guard = Some(guarded.clone());
        let recorded = self.journal.durable(clock::now(), event).map_err(unavailable);
        let recorded = recorded.and_then(|()| self.state.begin_step(id.plan, id.step, under_way).map_err(unavailable));
        // The guard may have fired meanwhile: the disk was slow, or the machine slept.
        let in_time = recorded.and_then(|()| match guarded.left(&self.host.clock()).is_zero() {
            true => Err(Refusal::TimedOut("its time was over before it began".into())),
            false => Ok(()),
        });
        match in_time {
            Ok(()) => Ok(Some(guarded)),
            Err(refusal) => Err(refused(refusal, self.unguard(id))),
        }
    }

    /// Records the outcome of a step that has a guard. What changed something is provisional, or goes back at its time; else
    /// the guard is removed. `step` is there if the step has just acted: then its guard may have fired meanwhile.
    pub(super) fn record_guarded(
        &self,
        id: StepId<'_>,
        proposed: &Proposed,
        guarded: Guarded,
        mut applied: Applied,
        acted: Option<(&PlanFile, &Step<'_>)>,
        undo_follows: bool,
    ) -> Applied {
        let after_crash = acted.is_none();
        let has_changed = applied.items.iter().any(|item| item.fate == Fate::Done);
        if !has_changed && applied.outcome != Outcome::Unknown {
            applied.detail = with_note(applied.detail, self.unguard(id));
            return self.record_outcome(id, applied, after_crash, undo_follows);
        }
        let mut is_left_to_guard = false;
        if let Some((file, step)) = acted
            && self.is_late(step, &guarded)
        {
            if applied.outcome == Outcome::Unknown
                && let Ok(found) = step.resolve()
                && found.outcome != Outcome::Unknown
            {
                (applied.outcome, applied.items) = (found.outcome, found.items);
            }
            // Whoever removes the guard must know what to put back, and be permitted to.
            let can = applied.outcome != Outcome::Unknown && self.guarded_step(file, id.step, Mode::Approve).is_ok();
            is_left_to_guard = !can && matches!(self.guard_state(step), Ok(GuardState::Waiting) | Err(_));
            if !is_left_to_guard {
                return self.record_late(file, id, step, applied);
            }
        }
        let by = match applied.outcome {
            _ if is_left_to_guard => EndedBy::Guard,
            Outcome::Done if guarded.confirmable => {
                applied.outcome = Outcome::Provisional;
                EndedBy::Plan
            }
            Outcome::Done => EndedBy::Time,
            Outcome::Unknown => EndedBy::Guard,
            // Its plan puts back what it did.
            _ => EndedBy::Plan,
        };
        // First what holds it, then what ends it: nobody else may use what it touches.
        match by {
            EndedBy::Guard if !guarded.confirmable => {
                self.background.keep_lasting(id.plan, id.step, proposed, &guarded);
            }
            _ if after_crash => {}
            EndedBy::Time => self.background.keep_lasting(id.plan, id.step, proposed, &guarded),
            EndedBy::Plan | EndedBy::Guard => {
                self.background.keep(id.plan, id.step, Some(while_acting(proposed)));
            }
        }
        self.guarded.insert(id.plan, id.step, Held { guarded, by });
        self.record_outcome(id, applied, after_crash, true)
    }

    /// How long the provisional steps of a plan may still wait for their verification; `None` if there are none.
    pub(crate) fn provisional_left(&self, plan: &str) -> Option<Duration> {
        let now = self.host.clock();
        let waits = self.guarded.of_plan(plan).into_iter().filter(|(_, held)| held.by == EndedBy::Plan);
        waits.map(|(_, held)| held.guarded.left(&now)).min()
    }

    /// What the guard of a step does now; waits while it is firing. For a time-out of the kernel, the action looks whether
    /// the change is in place.
    pub(super) fn guard_state(&self, step: &Step<'_>) -> Result<GuardState, Refusal> {
        match step.guard()? {
            Guard::Timer(_) => {
                let began = Instant::now();
                loop {
                    match self.host.guards().state(self.host.host(), step.name())? {
                        GuardState::Firing if began.elapsed() < LONGEST_FIRING => std::thread::sleep(PAUSE),
                        state => return Ok(state),
                    }
                }
            }
            Guard::Kernel if is_in_place(step)? => Ok(GuardState::Waiting),
            Guard::Kernel => Ok(GuardState::PutBack),
        }
    }

    /// Removes the guard of a step, for good. [`GuardState::Gone`] if it will not fire any more. A time-out of the kernel goes
    /// on: only the confirmation of the action ends it.
    pub(super) fn disarm(&self, step: &Step<'_>) -> Result<GuardState, Refusal> {
        match step.guard()? {
            Guard::Timer(_) => self.host.guards().disarm(self.host.host(), step.name()),
            Guard::Kernel if is_in_place(step)? => Ok(GuardState::Gone),
            Guard::Kernel => Ok(GuardState::PutBack),
        }
    }

    /// Removes a guard that is not needed. If that fails, it fires, which changes nothing then. Answers what to tell of that.
    pub(super) fn unguard(&self, id: StepId<'_>) -> Option<String> {
        let (guards, host, step) = (self.host.guards(), self.host.host(), id.to_string());
        match guards.disarm(host, &step) {
            Ok(_) => {
                guards.forget(host, &step);
                None
            }
            // Where nothing can be armed, nothing is.
            Err(Refusal::Unsupported(_)) => None,
            Err(error) => {
                tracing::warn!(step, "a guard that is not needed any more may still fire: {error}");
                Some(format!("its guard is not needed any more and may still fire: {error}"))
            }
        }
    }

    /// Ends a step that was confirmed or put back. If its failure ended its plan, the undo of the plan comes first.
    pub(super) fn end_guarded(&self, id: StepId<'_>) {
        self.guarded.remove(id.plan, id.step);
        self.host.guards().forget(self.host.host(), &id.to_string());
        self.finish_step(id.plan, id.step, Some(id.instance), Ending::Held);
    }

    /// A step that the undo of its plan has put back needs no guard. The step that failed ends with the undo.
    pub(super) fn end_undone(&self, file: &PlanFile, number: u32, failed: u32) -> Option<String> {
        let id = file.step_id(number);
        if !self.guarded.remove(id.plan, id.step) {
            return None;
        }
        let note = self.unguard(id);
        if number != failed {
            self.end_step(id);
        }
        note
    }
}

/// A detail with something more to tell.
pub(super) fn with_note(detail: String, note: Option<String>) -> String {
    match note {
        Some(note) => format!("{detail}; {note}"),
        None => detail,
    }
}

/// A refusal with something more to tell.
pub(super) fn refused(refusal: Refusal, note: Option<String>) -> Refusal {
    match (refusal, note) {
        (refusal, None) => refusal,
        (Refusal::Unavailable(why), Some(note)) => Refusal::Unavailable(format!("{why}; {note}")),
        (refusal, Some(note)) => Refusal::Unavailable(format!("{refusal}; {note}")),
    }
}

/// Whether the change of a step is still there.
pub(super) fn is_in_place(step: &Step<'_>) -> Result<bool, Refusal> {
    let found = step.resolve()?;
    Ok(found.items.iter().any(|item| item.fate == Fate::Done))
}
