//! After a restart, resolves steps that started and have no outcome. No step is repeated. The action determines what
//! was done; what it cannot determine stays `unknown`.

use std::sync::Arc;

use ansai_core::{InstanceName, Outcome};
use ansai_kit::action::Applied;

use super::executor::Executor;
use super::step::Step;
use super::watch::watch;
use crate::ids::StepId;
use crate::recording::{Durable, open_intents};
use crate::state::{Interrupted, UnderWay};

/// An interrupted step that runs in the background, or did so when ansai ended.
pub(crate) struct Attached {
    interrupted: Interrupted,
    durable: Durable,
    /// The incident of its plan.
    pub(crate) incident: Option<String>,
}

impl Attached {
    /// Whose plan it is a step of.
    pub(crate) fn instance(&self) -> &InstanceName {
        self.durable.instance()
    }
}

impl Executor {
    /// Gives every interrupted step an outcome, apart from those that ran in the background. Returns these: they may
    /// still run for hours, and are for [`Executor::attach`].
    pub(crate) async fn recover(self: &Arc<Self>) -> Vec<Attached> {
        let mut attached = Vec::new();
        let steps = match self.state.interrupted_steps() {
            Ok(steps) if steps.is_empty() => return attached,
            Ok(steps) => steps,
            Err(error) => {
                tracing::error!("interrupted steps cannot be read, ansai tries again at its next start: {error}");
                return attached;
            }
        };
        let mut open = match open_intents(&self.audit_dir) {
            Ok(open) => open,
            Err(error) => {
                tracing::error!("interrupted steps stay open until the audit log can be read: {error}");
                return attached;
            }
        };
        for interrupted in steps {
            let (plan, step) = (interrupted.plan.clone(), interrupted.step);
            // Without an intent, nothing was done; with an outcome, the result is known. Both need no resolution.
            let Some(durable) = open.remove(&(plan.clone(), step)) else {
                self.clone().finish(interrupted).await;
                continue;
            };
            let is_background = interrupted.under_way.as_ref().is_ok_and(|under_way| under_way.handle.is_some());
            let incident = if is_background { self.plans.get(&plan).ok().and_then(|file| file.incident) } else { None };
            let step = Attached { interrupted, durable, incident };
            match is_background {
                true => attached.push(step),
                false => _ = self.clone().attach(step).await,
            }
        }
        attached
    }

    /// Ends an interrupted step that was over before.
    async fn finish(self: Arc<Self>, interrupted: Interrupted) {
        let Interrupted { plan, step, under_way } = interrupted;
        let told = plan.clone();
        let finished = tokio::task::spawn_blocking(move || {
            self.finish_step(&plan, step, under_way.ok().map(|under_way| under_way.instance).as_ref());
        });
        if let Err(error) = finished.await {
            tracing::error!(plan = told, step, "recovery panicked, ansai tries again at its next start: {error}");
        }
    }

    /// Finds out what became of an interrupted step and records it; waits for the step while it runs. False if its
    /// outcome is still open, because ansai stops first or cannot tell.
    pub(crate) async fn attach(self: Arc<Self>, step: Attached) -> bool {
        let Attached { interrupted, durable, .. } = step;
        let (plan, number) = (interrupted.plan.clone(), interrupted.step);
        let resolved = tokio::task::spawn_blocking(move || self.resolve_and_record(interrupted, durable)).await;
        resolved.unwrap_or_else(|error| {
            tracing::error!(plan, step = number, "recovery panicked, ansai tries again at its next start: {error}");
            false
        })
    }

    /// False if the step goes on while ansai stops.
    fn resolve_and_record(&self, interrupted: Interrupted, durable: Durable) -> bool {
        let Interrupted { plan, step, under_way } = interrupted;
        let instance = durable.instance().clone();
        let id = StepId { plan: &plan, step, instance: &instance };
        let applied = match under_way.and_then(|under_way| self.resolve(id, &under_way, durable)) {
            Ok(Some(applied)) => applied,
            Ok(None) => return false,
            Err(why) => Applied::unknown(format!("interrupted, and what was done is unknown: {why}")),
        };
        if applied.outcome == Outcome::Unknown {
            let detail = &applied.detail;
            tracing::warn!(%instance, plan, step, "the outcome of an interrupted step is unknown: {detail}");
        }
        let file = self.plans.get(&plan).ok();
        let undo_follows = file.as_ref().is_some_and(|file| file.is_undone_after(step, applied.outcome));
        if let Some(proposed) = file.as_ref().and_then(|file| file.steps.get(step as usize)) {
            self.settle(id, proposed, &applied);
        }
        self.record_outcome(id, applied, true, undo_follows);
        if undo_follows {
            self.finish_step(&plan, step, Some(&instance));
        }
        true
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
