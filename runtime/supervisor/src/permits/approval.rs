//! Approval by a person, and announcements that a person may answer.

use ansai_core::incident::Permission;
use ansai_core::{Millis, Severity};

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

/// Holds a plan that has to be announced and was not.
pub(crate) struct Announcement {
    /// How long it waits afterwards; zero if it need not be announced.
    pub(crate) time: Millis,
    /// Whether this very plan was announced, and its time is over; or a person has approved it.
    pub(crate) is_over: bool,
}

impl PermitSource for Announcement {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        // An emergency does not wait, and what has begun goes on.
        let waits = self.time > Millis::ZERO
            && request.is_first
            && !self.is_over
            && request.incident.finding.severity() != Some(Severity::Emergency);
        match waits {
            true => {
                let (plan, until) = (request.plan.to_owned(), request.now + self.time);
                Permit::Hold(Permission::Announced { plan, until })
            }
            false => Permit::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{RetryPolicy, Status, Timestamp};

    use super::super::sample::incident;
    use super::*;

    #[test]
    fn only_a_first_plan_waits_after_its_announcement_and_no_emergency() {
        let retry = RetryPolicy::default();
        let (minute, now) = (Millis::new(60_000), Timestamp::from_millis(5));
        let mut incident = incident();
        let ask = |incident: &ansai_core::Incident, time, is_over, is_first| {
            let request = PermitRequest { plan: "p", incident, retry: &retry, now, is_first };
            Announcement { time, is_over }.ask(&request)
        };
        let held = Permit::Hold(Permission::Announced { plan: "p".into(), until: now + minute });
        assert_eq!(ask(&incident, minute, false, true), held);
        assert_eq!(ask(&incident, minute, true, true), Permit::Go);
        assert_eq!(ask(&incident, minute, false, false), Permit::Go, "a later part of an attempt");
        assert_eq!(ask(&incident, Millis::ZERO, false, true), Permit::Go);
        incident.finding.status = Status::Unhealthy(Severity::Emergency);
        assert_eq!(ask(&incident, minute, false, true), Permit::Go);
    }
}
