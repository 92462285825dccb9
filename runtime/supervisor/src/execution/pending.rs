//! Steps of an earlier run that wait until ansai may act: what they did is not found out, or their plan is not undone.
//! Finding out can change files, because it puts back what was half done.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ansai_core::{Event, InstanceName, Refusal};
use serde::Serialize;

use super::executor::Executor;
use crate::clock;
use crate::ids::StepId;

/// One of them, for reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PendingStep {
    /// Its plan.
    pub plan: String,
    /// Its number in the plan.
    pub step: u32,
    /// Whose plan it is.
    pub instance: InstanceName,
    /// Why it waits.
    pub reason: String,
}

/// All of them, as they were last told.
#[derive(Default)]
pub(crate) struct Pending(Mutex<BTreeMap<(String, u32), (InstanceName, Refusal)>>);

impl Pending {
    /// True if this is news.
    fn insert(&self, step: StepId<'_>, reason: &Refusal) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = known.insert((step.plan.to_owned(), step.step), (step.instance.clone(), reason.clone()));
        told.is_none_or(|(_, told)| told != *reason)
    }

    pub(super) fn remove(&self, plan: &str, step: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(plan.to_owned(), step));
    }

    /// Whether this step waits.
    pub(super) fn has(&self, plan: &str, step: u32) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&(plan.to_owned(), step))
    }

    /// By plan and step.
    pub(crate) fn list(&self) -> Vec<PendingStep> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let step = |((plan, step), (instance, reason)): (&(String, u32), &(InstanceName, Refusal))| PendingStep {
            plan: plan.clone(),
            step: *step,
            instance: instance.clone(),
            reason: reason.to_string(),
        };
        known.iter().map(step).collect()
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
