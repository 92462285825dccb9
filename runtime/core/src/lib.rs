//! The plain types and rules of ansai: observations, plans, incidents, scopes, events.
//!
//! Everything here is data with `serde`, and pure functions on it. This crate has no I/O, clock, WebAssembly or async
//! runtime: a broker, a replay and a test see the same values as the daemon.
//!
//! ```
//! use ansai_core::quantity;
//! assert_eq!(quantity::bytes("20GiB").ok(), Some(20 << 30));
//! assert_eq!(quantity::milliseconds("30 days").ok(), Some(30 * 24 * 3_600_000));
//! ```

pub mod address;
pub mod approval;
mod budget;
mod bytes;
pub mod capability;
pub mod codes;
pub mod control;
pub mod error_kind;
pub mod event;
pub mod exit;
pub mod fight;
pub mod hold;
pub mod hook;
pub mod host_clock;
pub mod incident;
mod instance_name;
mod interface_name;
pub mod limits;
pub mod maintenance;
mod millis;
mod name_pattern;
mod name_text;
pub mod never;
pub mod notify;
pub mod observation;
pub mod order;
mod overlay;
pub mod plan;
mod policy_pattern;
pub mod promotion;
pub mod quantity;
pub mod quarantine;
pub mod refusal;
pub mod scope;
mod share;
pub mod storm;
pub mod text;
mod timestamp;
mod touch;
pub mod watch;

pub use budget::{BudgetOf, OverBudget, TotalBound, TotalBudget};
pub use bytes::Bytes;
pub use capability::{Interface, InterfaceKind, Sensitivity};
pub use codes::Code;
pub use error_kind::ErrorKind;
pub use event::Event;
pub use host_clock::HostClock;
pub use incident::{Incident, RetryPolicy};
pub use instance_name::{InstanceName, InstanceNameError};
pub use interface_name::{InterfaceName, InterfaceNameError};
pub use limits::{Limits, Usage};
pub use millis::Millis;
pub use name_pattern::NamePattern;
pub use never::Never;
pub use observation::{Measure, Observation, Relation, Relationship, Severity, Status, Subject, Unit, Value};
pub use overlay::overlay;
pub use plan::{
    Attempt, Decision, Lasting, LeftOut, OnFailure, Outcome, Preview, Recommendation, Reversibility, StepRef,
    StepResult,
};
pub use policy_pattern::PolicyPattern;
pub use refusal::{Failure, Refusal};
pub use scope::{Field, Scope, ScopeError, ScopeInForce, ScopeTables, ScopeValue};
pub use share::{Share, ShareLimit, Shares};
pub use timestamp::Timestamp;
pub use touch::{Access, Touch};
pub use watch::Watch;

/// Whether the executor acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Evaluates and plans, but changes nothing.
    #[default]
    Observe,
    /// Applies a plan once a person has approved it.
    Approve,
    /// Applies plans by itself.
    Enforce,
}

impl Mode {
    /// Whether a plan may be applied in this mode, by itself or once a person has approved it.
    pub fn may_act(self) -> bool {
        self > Mode::Observe
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Observe => "observe",
            Mode::Approve => "approve",
            Mode::Enforce => "enforce",
        })
    }
}
