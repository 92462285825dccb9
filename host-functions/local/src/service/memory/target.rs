//! The service of a step.

use ansai_core::{Outcome, Preview, Refusal};
use ansai_kit::action::{Applied, Fate, Item, StepContext};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::limits::Limits;
use crate::bus;
use crate::process::Counted;
use crate::service::fields::UNITS;
use crate::service::name::subject;
use crate::service::probe::{find, limit};
use crate::service::state::Unit;
use crate::service::systemd::Systemd;
use crate::service::wire::ActiveState;

/// The service of a step, as it was previewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Target {
    pub(super) id: String,
    /// Its earlier limit.
    pub(super) high: Option<u64>,
    /// Whether that was set until the next boot, so that systemd keeps a file of it.
    pub(super) had_drop_in: bool,
}

/// A service that runs, and what the kernel counts for it.
pub(super) struct Now {
    pub(super) systemd: Systemd,
    pub(super) limits: Limits,
    pub(super) counted: Counted,
}

impl Now {
    fn of(
        systemd: Systemd,
        host: &ansai_kit::host::Host,
        within: std::time::Duration,
        unit: &Unit,
    ) -> Result<Now, Refusal> {
        let id = unit.id();
        if !matches!(unit.shown.active, ActiveState::Active | ActiveState::Reloading) {
            return Err(Refusal::Busy(format!("{id} does not run")));
        }
        let limits = Limits::of(&systemd, within, id)?;
        let counted = Counted::of(host, id, &limits.group)?;
        Ok(Now { systemd, limits, counted })
    }

    /// By its name or an alias, as the scope permits.
    pub(super) fn find(ask: &ProbeContext<'_>, name: &str) -> Result<(Now, Preview, String), Refusal> {
        let unit = find(ask, name)?;
        let now = Now::of(Systemd::of(ask.host)?, ask.host, limit(ask.deadline), &unit)?;
        let mut preview = Preview::nothing(subject(unit.id()));
        preview.items = 1;
        // Nobody knows how much slower it gets.
        preview.interrupts = None;
        Ok((now, preview, unit.id().to_owned()))
    }
}

impl Target {
    /// The service as it is now.
    ///
    /// # Errors
    /// `changed` if the name leads to another one.
    pub(super) fn now(&self, doing: &StepContext<'_>, name: &str) -> Result<Now, Refusal> {
        let systemd = Systemd::of(doing.host)?;
        let unit = systemd.service(bus::LIMIT, name)?;
        match unit.id() == self.id {
            true => Now::of(systemd, doing.host, bus::LIMIT, &unit),
            false => Err(Refusal::Changed(format!("{name} is {} now, not {}", unit.id(), self.id))),
        }
    }

    pub(super) fn canonical(&self) -> Vec<Canonical> {
        vec![Canonical::new(&UNITS, self.id.as_str())]
    }

    /// The outcome of a step for its one service.
    pub(super) fn applied(&self, outcome: Outcome, fate: Fate, detail: String) -> Applied {
        let item = Item { target: self.id.clone(), fate, freed_bytes: 0, undo: serde_json::Value::Null };
        Applied { outcome, items: vec![item], ..Applied::unknown(detail) }
    }
}
