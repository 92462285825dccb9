//! The steps that go back by themselves, as this run knows them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::guarded::Guarded;

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

/// Whether who ends a step of an earlier run, with its plan, holds [`GuardedSteps::ending`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nobody else ends a step meanwhile.
    Held,
    /// Each step that goes back by itself is ended for itself.
    Free,
}

/// One of these steps.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) guarded: Guarded,
    pub(super) by: EndedBy,
}

/// All of them that this run knows. What they touch is in use meanwhile; of those for a time, their effect.
#[derive(Default)]
pub(crate) struct GuardedSteps {
    steps: Mutex<BTreeMap<(String, u32), Held>>,
    ending: Mutex<()>,
}

impl GuardedSteps {
    /// Held by whoever ends one of them: a plan and the schedule of ansai may want that at the same time.
    pub(super) fn ending(&self) -> MutexGuard<'_, ()> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, u32), Held>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn insert(&self, plan: &str, step: u32, held: Held) {
        self.lock().insert((plan.to_owned(), step), held);
    }

    /// False if it is not one of them.
    pub(super) fn remove(&self, plan: &str, step: u32) -> bool {
        self.lock().remove(&(plan.to_owned(), step)).is_some()
    }

    pub(super) fn get(&self, plan: &str, step: u32) -> Option<Held> {
        self.lock().get(&(plan.to_owned(), step)).cloned()
    }

    /// Whether a step is done, and its time lasts.
    pub(super) fn lasts(&self, plan: &str, step: u32) -> bool {
        self.get(plan, step).is_some_and(|held| held.by == EndedBy::Time)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(super) fn all(&self) -> Vec<((String, u32), Held)> {
        let known = self.lock();
        known.iter().map(|(step, held)| (step.clone(), held.clone())).collect()
    }

    /// Of one plan, newest first.
    pub(super) fn of_plan(&self, plan: &str) -> Vec<(u32, Held)> {
        let of_plan = |((of, step), held): ((String, u32), Held)| (of == plan).then_some((step, held));
        self.all().into_iter().rev().filter_map(of_plan).collect()
    }
}
