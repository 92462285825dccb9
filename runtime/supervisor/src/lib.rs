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
//! | `undoing` | undo by a person, and what it would do |
//! | `execution` | the only code that changes the machine: steps, expiry, undo, recovery |
//! | `recording` | the audit log and the stream of events, recordings, heads |
//! | `repeats` | what was told already, and is only counted |
//! | `shares` | what an instance may use over time |
//! | `faults` | instances whose evaluations fail: backed off, then quarantined |
//! | `gate` | how many evaluations run at the same time |
//! | `orders` | pauses and silences |
//! | `storm` | stops healing when too much breaks at once |
//! | `fights` | two policies that undo what the other does |
//! | `clock_watch` | whether the time of day can be believed |
//! | `evaluate` | what evaluates a policy: its guest, or a simulation |
//! | `simulation`, `virtual_time` | a host whose faults are made up, in days that pass within seconds |
//! | `state` | data that must survive a restart |
//! | `track_record` | what actions achieved, and what people said about incidents |
//! | `status` | the state of a host on one page |
//! | `pulse` | whether the loop lives, for a watchdog |
//! | `queries` | lists of incidents, history and reports |
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
mod faults;
mod fights;
mod gate;
mod guarded;
mod ids;
mod in_use;
mod incidents;
pub mod instance;
mod opening;
mod ordering;
mod orders;
mod pass;
mod permits;
mod pulse;
pub mod queries;
mod recording;
mod repeats;
pub mod report;
mod retrying;
mod safety;
mod schedule;
mod shares;
pub mod simulation;
mod state;
mod status;
mod steady;
mod stop;
mod storm;
mod supervisor;
mod tasks;
mod track_record;
mod undoing;
pub mod virtual_time;
mod watching;

pub use evaluate::{Evaluate, Evaluating, Guests};
pub use execution::{PendingStep, PlanFileError, StoredPlan, approved_steps, stored_plan, undo};
pub use in_use::is_in_use;
pub use instance::Instance;
pub use opening::{OpenError, Options};
pub use orders::OrderError;
pub use permits::{Opening, opening};
pub use recording::{Durable, Follower, Journal, JournalError, RecordedDrop, export, heads};
pub use report::{FindingReport, InstanceReport, PlanReport, StepReport};
pub use safety::SafetyPolicy;
pub use schedule::CronDue;
pub use state::StateError;
pub use status::status_of;
pub use supervisor::Supervisor;
pub use track_record::{FeedbackError, action_records_of, feedback_counts_of};
pub use undoing::undo_preview_of;
pub use watching::{WAKE_DIRECTORY, WAKE_UNKNOWN};
