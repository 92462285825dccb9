//! Attempts: how often, and at what interval, an incident is treated. The clocks that tell the interval.

use ansai_core::incident::Permission;

use super::{Permit, PermitRequest, PermitSource};
use crate::clock_watch::ClockWatch;

/// Holds a plan that would begin an attempt too soon, or one too many.
pub(crate) struct Attempts;

impl PermitSource for Attempts {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        if !request.is_first {
            return Permit::Go;
        }
        match request.incident.may_begin(request.retry, request.now) {
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
