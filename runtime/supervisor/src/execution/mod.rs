//! All code that changes the machine: steps of plans, quarantine expiry, undo and recovery.

mod after_undo;
mod background;
mod charges;
mod conclude;
mod evidence;
mod executor;
mod expiry;
mod failed_plan;
mod guarded_steps;
mod guards;
mod late;
mod left_to_guard;
mod masking;
mod outcome;
mod pending;
mod plans;
mod progress;
mod recover;
mod recover_guarded;
mod step;
mod unaltered;
pub mod undo;
mod undo_records;
mod unwritten;
mod vouched;
mod watch;

pub(crate) use self::background::Background;
pub(crate) use self::executor::{Approved, ApprovedBy, Executor};
pub(crate) use self::expiry::QuarantineExpiry;
pub(crate) use self::guarded_steps::GuardedSteps;
pub(crate) use self::pending::Pending;
pub use self::pending::PendingStep;
pub(crate) use self::plans::{PlanFile, Plans};
pub use self::plans::{PlanFileError, StoredPlan, approved_steps, stored_plan};
pub(crate) use self::recover::{Attached, Which};
