//! What a supervisor needs of the host that it looks after. The probes and actions stand behind it, so that a change in
//! one of them does not compile the supervisor again. `ansai-host-functions` implements it for the live host.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::host_clock::ClockReading;
use ansai_core::scope::{Roots, TypedField};
use ansai_core::{InstanceName, Measure, Never};

use crate::action::{Action, Proposed};
use crate::authorize::Scopes;
use crate::backend::Backend;
use crate::evaluation_state::EvaluationState;
use crate::guard::{Guards, NoGuards};
use crate::host::Host;
use crate::host_clock;
use crate::registry::{Function, InterfaceDef};
use crate::target::Reach;

/// A host that policies are evaluated on and that the executor changes.
pub trait HostAccess: Send + Sync {
    /// The host.
    fn host(&self) -> &Host;

    /// Facts about the host that do not change while it runs.
    fn facts(&self) -> Vec<Measure>;

    /// An action by its name in plans: one that policies can propose, or one of the host itself.
    fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)>;

    /// The host's own action that ends quarantine. Its one function, `expire-held`, removes what has expired below the
    /// directory `root`, for a `reason`.
    fn quarantine_expiry(&self) -> &'static InterfaceDef;

    /// The field of its scope with the directories that can have files in quarantine.
    fn quarantine_roots(&self) -> &'static TypedField<Roots>;

    /// Both clocks of the machine, now.
    fn clock(&self) -> ClockReading {
        host_clock::read()
    }

    /// Arms what puts steps back without ansai. By default nothing can.
    fn guards(&self) -> &dyn Guards {
        &NoGuards
    }

    /// How long one call may take.
    fn call_deadline(&self) -> Duration;

    /// What answers the calls of one evaluation.
    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend>;
}

/// An evaluation that is about to begin.
pub struct EvaluationStart {
    /// Whose grants it has.
    pub instance: InstanceName,
    /// In force.
    pub scopes: Scopes,
    /// The targets that it may use.
    pub reach: Reach,
    /// What no step may touch.
    pub never: Arc<Never>,
    /// Context, log, store and series.
    pub state: EvaluationState,
    /// When the evaluation is ended. Scans answer in part before that.
    pub deadline: Duration,
}

/// Answers the calls of one evaluation on a host.
pub trait HostBackend: Backend {
    /// What was proposed, in order, and the rest of the evaluation's state.
    fn finish(self: Box<Self>) -> (Vec<Arc<Proposed>>, EvaluationState);
}
