//! Budgets: what the bounds of a grant permit within its window, over all plans of an instance, whatever the keys of
//! findings, the incidents and the steps are that the policy chooses.
//!
//! A plan is counted as a whole before its first step, durably. Each step is then settled with what it really used.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::control::TotalUse;
use ansai_core::incident::Permission;
use ansai_core::{Millis, Preview};
use ansai_kit::action::Amount;
use tokio::time::Instant;

use super::uptime;
use super::{Permit, PermitRequest, PermitSource};
use crate::ids::StepId;
use crate::state::{Charge, State, StateError, Totals};

/// An interruption of unknown length counts as this, or as the time that the step takes, until it was measured.
const UNKNOWN_INTERRUPTION: Millis = Millis::new(60_000);
/// A step that takes hours does not interrupt for hours, as far as nobody knows.
const MOST_UNKNOWN: Millis = Millis::new(10 * 60_000);

/// How long a step interrupts something, as far as that is known before it acts.
pub(crate) fn interruption(preview: &Preview) -> Millis {
    match (preview.interrupts, preview.takes) {
        (Some(known), _) => known,
        (None, Some(takes)) => takes.clamp(UNKNOWN_INTERRUPTION, MOST_UNKNOWN),
        (None, None) => UNKNOWN_INTERRUPTION,
    }
}

/// How often the uptime is remembered.
const NOTE: Duration = Duration::from_secs(600);

/// The budgets of all instances.
pub(crate) struct Budgets {
    state: Arc<State>,
    totals: Totals,
    noted: Mutex<Option<Instant>>,
}

impl Budgets {
    /// Of this state. What was counted for steps that never began is free again.
    ///
    /// # Errors
    /// The state cannot be written.
    pub(crate) fn open(state: Arc<State>, totals: Totals) -> Result<Budgets, StateError> {
        state.unreserve_not_begun()?;
        Ok(Budgets { state, totals, noted: Mutex::default() })
    }

    /// What is used of the budgets of the host and of instances.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn totals_used(&self) -> Result<Vec<TotalUse>, StateError> {
        self.state.totals_used(&self.totals)
    }

    /// The source of permits for a plan with these charges. Whoever asks it counts them, so it is asked last.
    pub(crate) fn of<'a>(&'a self, charges: &'a [Charge]) -> impl PermitSource + 'a {
        OfPlan { budgets: self, charges }
    }

    /// Whether what a step is about to use is counted.
    pub(crate) fn is_counted(
        &self,
        step: StepId<'_>,
        amounts: &[Amount],
        interrupts: Millis,
    ) -> Result<bool, StateError> {
        let uses_nothing = amounts.is_empty() && interrupts == Millis::ZERO;
        if uses_nothing { Ok(true) } else { self.state.is_all_reserved(step.plan, step.step, amounts, interrupts) }
    }

    /// A step that interrupts something has ended after this time. If that cannot be stored, it counts as planned.
    pub(crate) fn settle_interruption(&self, step: StepId<'_>, measured: Millis) {
        if let Err(error) = self.state.settle_interruption(step.plan, step.step, measured) {
            let StepId { plan, step, instance } = step;
            tracing::error!(%instance, plan, step, "the interruption counts as planned, not as measured: {error}");
        }
    }

    /// A step has ended and used this. If that cannot be stored, it counts as planned.
    pub(crate) fn settle(&self, step: StepId<'_>, used: &[Amount]) {
        if used.is_empty() {
            return;
        }
        if let Err(error) = self.state.settle(step.plan, step.step, used) {
            let StepId { plan, step, instance } = step;
            tracing::error!(%instance, plan, step, "the step counts as planned, not as done: {error}");
        }
    }

    /// A step, or a whole plan, has done nothing. If that cannot be stored, it counts as planned.
    pub(crate) fn release(&self, plan: &str, step: Option<u32>) {
        if let Err(error) = self.state.unreserve(plan, step) {
            tracing::error!(plan, "what was not done stays counted until the next start: {error}");
        }
    }

    /// Remembers the uptime now and then.
    pub(crate) fn note_uptime(&self) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_some_and(|at| at.elapsed() < NOTE) {
            return;
        }
        *noted = Some(Instant::now());
        if let Err(error) = self.state.note_uptime(&uptime::read()) {
            tracing::warn!("the time until the next reboot counts in no budget: {error}");
        }
    }
}

struct OfPlan<'a> {
    budgets: &'a Budgets,
    charges: &'a [Charge],
}

impl PermitSource for OfPlan<'_> {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        if self.charges.is_empty() {
            return Permit::Go;
        }
        match self.budgets.state.reserve_within(request.plan, self.charges, &self.budgets.totals, &uptime::read()) {
            Ok(None) => Permit::Go,
            Ok(Some(over)) => Permit::Hold(Permission::OverBudget(Box::new(over))),
            Err(error) => Permit::Refuse(format!("what it uses cannot be counted: {error}")),
        }
    }
}
