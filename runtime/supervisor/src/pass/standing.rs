//! Whether an instance may do something now, by its shares.

use ansai_core::{ErrorKind, Event, Incident, Millis, ShareLimit};

use super::{Passes, PlanWhat};
use crate::authority::EffectiveGrants;
use crate::clock;
use crate::incidents::update;
use crate::instance::Instance;
use crate::shares::{Look, Standing};

/// An instance has used a share, and does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("suspended for {wait}: it has used its share of {share}")]
pub(super) struct Suspended {
    share: ShareLimit,
    wait: Millis,
}

impl Suspended {
    /// The word for scripts.
    pub(super) fn kind(self) -> ErrorKind {
        self.share.share.kind()
    }
}

/// What comes of a pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Go {
    Now,
    /// A later one does it.
    Later,
    Never(Suspended),
}

impl Passes {
    /// Whether a pass begins. A person, or cron, who asked for one has it also where the schedule is stretched.
    pub(super) fn may_pass(&self, instance: &Instance, what: PlanWhat) -> Go {
        match (self.suspended(instance), self.evaluator.meters.look(&instance.name)) {
            (Err(suspended), _) => Go::Never(suspended),
            (Ok(()), Some(Look { standing: Standing::Slow, is_due: false, .. })) if what == PlanWhat::News => Go::Later,
            (Ok(()), _) => Go::Now,
        }
    }

    /// Fails while an instance is suspended. Records what has changed.
    pub(super) fn suspended(&self, instance: &Instance) -> Result<(), Suspended> {
        let Some(look) = self.evaluator.meters.look(&instance.name) else { return Ok(()) };
        let Look { standing, most, wait, .. } = look;
        if look.is_news {
            let (now, name, ShareLimit { share, limit }) = (clock::now(), instance.name.clone(), most);
            let event = match (look.told, standing) {
                (_, Standing::Suspended) => Event::Suspended { instance: name, share, limit, until: now + wait },
                (Standing::Suspended, Standing::Slow) => Event::Resumed { instance: name, slowed: true },
                (_, Standing::Slow) => Event::Slowed { instance: name, share, limit },
                (_, Standing::Free) => Event::Resumed { instance: name, slowed: false },
            };
            self.journal.note(now, event);
        }
        if standing == Standing::Suspended { Err(Suspended { share: most, wait }) } else { Ok(()) }
    }

    /// Tells that an instance does nothing. What it would observe is unknown meanwhile.
    pub(super) fn is_suspended(&self, instance: &Instance, grants: &EffectiveGrants, why: Suspended) {
        let (now, error) = (clock::now(), why.to_string());
        // First these, then the incidents: see `HealingIncidents::ids`.
        let healing = self.incidents.healing.ids();
        let is_known = |incident: &Incident| incident.unknown.is_none();
        match self.incidents.open(&instance.name) {
            Ok(open) if open.iter().any(is_known) => {
                self.store(&update(&instance.name, &open, &healing, Vec::new(), most_open(instance), &error, now), now);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(instance = %instance.name, "its incidents cannot be read: {error}"),
        }
        self.failed(instance, grants.mode, error, Some(why.kind()));
    }
}

/// Maximum number of open incidents.
pub(super) fn most_open(instance: &Instance) -> u32 {
    instance.shares.open_incidents.unwrap_or(instance.limits.observations)
}
