//! After a restart: steps that had begun and have no outcome. Nothing is blindly retried; what was done is found
//! out by looking, and what cannot be told stays `unknown`.

use std::collections::BTreeSet;

use ansai_audit::Reader;
use ansai_core::event::Record;
use ansai_core::{Event, Outcome};
use ansai_kit::action::{Applied, StepContext};

use crate::clock;
use crate::executor::{UnderWay, unknown};
use crate::report::Notice;
use crate::supervisor::{Inner, Supervisor};

impl Supervisor {
    /// Gives every interrupted step its outcome, and tells the incidents of it. Steps that still run by themselves
    /// are attached to and waited for.
    pub async fn recover(&self) {
        self.resolve_steps().await;
        let inner = self.0.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || inner.restore_attempts()).await {
            tracing::error!("restoring attempts failed: {error}");
        }
    }

    async fn resolve_steps(&self) {
        let inner = self.0.clone();
        let steps = match inner.state.steps() {
            Ok(steps) => steps,
            Err(error) => {
                tracing::error!("{error}");
                return;
            }
        };
        if steps.is_empty() {
            return;
        }
        // Without the log each step is taken for one that needs an outcome.
        let open = match inner.begun_and_open() {
            Ok(open) => Some(open),
            Err(error) => {
                tracing::error!("{error}");
                None
            }
        };
        for (plan, number, value) in steps {
            // Stopped before its intent, or after its outcome: the log holds all there is to say.
            if open.as_ref().is_some_and(|open| !open.contains(&(plan.clone(), number))) {
                if let Err(error) = inner.state.end_step(&plan, number) {
                    tracing::error!("{error}");
                }
                continue;
            }
            let inner = inner.clone();
            let shown = plan.clone();
            let resolved = tokio::task::spawn_blocking(move || {
                let applied = inner.resolve(&plan, number, &value)?;
                Some(inner.outcome(&plan, number, applied))
            });
            match resolved.await {
                Ok(Some(applied)) => {
                    let (outcome, detail): (Outcome, String) = (applied.outcome, applied.detail);
                    (self.0.notice)(Notice::Recovered { plan: shown, step: number, outcome, detail });
                }
                Ok(None) => {}
                Err(error) => tracing::error!(plan = %shown, "recovery failed: {error}"),
            }
        }
    }
}

impl Inner {
    /// Steps with an intent in the audit log, and without an outcome there.
    fn begun_and_open(&self) -> Result<BTreeSet<(String, u32)>, ansai_audit::ReadError> {
        let mut open = BTreeSet::new();
        for entry in Reader::open(&self.audit_dir)? {
            let Ok(record) = serde_json::from_slice::<Record>(&entry?.payload) else { continue };
            match record.event {
                Event::Intent { plan, step, .. } => {
                    open.insert((plan, step));
                }
                Event::Outcome { plan, step, .. } => {
                    open.remove(&(plan, step));
                }
                _ => {}
            }
        }
        Ok(open)
    }

    /// What became of one step; `None` when it still runs and ansai is asked to stop.
    fn resolve(&self, plan: &str, number: u32, value: &str) -> Option<Applied> {
        let looked = || -> Result<Option<Applied>, String> {
            let under_way: UnderWay = serde_json::from_str(value).map_err(|error| error.to_string())?;
            let file = self.plans.get(plan).map_err(|error| error.to_string())?;
            let step = file.steps.get(number as usize).ok_or("the plan has no such step")?;
            let (_, _, action) =
                self.shared.registry.action(&under_way.action).ok_or("its action is no longer known")?;
            let scope = match self.authority.effective_grants(&under_way.instance) {
                Ok(force) => crate::executor::scope_of(&force, step).unwrap_or_default(),
                Err(_) => std::sync::Arc::default(),
            };
            let step_id = format!("{plan}-{number}");
            let doing = StepContext {
                host: &self.shared.host,
                scope: &scope,
                now: clock::now(),
                step_id: &step_id,
                arguments: &step.arguments,
                targets: &step.targets,
                stop: &self.stop,
            };
            match (&under_way.handle, under_way.until) {
                (Some(handle), Some(until)) => Ok(self.watch_running(action, &doing, handle, until)),
                _ => action.resolve(&doing).map(Some).map_err(|error| error.to_string()),
            }
        };
        match looked() {
            Ok(applied) => applied,
            Err(why) => Some(unknown(format!("interrupted, and what was done cannot be told: {why}"))),
        }
    }
}
