//! The service of a step.

use std::time::Duration;

use ansai_core::{Outcome, Preview, Refusal, Reversibility, Touch};
use ansai_kit::action::{Amount, Applied, StepContext};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use crate::bus;
use crate::service::dependants::Dependants;
use crate::service::fields::{MAX_RESTARTS, UNITS};
use crate::service::name::subject;
use crate::service::probe::{find, limit};
use crate::service::state::Unit;
use crate::service::systemd::Systemd;
use crate::service::wire::ActiveState;

/// Dependants that a preview names.
const SAMPLE: usize = 9;

/// The service of a step, as it was previewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Target {
    pub(super) id: String,
    /// Its run; empty if it had none.
    pub(super) invocation: String,
    /// Whether this run had failed.
    #[serde(default)]
    pub(super) had_failed: bool,
    /// What is restarted with it.
    #[serde(default)]
    pub(super) dependants: Vec<String>,
}

impl Target {
    pub(super) fn of(unit: &Unit) -> Target {
        Target {
            id: unit.id().to_owned(),
            invocation: unit.shown.invocation.clone(),
            had_failed: unit.shown.active == ActiveState::Failed,
            dependants: Vec::new(),
        }
    }

    /// The service as the grant of now and the scope permit it, with a preview that changes one thing.
    pub(super) fn preview(ask: &ProbeContext<'_>, name: &str) -> Result<(Unit, Preview, Target), Refusal> {
        let unit = find(ask, name)?;
        let (mut preview, target) = (Preview::nothing(subject(unit.id())), Target::of(&unit));
        preview.items = 1;
        preview.reversible = Reversibility::None;
        preview.takes = unit.takes;
        preview.sample.push(target.id.clone());
        Ok((unit, preview, target))
    }

    /// Adds what is restarted with it. A restart that could stop more than the preview shows is refused.
    pub(super) fn with_dependants(mut self, ask: &ProbeContext<'_>, preview: &mut Preview) -> Result<Target, Refusal> {
        let found = Dependants::of(&Systemd::of(ask.host)?, limit(ask.deadline), &self.id)?;
        if !found.complete || found.skipped > 0 {
            return Err(Refusal::Unavailable(format!("not all units that depend on {} can be read", self.id)));
        }
        self.dependants = found.running().map(|one| one.id.clone()).collect();
        preview.sample.extend(self.dependants.iter().take(SAMPLE).map(|id| format!("{id}, which depends on it")));
        Ok(self)
    }

    /// What is restarted with it is shared: other steps may use it, not restart it.
    pub(super) fn touches(&self) -> Vec<Touch> {
        let dependants = self.dependants.iter().map(|id| Touch::shared(subject(id)));
        [Touch::exclusive(subject(&self.id))].into_iter().chain(dependants).collect()
    }

    pub(super) fn canonical(&self) -> Vec<Canonical> {
        vec![Canonical::new(&UNITS, self.id.as_str())]
    }

    /// The service as it is now.
    ///
    /// # Errors
    /// `changed` if the name leads to another one, or if it was started meanwhile.
    pub(super) fn again(&self, doing: &StepContext<'_>, name: &str) -> Result<(Systemd, Unit), Refusal> {
        let (systemd, unit) = self.now(doing, name)?;
        // systemd forgets the runs of a service that nothing needs when its failure is reset.
        let is_forgotten = unit.shown.active == ActiveState::Inactive && unit.shown.invocation.is_empty();
        match is_forgotten || unit.shown.invocation == self.invocation {
            true => Ok((systemd, unit)),
            false => Err(Refusal::Changed(format!("{} was started again meanwhile", self.id))),
        }
    }

    /// The same, whether it was started meanwhile or not.
    pub(super) fn now(&self, doing: &StepContext<'_>, name: &str) -> Result<(Systemd, Unit), Refusal> {
        let systemd = Systemd::of(doing.host)?;
        let unit = systemd.service(bus::LIMIT, name)?;
        match unit.id() == self.id {
            true => Ok((systemd, unit)),
            false => Err(Refusal::Changed(format!("{name} is {} now, not {}", unit.id(), self.id))),
        }
    }

    /// The outcome of a step that treats one service.
    pub(super) fn applied(&self, outcome: Outcome, detail: impl Into<String>) -> Applied {
        Applied::of_one(&self.id, outcome, detail)
    }
}

/// Refuses a start that would stop another unit: the grant, the preview and the leases do not know of it.
pub(super) fn check_conflicts(systemd: &Systemd, limit: Duration, unit: &Unit) -> Result<(), Refusal> {
    let id = unit.id();
    match systemd.first_running(limit, unit.conflicts.clone())? {
        Some(other) => Err(Refusal::Denied(format!("to start {id} would stop {other}, which conflicts with it"))),
        None => Ok(()),
    }
}

/// What one start uses of the grant. A failed one counts.
pub(super) fn one_restart() -> Vec<Amount> {
    vec![Amount::of(&MAX_RESTARTS, 1)]
}

/// Refuses a step beyond the bound of one plan.
pub(super) fn check_amount(ask: &ProbeContext<'_>) -> Result<(), Refusal> {
    ask.require_count(&MAX_RESTARTS)
}

pub(super) fn not_undoable(what: &str) -> Result<Applied, Refusal> {
    Err(Refusal::Unsupported(format!("{what} cannot be undone")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::HashMap;

    use super::*;
    use crate::bus::fake::{FakeBus, reply};
    use crate::service::state::sample::failed;

    #[test]
    fn a_start_that_would_stop_another_unit_is_refused() {
        for (state, is_refused) in [("active", true), ("activating", true), ("inactive", false), ("failed", false)] {
            let bus = FakeBus::start(move |method| match method {
                "LoadUnit" => reply((zbus::ObjectPath::try_from("/a").unwrap(),)),
                _ => reply((HashMap::from([("ActiveState", zbus::Variant::from(state))]),)),
            });
            let systemd = Systemd::of(&bus.host()).unwrap();
            let unit = Unit { conflicts: vec!["ntp.service".into()], ..failed() };
            let refused = check_conflicts(&systemd, bus::LIMIT, &unit);
            assert_eq!(matches!(refused, Err(Refusal::Denied(_))), is_refused, "{state}: {refused:?}");
            assert!(is_refused || refused.is_ok(), "{state}: {refused:?}");
        }
    }
}
