//! The loop: schedules, incidents, decisions, the executor, verification.
//!
//! It decides and it acts; it does not look at the machine itself (that is `ansai-host-functions`) and it runs no
//! guest code itself (that is `ansai-engine`). Everything that happens is in the audit log, and nothing changes
//! without a durable intent there.
//!
//! ```
//! use ansai_supervisor::authority::{Authority, Fixed};
//! // An authority that grants nothing: every step is refused.
//! assert!(Fixed::new([]).effective_grants("disk-space").is_err());
//! ```

mod attempts;
pub mod authority;
pub mod clock;
mod database;
mod decide;
mod evaluate;
pub mod executor;
pub mod export;
pub mod heads;
mod heal;
mod incident_quota;
pub mod instance;
pub mod journal;
mod leases;
mod memory;
pub mod plans;
mod quarantine_expiry;
mod recover;
pub mod report;
mod sampling;
mod schedule;
pub mod state;
pub mod supervisor;
pub mod undo;

pub use instance::Instance;
pub use report::{FindingReport, InstanceReport, Notice, PlanReport, StepReport};
pub use supervisor::{OpenError, Options, Supervisor};
