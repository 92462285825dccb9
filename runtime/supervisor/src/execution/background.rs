//! Steps that run without their plan: in the background after ansai stopped, or interrupted and not yet resolved. What
//! they touch stays in use until their outcome is recorded, also over a restart.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ansai_core::{OnFailure, Touch};
use ansai_kit::action::Proposed;

use super::executor::Executor;
use super::lasting::{effect, while_acting};
use crate::guarded::Guarded;
use crate::permits::{Lease, Leases, Request};
use crate::state::{Interrupted, StateError};

/// The leases of these steps.
pub(crate) struct Background {
    leases: Leases,
    steps: Mutex<BTreeMap<(String, u32), Lease>>,
}

impl Background {
    pub(crate) fn new(leases: Leases) -> Background {
        Background { leases, steps: Mutex::default() }
    }

    /// Keeps what a step touches. `None` if nobody knows what that is: then no other step may run.
    pub(super) fn keep(&self, plan: &str, step: u32, touches: Option<Vec<Touch>>) {
        let holder = format!("step {step} of plan {plan}");
        let request = match touches {
            Some(touches) => Request::new(holder, touches),
            None => Request::of_everything(holder),
        };
        self.hold(plan, step, request);
    }

    /// Keeps the effect of a step while its time lasts.
    pub(super) fn keep_lasting(&self, plan: &str, step: u32, proposed: &Proposed, guarded: &Guarded) {
        // A time for people: the clock since boot ends it.
        let until = (guarded.armed.wall + guarded.limit).as_millis();
        let until = i64::try_from(until).ok().and_then(|until| jiff::Timestamp::from_millisecond(until).ok());
        let until = until.map_or_else(|| "the end of its time".to_owned(), |until| format!("{until:.0}"));
        let holder = format!("step {step} of plan {plan} until {until}");
        self.hold(plan, step, Request::new(holder, effect(proposed)).lasting());
    }

    fn hold(&self, plan: &str, step: u32, request: Request) {
        let lease = self.leases.take_over(request.of_plan(plan));
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).insert((plan.to_owned(), step), lease);
    }

    /// Releases what a step touched, because it has ended.
    pub(super) fn release(&self, plan: &str, step: u32) {
        let lease = self.steps.lock().unwrap_or_else(PoisonError::into_inner).remove(&(plan.to_owned(), step));
        drop(lease);
    }
}

impl Executor {
    /// Keeps what interrupted steps touch. Comes before any plan can start.
    ///
    /// # Errors
    /// The steps cannot be read, so nobody knows what may still run.
    pub(crate) fn keep_interrupted(&self) -> Result<(), StateError> {
        for Interrupted { plan, step, .. } in self.state.interrupted_steps()? {
            let touches = match self.plans.get(&plan) {
                // The whole plan may have to be undone.
                Ok((file, _)) if file.on_failure == OnFailure::UndoApplied => {
                    Some(file.steps.iter().flat_map(while_acting).collect())
                }
                Ok((file, _)) => file.steps.get(step as usize).map(while_acting),
                Err(error) => {
                    tracing::warn!(plan, step, "no step runs until ansai knows how this one ended: {error}");
                    None
                }
            };
            self.background.keep(&plan, step, touches);
        }
        Ok(())
    }
}
