//! Steps of an earlier run that wait until ansai may act: what they did is not found out, or their plan is not undone.
//! Finding out can change files, because it puts back what was half done.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ansai_core::{Event, Refusal};

use super::executor::Executor;
use crate::clock;
use crate::ids::StepId;

/// Why each of them waits, as it was last told.
#[derive(Default)]
pub(crate) struct Pending(Mutex<BTreeMap<(String, u32), Refusal>>);

impl Pending {
    /// True if this is news.
    fn insert(&self, step: StepId<'_>, reason: &Refusal) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((step.plan.to_owned(), step.step), reason.clone()).as_ref() != Some(reason)
    }

    pub(super) fn remove(&self, plan: &str, step: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(plan.to_owned(), step));
    }

    /// Whether this step waits.
    pub(super) fn has(&self, plan: &str, step: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&(plan.to_owned(), step))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Executor {
    /// Lets a step wait, and records why. It stays in the state for the next try. What it touches is free: the step does
    /// not run, and whoever resolves it later compares every target again.
    pub(super) fn wait(&self, step: StepId<'_>, reason: Refusal) {
        self.background.release(step.plan, step.step);
        if self.pending.insert(step, &reason) {
            let StepId { plan, step, instance } = step;
            tracing::warn!(%instance, plan, step, "an interrupted step waits: {reason}");
            let (plan, instance) = (plan.to_owned(), instance.clone());
            self.journal.note(clock::now(), Event::Pending { plan, step, instance, reason });
        }
    }
}
