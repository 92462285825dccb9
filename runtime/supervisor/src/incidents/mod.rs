//! The room of incidents: opened, changed and closed by what passes observe, durable in the state.

mod attempts;
mod ended;
mod escalation;
mod flaps;
mod healing;
mod hold;
mod quota;
mod silenced;
mod update;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ansai_core::incident::Change;
use ansai_core::{Attempt, Event, Incident, InstanceName, Timestamp};
use ansai_storage::Directory;

pub(crate) use self::healing::{Healing, HealingIncidents};
pub(crate) use self::silenced::Heard;
pub(crate) use self::update::{Rules, Update, update};
use crate::approvals::end_of_incident;
use crate::orders::StandingOrders;
use crate::recording::Journal;
use crate::repeats::{Repeats, Thing};
use crate::state::{State, StateError};

/// The incidents of all instances.
pub(crate) struct Incidents {
    pub(crate) journal: Arc<Journal>,
    pub(crate) state: Arc<State>,
    /// For attempts that a crash cut short.
    pub(crate) audit_dir: Directory,
    /// Those that a task heals now. Nobody else changes them meanwhile.
    pub(crate) healing: HealingIncidents,
    /// What was told about each of them.
    pub(crate) repeats: Arc<Repeats>,
    /// The instances of this run. An incident of another one, which was removed from the configuration, holds nothing.
    pub(crate) instances: BTreeSet<InstanceName>,
    /// Taken while incidents are put under others, so that two evaluations at the same time make no circle.
    pub(crate) holding: Mutex<()>,
    /// What people silenced.
    pub(crate) orders: Arc<StandingOrders>,
    /// The ids of open incidents that were silent in the last pass.
    pub(crate) silent: Mutex<BTreeSet<String>>,
}

impl Incidents {
    /// The open incidents of an instance, by key.
    pub(crate) fn open(&self, instance: &InstanceName) -> Result<Vec<Incident>, StateError> {
        self.state.incidents(instance)
    }

    /// Counts an attempt before it acts, so that a crash does not forget it: durable when this returns.
    pub(crate) fn begin(&self, incident: &mut Incident, now: Timestamp) -> Result<(), StateError> {
        incident.begin(now);
        self.state.put_incident(incident)
    }

    /// Adds an attempt to an incident, and to the history of its subject.
    pub(crate) fn attempted(&self, incident: &mut Incident, plan: &str, attempt: Attempt) {
        let (instance, about) = (&incident.instance, &incident.finding.about);
        if let Err(error) = self.state.put_attempt(instance, about, plan, &attempt) {
            tracing::error!(%instance, incident = %incident.id, "the attempt is missing in the history of {about}: {error}");
        }
        incident.attempts.push(attempt);
    }

    /// Records a change and writes the incident to the state, or removes a closed one.
    pub(crate) fn store(&self, incident: &Incident, change: Change, now: Timestamp) {
        let (instance, key) = (&incident.instance, &incident.finding.key);
        if change.is_closing() {
            self.repeats.forget(instance, Thing::Incident(&incident.id), now);
            self.repeats.forget(instance, Thing::Owed(&incident.id), now);
            self.repeats.forget(instance, Thing::Plan(key), now);
            end_of_incident(&self.state, &self.journal, &incident.id, now);
        }
        self.remember_healed(incident, change, now);
        // What has not held for its minimum time is no incident.
        if change != Change::Unchanged && !incident.course.is_pending() {
            let severity = if change.is_closing() { None } else { incident.finding.severity() };
            self.journal.note(
                now,
                Event::Incident {
                    incident: incident.id.clone(),
                    instance: instance.clone(),
                    key: key.clone(),
                    change,
                    severity,
                    summary: incident.unknown.clone().unwrap_or_else(|| incident.finding.summary.clone()),
                    held_under: incident.hold.under.as_ref().map(|under| under.incident.clone()),
                    silenced: self.orders.silence_of(incident).is_some(),
                },
            );
        }
        self.tell_escalation(incident, now);
        let written = match change {
            _ if incident.course.is_untold => self.state.put_incident(incident),
            // It was no incident yet: lists and reports have nothing of it.
            _ if change.is_closing() && incident.course.is_pending() => self.state.forget_incident(instance, key),
            Change::Closed | Change::Gone | Change::Displaced => {
                self.state.close_incident(&self.ended(incident, change, now))
            }
            // Only seen again: no step depends on it.
            Change::Unchanged => self.state.put_incident_soon(incident),
            Change::Opened | Change::Changed | Change::BecameUnknown => self.state.put_incident(incident),
        };
        if let Err(error) = written {
            tracing::error!(%instance, incident = %incident.id, "the incident is not stored, the next pass tries again: {error}");
        }
    }
}
