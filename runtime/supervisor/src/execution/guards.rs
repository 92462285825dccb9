//! Steps whose effect does not last: their guard is armed before they act, and removed when they are confirmed or put
//! back. The guard works without ansai; ansai comes first, because only it records what happens.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ansai_core::{Event, Outcome, Refusal};
use ansai_kit::action::{Applied, Fate, Proposed};
use ansai_kit::guard::{Guard, GuardState};

use super::executor::{Executor, unavailable};
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

/// Who is about to end the time of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// Its plan, after verification.
    Plan,
    /// ansai, when its time is over.
    Time,
    /// Its guard: ansai could not put it back.
    Guard,
}

/// One of these steps.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) guarded: Guarded,
    pub(super) by: EndedBy,
}

/// All of them that this run knows. What they touch is in use meanwhile.
#[derive(Default)]
pub(crate) struct GuardedSteps(Mutex<BTreeMap<(String, u32), Held>>);

impl GuardedSteps {
    pub(super) fn insert(&self, plan: &str, step: u32, held: Held) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((plan.to_owned(), step), held);
    }

    /// False if it is not one of them.
    pub(super) fn remove(&self, plan: &str, step: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(plan.to_owned(), step)).is_some()
    }

    pub(super) fn get(&self, plan: &str, step: u32) -> Option<Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(plan.to_owned(), step)).cloned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(super) fn all(&self) -> Vec<((String, u32), Held)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(step, held)| (step.clone(), held.clone())).collect()
    }

    /// Of one plan, newest first.
    pub(super) fn of_plan(&self, plan: &str) -> Vec<(u32, Held)> {
        let of_plan = |((of, step), held): ((String, u32), Held)| (of == plan).then_some((step, held));
        self.all().into_iter().rev().filter_map(of_plan).collect()
    }
}

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
            step.arm_timer(&reversal, guarded.fires_after())?;
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
            Err(refusal) => {
                self.unguard(id);
                Err(refusal)
            }
        }
    }

    /// Records the outcome of a step that has a guard. What changed something is provisional, or goes back at its time; else
    /// the guard is removed.
    pub(super) fn record_guarded(
        &self,
        id: StepId<'_>,
        proposed: &Proposed,
        guarded: Guarded,
        mut applied: Applied,
        after_crash: bool,
        undo_follows: bool,
    ) -> Applied {
        let has_changed = applied.items.iter().any(|item| item.fate == Fate::Done);
        if !has_changed && applied.outcome != Outcome::Unknown {
            self.unguard(id);
            return self.record_outcome(id, applied, after_crash, undo_follows);
        }
        let by = match applied.outcome {
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
        if !after_crash {
            self.background.keep(id.plan, id.step, Some(proposed.touches().into_owned()));
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

    /// What the guard of a step does now; waits while it is firing. A guard that fired before the step changed anything has not
    /// put it back, and is gone. For a time-out of the kernel, too, the action looks whether the change is in place.
    pub(super) fn guard_state(&self, step: &Step<'_>) -> Result<GuardState, Refusal> {
        match step.guard()? {
            Guard::Timer(_) => {
                let began = Instant::now();
                loop {
                    match self.host.guards().state(self.host.host(), step.name())? {
                        GuardState::Firing if began.elapsed() < LONGEST_FIRING => std::thread::sleep(PAUSE),
                        GuardState::PutBack if matches!(is_in_place(step), Ok(true)) => return Ok(GuardState::Gone),
                        state => return Ok(state),
                    }
                }
            }
            Guard::Kernel if is_in_place(step)? => Ok(GuardState::Waiting),
            Guard::Kernel => Ok(GuardState::PutBack),
        }
    }

    /// Removes the guard of a step, for good. [`GuardState::Gone`] if it will not fire any more.
    pub(super) fn disarm(&self, step: &ActingStep<'_>) -> Result<GuardState, Refusal> {
        match step.as_step().guard()? {
            Guard::Timer(_) => {
                let state = self.host.guards().disarm(self.host.host(), step.as_step().name())?;
                if state == GuardState::Gone {
                    step.confirm()?;
                }
                Ok(state)
            }
            Guard::Kernel if is_in_place(step.as_step())? => step.confirm().map(|()| GuardState::Gone),
            Guard::Kernel => Ok(GuardState::PutBack),
        }
    }

    /// Removes a guard that is not needed. If that fails, it fires, which changes nothing then.
    pub(super) fn unguard(&self, id: StepId<'_>) {
        let (guards, host, step) = (self.host.guards(), self.host.host(), id.to_string());
        if let Err(error) = guards.disarm(host, &step) {
            tracing::warn!(step, "a guard that is not needed any more may still fire: {error}");
        }
        guards.forget(host, &step);
    }

    /// Ends a step that was confirmed or put back.
    pub(super) fn end_guarded(&self, id: StepId<'_>) {
        self.guarded.remove(id.plan, id.step);
        self.end_step(id);
        self.host.guards().forget(self.host.host(), &id.to_string());
    }

    /// A step that the undo of its plan has put back needs no guard.
    pub(super) fn end_undone(&self, file: &PlanFile, number: u32) {
        let id = file.step_id(number);
        if self.guarded.get(id.plan, id.step).is_some() {
            self.unguard(id);
            self.end_guarded(id);
        }
    }
}

/// Whether the change of a step is still there.
pub(super) fn is_in_place(step: &Step<'_>) -> Result<bool, Refusal> {
    let found = step.resolve()?;
    Ok(found.items.iter().any(|item| item.fate == Fate::Done))
}
