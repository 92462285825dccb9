//! What is kept of an incident that is over.

use ansai_core::approval::ApprovalState;
use ansai_core::control::{ClosedIncident, IncidentEnd};
use ansai_core::incident::Change;
use ansai_core::text::prose;
use ansai_core::{Incident, Status, Timestamp};

use super::Incidents;

/// Characters of a sentence of a policy.
const MOST_TEXT: usize = 300;

impl Incidents {
    /// The facts about an incident that ends now by this change.
    pub(super) fn ended(&self, incident: &Incident, change: Change, now: Timestamp) -> ClosedIncident {
        ClosedIncident {
            incident: incident.id.clone(),
            instance: incident.instance.clone(),
            key: incident.finding.key.clone(),
            about: incident.finding.about.clone(),
            worst: incident.worst,
            summary: prose(&incident.finding.summary, MOST_TEXT),
            healthy_before: incident.healthy_before,
            opened: incident.opened,
            closed: now,
            attempts: incident.begun,
            end: self.end(incident, change),
        }
    }

    fn end(&self, incident: &Incident, change: Change) -> IncidentEnd {
        // The last attempt counts: what it found healthy may be sick again, and recover later.
        let is_verified = incident.attempts.last().is_some_and(|last| last.verified == Status::Healthy);
        match change {
            Change::Gone => IncidentEnd::Gone,
            Change::Displaced => IncidentEnd::Displaced,
            _ if !is_verified => IncidentEnd::Recovered,
            _ => match self.state.approval_of(&incident.id) {
                Ok(Some(approval)) if approval.state == ApprovalState::Begun && !approval.is_by_host() => {
                    IncidentEnd::HealedWithApproval
                }
                Ok(_) => IncidentEnd::Healed,
                // A report must not claim that nobody was needed.
                Err(error) => {
                    tracing::warn!(incident = %incident.id, "whether a person approved its plan is unknown: {error}");
                    IncidentEnd::HealedWithApproval
                }
            },
        }
    }
}
