//! Leaves incidents to a person: told once, with what was tried.

use ansai_core::incident::Tried;
use ansai_core::{Event, Incident, Timestamp};

use super::Incidents;

impl Incidents {
    /// Records that an incident is left to a person, if that is not recorded yet. Before the incident is stored: a crash in
    /// between tells it twice, not never.
    pub(super) fn tell_escalation(&self, incident: &Incident, now: Timestamp) {
        let Some(escalation) = incident.course.escalated.as_ref().filter(|_| incident.course.is_untold) else { return };
        let event = Event::Escalated {
            incident: incident.id.clone(),
            instance: incident.instance.clone(),
            key: incident.finding.key.clone(),
            severity: incident.finding.severity(),
            summary: incident.finding.summary.clone(),
            reason: escalation.reason.clone(),
            attempts: incident.begun,
            evidence: incident.finding.evidence.clone(),
            tried: Tried::of(&incident.attempts),
        };
        self.journal.note(now, event);
    }
}
