//! All code that changes the machine: steps of plans, quarantine expiry, undo and recovery.

mod after_undo;
mod background;
mod charges;
mod executor;
mod expiry;
mod failed_plan;
mod outcome;
mod plans;
mod progress;
mod recover;
mod step;
pub mod undo;
mod undo_records;
mod watch;

pub(crate) use self::background::Background;
pub(crate) use self::executor::{Approved, Executor};
pub(crate) use self::expiry::QuarantineExpiry;
pub use self::plans::PlanFileError;
pub(crate) use self::plans::{PlanFile, Plans};
pub(crate) use self::recover::Attached;
