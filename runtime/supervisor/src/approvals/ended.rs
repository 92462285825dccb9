//! The end of an approval: used up, or no longer of use.

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::event::ApprovalEnd;
use ansai_core::{Event, Timestamp};

use crate::clock;
use crate::execution::Executor;
use crate::recording::Journal;
use crate::state::{State, StateError};

impl Executor {
    /// A plan no longer waits, or its approval no longer counts; recorded once.
    pub(crate) fn end_approval(&self, known: &Approval, why: ApprovalEnd) {
        end(&self.state, &self.journal, known, why, clock::now());
    }

    /// Uses an approval up, durably, before its plan begins. False if somebody took it back or used it meanwhile.
    pub(crate) fn use_approval(&self, known: &Approval) -> Result<bool, StateError> {
        self.state.change_approval(ApprovalState::Approved, &Approval { state: ApprovalState::Begun, ..known.clone() })
    }
}

/// Ends what waits for an incident, which has closed.
pub(crate) fn end_of_incident(state: &State, journal: &Journal, incident: &str, now: Timestamp) {
    match state.approval_of(incident) {
        Ok(Some(known)) if matches!(known.state, ApprovalState::Open | ApprovalState::Approved) => {
            end(state, journal, &known, ApprovalEnd::IncidentClosed, now);
        }
        Ok(_) => {}
        Err(error) => tracing::error!(incident, "a plan may wait for approval although its incident closed: {error}"),
    }
}

fn end(state: &State, journal: &Journal, known: &Approval, why: ApprovalEnd, now: Timestamp) {
    let after = Approval { state: ApprovalState::Ended, ended: Some(why.clone()), ..known.clone() };
    match state.change_approval(known.state, &after) {
        Ok(true) => {
            let Approval { plan, incident, instance, .. } = after;
            journal.note(now, Event::ApprovalEnded { plan, incident, instance, why });
        }
        // Somebody decided meanwhile; the next pass looks again.
        Ok(false) => {}
        Err(error) => tracing::error!(plan = known.plan, "the end of its approval is not stored: {error}"),
    }
}
