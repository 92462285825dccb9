//! What a person decides about a plan.

use ansai_core::approval::{Approval, ApprovalState, Decided};
use ansai_core::control::NewDecision;
use ansai_core::event::{ApprovalDecision, ApprovalEnd};
use ansai_core::order::Person;
use ansai_core::{Event, Timestamp};

use crate::clock;
use crate::execution::Executor;
use crate::recording::JournalError;
use crate::state::StateError;

/// Longer reasons are refused, in bytes.
const MOST_REASON: usize = 1_000;

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// No such plan waits or waited.
    #[error("no plan {0} waits for approval")]
    Unknown(String),
    /// It was decided, applied or ended before.
    #[error("plan {plan} does not wait for approval: {why}")]
    NotOpen {
        /// The plan.
        plan: String,
        /// What became of it.
        why: String,
    },
    /// Its file is not the one that was proposed.
    #[error("plan {0} is not as it was proposed: its file changed or cannot be read")]
    Altered(String),
    /// There is no reason, or it is too long.
    #[error("a rejection needs a reason, and a reason has at most {MOST_REASON} bytes")]
    Reason,
    /// The time of day is in doubt, so nobody knows when the approval would expire.
    #[error("the clock jumped, so it is unknown when an approval expires")]
    ClockInDoubt,
    /// The decision cannot be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Executor {
    /// Approves or rejects a plan that waits. An approval can be taken back until the plan begins.
    pub(crate) fn decide(&self, new: &NewDecision, by: &Person) -> Result<Approval, ApprovalError> {
        let NewDecision { plan, decision, reason } = new;
        let decision = *decision;
        let (length, needed) = (reason.as_ref().map_or(0, String::len), decision == ApprovalDecision::Rejected);
        // As one safe line: logs and terminals show it.
        let reason = reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| ansai_core::text::prose(reason, MOST_REASON));
        if length > MOST_REASON || (needed && reason.is_none()) {
            return Err(ApprovalError::Reason);
        }
        let now = clock::now();
        let unknown = || ApprovalError::Unknown(ansai_core::text::inert(plan, 100));
        let before = self.state.approval(plan)?.ok_or_else(unknown)?;
        if decision == ApprovalDecision::Approved && self.clocks.doubt().is_some() {
            return Err(ApprovalError::ClockInDoubt);
        }
        self.check_open(&before, decision, now)?;
        let (state, until) = match decision {
            ApprovalDecision::Approved => (ApprovalState::Approved, now + before.expires),
            ApprovalDecision::Rejected => (ApprovalState::Rejected, before.until),
        };
        let decided = Some(Decided { at: now, by: by.clone(), reason: reason.clone() });
        let after = Approval { state, until, decided, ..before.clone() };
        // The log is first: nobody acts by a row that the log does not vouch for.
        let event = Event::Approval {
            plan: after.plan.clone(),
            incident: after.incident.clone(),
            instance: after.instance.clone(),
            plan_sha256: after.plan_sha256.clone(),
            decision,
            by: by.clone(),
            reason: reason.clone(),
            until,
        };
        self.journal.durable(now, event)?;
        match self.state.change_approval(before.state, &after)? {
            true => Ok(after),
            false => Err(not_open(&after, "it was decided or began at the same time".to_owned())),
        }
    }

    /// Approves a plan whose time after its announcement is over. Recorded as of the user that ansai runs as.
    pub(crate) fn approve_announced(&self, known: &Approval) -> Result<Approval, ApprovalError> {
        let by = Person::host_as_announced(rustix::process::getuid().as_raw());
        let (plan, decision) = (known.plan.clone(), ApprovalDecision::Approved);
        self.decide(&NewDecision { plan, decision, reason: None }, &by)
    }

    /// Whether this can be decided now.
    fn check_open(&self, known: &Approval, decision: ApprovalDecision, now: Timestamp) -> Result<(), ApprovalError> {
        let may = match known.state {
            ApprovalState::Open => true,
            ApprovalState::Approved => decision == ApprovalDecision::Rejected,
            ApprovalState::Rejected | ApprovalState::Begun | ApprovalState::Ended => false,
        };
        if !may {
            return Err(not_open(known, became(known)));
        }
        // While the clock is in doubt, nobody knows what has expired.
        if known.is_overdue(now) && self.clocks.doubt().is_none() {
            self.end_approval(known, ApprovalEnd::Expired);
            return Err(not_open(known, ApprovalEnd::Expired.to_string()));
        }
        if !self.state.open_ids()?.contains(&known.incident) {
            self.end_approval(known, ApprovalEnd::IncidentClosed);
            return Err(not_open(known, ApprovalEnd::IncidentClosed.to_string()));
        }
        if decision == ApprovalDecision::Approved {
            self.shown(known).map_err(|_| ApprovalError::Altered(known.plan.clone()))?;
        }
        Ok(())
    }
}

fn not_open(known: &Approval, why: String) -> ApprovalError {
    ApprovalError::NotOpen { plan: known.plan.clone(), why }
}

/// What became of a plan, for a person.
fn became(known: &Approval) -> String {
    let by = known.decided.as_ref().map(|decided| format!(" by {}", decided.by)).unwrap_or_default();
    match (known.state, &known.ended) {
        (ApprovalState::Approved, _) => format!("already approved{by}"),
        (ApprovalState::Rejected, _) => format!("already rejected{by}"),
        (ApprovalState::Begun, _) => format!("approved{by}, and begun"),
        (_, Some(why)) => why.to_string(),
        (_, None) => known.state.word().to_owned(),
    }
}
