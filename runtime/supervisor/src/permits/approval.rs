//! Approval by a person.

use ansai_core::Millis;
use ansai_core::incident::Permission;

use super::{Permit, PermitRequest, PermitSource};

/// Holds a plan that a person has to approve and has not.
pub(crate) struct PersonApproval {
    /// Whether the mode or the grants want that.
    pub(crate) is_needed: bool,
    /// Whether a person has approved this very plan.
    pub(crate) is_given: bool,
    /// How long the plan waits for it.
    pub(crate) expires: Millis,
}

impl PermitSource for PersonApproval {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        match self.is_needed && !self.is_given {
            true => {
                let (plan, until) = (request.plan.to_owned(), request.now + self.expires);
                Permit::Hold(Permission::AwaitsApproval { plan, until })
            }
            false => Permit::Go,
        }
    }
}
