//! All code that changes the machine: steps of plans, quarantine expiry, undo and recovery.

mod after_undo;
mod background;
mod charges;
mod conclude;
mod executor;
mod expiry;
mod failed_plan;
mod guards;
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
mod watch;

pub(crate) use self::background::Background;
pub(crate) use self::executor::{Approved, Executor};
pub(crate) use self::expiry::QuarantineExpiry;
pub(crate) use self::guards::GuardedSteps;
pub(crate) use self::pending::Pending;
pub(crate) use self::plans::{PlanFile, Plans};
pub use self::plans::{PlanFileError, approved_steps};
pub(crate) use self::recover::{Attached, Which};
