//! After a restart: steps that had begun and have no outcome. Nothing is blindly retried; what was done is found
//! out by looking, and what cannot be told stays `unknown`.

use ansai_core::Outcome;
use ansai_host_functions::action::{Applied, Doing};

use crate::clock;
use crate::executor::{UnderWay, unknown};
use crate::report::Notice;
use crate::supervisor::{Inner, Supervisor};

impl Supervisor {
    /// Gives every interrupted step its outcome. Steps that still run by themselves are attached to and waited for.
    pub async fn recover(&self) {
        let inner = self.0.clone();
        let steps = match inner.state.steps() {
            Ok(steps) => steps,
            Err(error) => {
                tracing::error!("{error}");
                return;
            }
        };
        for (plan, number, value) in steps {
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
    /// What became of one step; `None` when it still runs and ansai is asked to stop.
    fn resolve(&self, plan: &str, number: u32, value: &str) -> Option<Applied> {
        let looked = || -> Result<Option<Applied>, String> {
            let under_way: UnderWay = serde_json::from_str(value).map_err(|error| error.to_string())?;
            let file = self.plans.get(plan).map_err(|error| error.to_string())?;
            let step = file.steps.get(number as usize).ok_or("the plan has no such step")?;
            let (_, _, action) =
                self.shared.registry.action(&under_way.action).ok_or("its action is no longer known")?;
            let scope = match self.authority.force(&under_way.instance) {
                Ok(force) => crate::executor::scope_of(&force, step).unwrap_or_default(),
                Err(_) => std::sync::Arc::default(),
            };
            let step_id = format!("{plan}-{number}");
            let doing = Doing {
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
