//! Attempts: how often, and at what interval, an incident is treated.

use ansai_core::incident::Permission;

use super::{Permit, PermitRequest, PermitSource};

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
