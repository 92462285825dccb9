//! After a restart, resolves steps that started and have no outcome. No step is repeated. The action determines what
//! was done; what it cannot determine stays `unknown`.

use std::sync::Arc;

use ansai_core::Outcome;
use ansai_kit::action::Applied;

use super::executor::Executor;
use super::step::Step;
use super::watch::watch;
use crate::ids::StepId;
use crate::recording::{Durable, open_intents};
use crate::state::{Interrupted, UnderWay};

impl Executor {
    /// Gives every interrupted step an outcome. Waits for steps that are still running in the background.
    pub(crate) async fn recover(self: &Arc<Self>) {
        let steps = match self.state.interrupted_steps() {
            Ok(steps) if steps.is_empty() => return,
            Ok(steps) => steps,
            Err(error) => {
                tracing::error!("interrupted steps cannot be read, ansai tries again at its next start: {error}");
                return;
            }
        };
        let mut open = match open_intents(&self.audit_dir) {
            Ok(open) => open,
            Err(error) => {
                tracing::error!("interrupted steps stay open until the audit log can be read: {error}");
                return;
            }
        };
        for interrupted in steps {
            let (plan, step) = (interrupted.plan.clone(), interrupted.step);
            let durable = open.remove(&(plan.clone(), step));
            let executor = self.clone();
            let resolved = tokio::task::spawn_blocking(move || match durable {
                Some(durable) => executor.resolve_and_record(interrupted, durable),
                // Without an intent, nothing was done; with an outcome, the result is known. Both need no resolution.
                None => {
                    let Interrupted { plan, step, under_way } = interrupted;
                    executor.finish_step(&plan, step, under_way.ok().map(|under_way| under_way.instance).as_ref());
                }
            });
            if let Err(error) = resolved.await {
                tracing::error!(plan, step, "recovery panicked, ansai tries again at its next start: {error}");
            }
        }
    }

    fn resolve_and_record(&self, interrupted: Interrupted, durable: Durable) {
        let Interrupted { plan, step, under_way } = interrupted;
        let instance = durable.instance().clone();
        let id = StepId { plan: &plan, step, instance: &instance };
        let applied = match under_way.and_then(|under_way| self.resolve(id, &under_way, durable)) {
            Ok(Some(applied)) => applied,
            Ok(None) => return,
            Err(why) => Applied::unknown(format!("interrupted, and what was done is unknown: {why}")),
        };
        if applied.outcome == Outcome::Unknown {
            let detail = &applied.detail;
            tracing::warn!(%instance, plan, step, "the outcome of an interrupted step is unknown: {detail}");
        }
        let undo_follows = self.plans.get(&plan).is_ok_and(|file| file.is_undone_after(step, applied.outcome));
        self.record_outcome(id, applied, true, undo_follows);
        if undo_follows {
            self.finish_step(&plan, step, Some(&instance));
        }
    }

    /// Determines what one step did, or waits for it if it is still running. `None` if it is running and ansai stops.
    fn resolve(&self, id: StepId<'_>, under_way: &UnderWay, durable: Durable) -> Result<Option<Applied>, String> {
        let file = self.plans.get(id.plan).map_err(|error| error.to_string())?;
        let proposed = file.steps.get(id.step as usize).ok_or("the plan has no such step")?;
        let (interface, _, action) = self.action(&under_way.action).map_err(|error| error.to_string())?;
        let in_force = self.in_force(&under_way.instance, interface);
        let step = Step::new(self, id, proposed, action, in_force);
        match (&under_way.handle, under_way.until) {
            (Some(handle), Some(until)) => {
                let step = step.acting(durable).map_err(|error| error.to_string())?;
                Ok(watch(&step, handle, until, &self.stop))
            }
            _ => step.resolve().map(Some).map_err(|error| error.to_string()),
        }
    }
}
