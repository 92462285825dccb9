//! Instances whose evaluations fail: when they are evaluated again, or that they are not.

use ansai_core::quarantine::Quarantine;
use ansai_core::{ErrorKind, Incident, Timestamp};
use ansai_kit::evaluation_state::Trigger;
use ansai_kit::watch::PING;

use super::standing::rules_of;
use super::{Passes, PlanWhat};
use crate::authority::EffectiveGrants;
use crate::clock;
use crate::faults::{Standing, is_fault};
use crate::incidents::update;
use crate::instance::Instance;

impl Passes {
    /// Whether an instance is not evaluated now, because it kept failing. It comes back by itself, or by a person.
    pub(super) fn is_held_back(
        &self,
        instance: &Instance,
        grants: &EffectiveGrants,
        what: PlanWhat,
        why: &Trigger,
    ) -> bool {
        match self.faults.standing(&instance.name) {
            Standing::Free => false,
            // A person, or cron, who asked for a pass has it.
            Standing::BackedOff(_) if what == PlanWhat::Everything || is_asked_for(why) => false,
            Standing::BackedOff(wait) => {
                self.lanes.of(&instance.name).ask(Some(wait));
                true
            }
            Standing::Quarantined(quarantine) => {
                self.is_quarantined(instance, grants, &quarantine);
                true
            }
        }
    }

    /// An evaluation of `detect` had no answer.
    pub(super) fn note_fault(&self, instance: &Instance, kind: ErrorKind, error: &str, at: Timestamp) {
        if is_fault(kind) {
            let component = instance.policy.info().digest.as_str();
            self.faults.failed((&instance.name, component), instance.every, kind, error, at);
        } else if kind == ErrorKind::Failure {
            self.faults.answered(&instance.name, at);
        }
    }

    /// Tells that an instance is not evaluated. What it would observe is unknown meanwhile.
    fn is_quarantined(&self, instance: &Instance, grants: &EffectiveGrants, quarantine: &Quarantine) {
        let Quarantine { faults, kind, .. } = quarantine;
        let error = format!("quarantined: {faults} faults in a row, the last one was `{kind}`");
        let now = clock::now();
        // First these, then the incidents: see `HealingIncidents::ids`.
        let healing = self.incidents.healing.ids();
        let is_known = |incident: &Incident| incident.unknown.is_none();
        match self.incidents.open(&instance.name) {
            Ok(open) if open.iter().any(is_known) => {
                let rules = rules_of(instance);
                self.store(&update(&instance.name, &open, &healing, Vec::new(), rules, &error, now), now);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(instance = %instance.name, "its incidents cannot be read: {error}"),
        }
        self.failed(instance, grants.mode, error, Some(ErrorKind::Quarantined));
    }
}

fn is_asked_for(why: &Trigger) -> bool {
    match why {
        Trigger::Event(occurrences) => occurrences.iter().any(|one| one.what == PING),
        Trigger::ByHand => true,
        _ => false,
    }
}
