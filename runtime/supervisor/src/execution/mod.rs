//! The room where the machine is changed. Nothing outside changes it, and everything that changes it comes through
//! here: steps of plans, quarantine expiry, undo and recovery.

mod executor;
mod expiry;
mod outcome;
mod plans;
mod recover;
mod step;
pub mod undo;
mod watch;

pub(crate) use self::executor::{Approved, Executor};
pub(crate) use self::expiry::QuarantineExpiry;
pub use self::plans::PlanFileError;
pub(crate) use self::plans::{PlanFile, Plans};
