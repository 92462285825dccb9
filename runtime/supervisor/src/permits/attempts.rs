//! Attempts: how often, and at what interval, an incident is treated. The clocks that tell the interval.

use ansai_core::Incident;
use ansai_core::approval::Approval;
use ansai_core::incident::Permission;

use super::{Permit, PermitRequest, PermitSource};
use crate::clock_watch::ClockWatch;

/// Holds a plan that would begin an attempt too soon, or one too many.
pub(crate) struct Attempts {
    /// Whether a person approved this very plan after the incident came back too often. That needs no `ansai retry`.
    pub(crate) is_decided: bool,
}

impl Attempts {
    /// Of a plan with its approval, if it has one.
    pub(crate) fn of(incident: &Incident, approval: Option<&Approval>) -> Attempts {
        let decided = approval.filter(|approval| !approval.is_by_host()).and_then(|approval| approval.decided.as_ref());
        let escalated = incident.course.escalated.as_ref();
        let is_decided = decided.zip(escalated).is_some_and(|(decided, escalated)| decided.at >= escalated.at);
        Attempts { is_decided }
    }
}

impl PermitSource for Attempts {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        if !request.is_first {
            return Permit::Go;
        }
        let permission = match self.is_decided {
            true => request.incident.may_begin_as_decided(request.retry, request.now),
            false => request.incident.may_begin(request.retry, request.now),
        };
        match permission {
            Permission::Granted => Permit::Go,
            held => Permit::Hold(held),
        }
    }
}

/// Holds every plan while the time of day is in doubt.
impl PermitSource for ClockWatch {
    fn ask(&self, _: &PermitRequest<'_>) -> Permit {
        self.doubt().map_or(Permit::Go, |jump_ms| Permit::Hold(Permission::ClockInDoubt(jump_ms)))
    }
}
