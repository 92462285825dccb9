//! Incidents that a person silenced: they are observed and stored as always, but neither told nor healed.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use ansai_core::incident::Change;
use ansai_core::{Event, Incident};

use super::{Incidents, Update};
use crate::clock;

/// Whether an incident may be told and healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is silenced.
    Silent,
    /// It was silenced until now: what was not told is news.
    Again,
    /// It was not silenced.
    AsBefore,
}

impl Incidents {
    /// Marks the findings of incidents that are silenced.
    pub(crate) fn mark_silenced(&self, update: &mut Update) {
        let Update { findings, incidents, .. } = update;
        let silenced = incidents.iter().map(|(incident, _)| incident).filter(|one| self.orders.silence_of(one).is_some());
        let silenced: BTreeSet<&String> = silenced.map(|incident| &incident.id).collect();
        for finding in findings {
            finding.silenced = finding.incident.as_ref().is_some_and(|id| silenced.contains(id));
        }
    }

    /// Whether an incident may be told and healed. One that was silenced until now is told.
    pub(crate) fn hear(&self, incident: &Incident, change: Change) -> Heard {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if change.is_closing() {
            silent.remove(&incident.id);
            return Heard::AsBefore;
        }
        if self.orders.silence_of(incident).is_some() {
            silent.insert(incident.id.clone());
            return Heard::Silent;
        }
        if !silent.remove(&incident.id) {
            return Heard::AsBefore;
        }
        drop(silent);
        // The audit log has it from when it happened.
        self.journal.publish(clock::now(), || Event::Incident {
            incident: incident.id.clone(),
            instance: incident.instance.clone(),
            key: incident.finding.key.clone(),
            change: Change::Changed,
            severity: incident.finding.severity(),
            summary: incident.unknown.clone().unwrap_or_else(|| incident.finding.summary.clone()),
            held_under: incident.hold.under.as_ref().map(|under| under.incident.clone()),
            silenced: false,
        });
        Heard::Again
    }
}
