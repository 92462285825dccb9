//! The loop: schedules, incidents, decisions, execution, verification.
//!
//! The supervisor decides and acts. It does not read the machine itself (callers pass a
//! [`HostAccess`](ansai_kit::host_access::HostAccess)) and does not run guest code itself (`ansai-engine` does). It is
//! divided into modules, each with few dependencies:
//!
//! | module | content |
//! |---|---|
//! | `schedule` | the times at which each instance is evaluated |
//! | `watching` | what wakes instances in between: watches, and people |
//! | `pass` | one pass over one instance, and tasks that heal: detect, plan, verify |
//! | `incidents` | findings over time |
//! | `permits` | whether a plan may be applied now |
//! | `approvals` | plans that wait for a person |
//! | `execution` | the only code that changes the machine: steps, expiry, undo, recovery |
//! | `recording` | the audit log and the stream of events, recordings, heads |
//! | `repeats` | what was told already, and is only counted |
//! | `shares` | what an instance may use over time |
//! | `orders` | pauses and silences |
//! | `clock_watch` | whether the time of day can be believed |
//! | `evaluate` | what evaluates a policy: its guest, or a simulation |
//! | `simulation`, `virtual_time` | a host whose faults are made up, in days that pass within seconds |
//! | `state` | data that must survive a restart |
//! | `status` | the state of a host on one page |
//! | `report` | the result of a pass, built from events |
//!
//! Everything that happens is an event of one stream; [`ansai_events`] describes how to subscribe. Nothing changes
//! without a [`Durable`] intent in the audit log.
//!
//! ```
//! use ansai_core::InstanceName;
//! use ansai_supervisor::authority::{Authority, Fixed};
//! // An authority that grants nothing: every step is refused.
//! assert!(Fixed::new([]).effective_grants(&InstanceName::from_static("disk-space")).is_err());
//! ```

pub mod approvals;
pub mod authority;
pub mod clock;
mod clock_watch;
mod evaluate;
mod execution;
mod guarded;
mod ids;
mod incidents;
pub mod instance;
mod opening;
mod ordering;
mod orders;
mod pass;
mod permits;
mod recording;
mod repeats;
pub mod report;
mod schedule;
mod shares;
pub mod simulation;
mod state;
mod status;
mod stop;
mod supervisor;
mod tasks;
pub mod virtual_time;
mod watching;

pub use evaluate::{Evaluate, Evaluating, Guests};
pub use execution::{PendingStep, PlanFileError, StoredPlan, approved_steps, stored_plan, undo};
pub use instance::Instance;
pub use opening::{OpenError, Options};
pub use orders::OrderError;
pub use recording::{Durable, Journal, JournalError, RecordedDrop, export, heads};
pub use report::{FindingReport, InstanceReport, PlanReport, StepReport};
pub use state::StateError;
pub use status::status_of;
pub use supervisor::Supervisor;
pub use watching::{WAKE_DIRECTORY, WAKE_UNKNOWN};
