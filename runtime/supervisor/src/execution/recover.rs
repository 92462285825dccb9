//! After a restart: steps that began and have no outcome. Nothing is tried again blindly. The action looks what was
//! done, and what it cannot find out stays `unknown`.

use std::sync::Arc;

use ansai_core::Outcome;

use super::executor::Executor;
use super::outcome::StepRef;
use super::step::Step;
use super::watch::{Ended, unknown, watch};
use crate::recording::{Durable, open_intents};
use crate::state::{Interrupted, UnderWay};

impl Executor {
    /// Gives every interrupted step its outcome. Waits for steps that still run by themselves.
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
            // Without an intent nothing was done; with an outcome it is known: there is nothing to find out.
            let Some((durable, instance)) = open.remove(&(plan.clone(), step)) else {
                if let Err(error) = self.state.end_step(&plan, step) {
                    tracing::error!(plan, step, "a step that has ended stays in the state: {error}");
                }
                continue;
            };
            let executor = self.clone();
            let resolving = move || executor.resolve_and_record(interrupted, &instance, durable);
            let resolved = tokio::task::spawn_blocking(resolving);
            if let Err(error) = resolved.await {
                tracing::error!(plan, step, "recovery panicked, ansai tries again at its next start: {error}");
            }
        }
    }

    fn resolve_and_record(&self, interrupted: Interrupted, instance: &str, durable: Durable) {
        let Interrupted { plan, step, under_way } = interrupted;
        let ended = under_way.and_then(|under_way| self.resolve(&plan, step, &under_way, durable));
        let applied = match ended {
            Ok(Ended::With(applied)) => applied,
            Ok(Ended::StillRunning) => return,
            Err(why) => unknown(format!("interrupted, and what was done is unknown: {why}")),
        };
        if applied.outcome == Outcome::Unknown {
            let detail = &applied.detail;
            tracing::warn!(instance, plan, step, "the outcome of an interrupted step is unknown: {detail}");
        }
        self.record_outcome(StepRef { plan: &plan, step, instance }, applied, true);
    }

    /// How one step ended, found out by looking, or by waiting where it still runs.
    fn resolve(&self, plan: &str, number: u32, under_way: &UnderWay, durable: Durable) -> Result<Ended, String> {
        let file = self.plans.get(plan).map_err(|error| error.to_string())?;
        let proposed = file.steps.get(number as usize).ok_or("the plan has no such step")?;
        let (interface, _, action) = self.action(&under_way.action).map_err(|error| error.to_string())?;
        let scope = self.scope_now(&under_way.instance, interface);
        let step = Step::new(self, plan, number, proposed, action, scope);
        match (&under_way.handle, under_way.until) {
            (Some(handle), Some(until)) => {
                let step = step.acting(durable).map_err(|error| error.to_string())?;
                Ok(watch(&step, handle, until, &self.stop))
            }
            _ => step.resolve().map(Ended::With).map_err(|error| error.to_string()),
        }
    }
}
