//! What a supervisor needs of the host that it looks after. The probes and actions stand behind it, so that a change in
//! one of them does not compile the supervisor again. `ansai-host-functions` implements it for the live host.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::control::Quarantined;
use ansai_core::host_clock::ClockReading;
use ansai_core::scope::{Roots, TypedField};
use ansai_core::{InstanceName, Measure, Never, Refusal, Timestamp, Watch};
use serde_json::value::RawValue;

use crate::action::{Action, Item, Proposed};
use crate::authorize::Scopes;
use crate::backend::Backend;
use crate::evaluation_state::EvaluationState;
use crate::guard::{Guards, NoGuards};
use crate::host::Host;
use crate::host_clock;
use crate::processor::Meter;
use crate::registry::{Function, InterfaceDef};
use crate::target::Reach;
use crate::watch::{Sink, Source, WatchError};

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

    /// Compares files in quarantine with the steps that moved them there.
    fn quarantine_origin(&self) -> &'static dyn QuarantineOrigin;

    /// Counts the files in quarantine below these directories, at this time. May block. By default there are none.
    fn quarantined(&self, _roots: &[String], now: Timestamp) -> Quarantined {
        Quarantined { at: now, files: 0, bytes: 0, first_expires: None, complete: true }
    }

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

    /// Whether the scopes in force permit an instance to be woken by this: a watch shows what a probe shows, so it needs
    /// the same grant.
    ///
    /// # Errors
    /// The refusal of the probe that looks at the same.
    fn may_watch(&self, _instance: &InstanceName, watch: &Watch, _scopes: &Scopes) -> Result<(), Refusal> {
        Err(Refusal::Unsupported(format!("this host cannot watch {watch}")))
    }

    /// Begins to watch. May block.
    ///
    /// # Errors
    /// It cannot be watched now.
    fn watch(&self, watch: &Watch, _sink: Arc<dyn Sink>) -> Result<Box<dyn Source>, WatchError> {
        Err(WatchError::Unavailable(Refusal::Unsupported(format!("this host cannot watch {watch}"))))
    }

    /// What answers the calls of one evaluation.
    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend>;
}

/// Compares files in quarantine with what the audit log has of the steps that moved them there. An index alone could name
/// other files, or an earlier end.
pub trait QuarantineOrigin: Sync {
    /// The ids of the steps that the targets of an expiry come from, each once.
    ///
    /// # Errors
    /// `invalid` if these are no such targets.
    fn steps(&self, targets: &RawValue) -> Result<Vec<String>, Refusal>;

    /// Whether each target of an expiry was among the targets of an earlier look, unchanged. Else what an earlier look was
    /// compared with says nothing about it.
    fn is_part(&self, targets: &RawValue, earlier: &RawValue) -> bool;

    /// Whether the targets of an expiry that come from this step are as the step left them: which files, from where, and
    /// until when they can be restored.
    fn is_of(&self, targets: &RawValue, step_id: &str, removal: &Proposed, items: &[Item]) -> bool;
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
    /// Counts what probes and previews spend on other threads than the one that polls the evaluation.
    pub meter: Meter,
}

/// Answers the calls of one evaluation on a host.
pub trait HostBackend: Backend {
    /// What was proposed, in order, and the rest of the evaluation's state.
    fn finish(self: Box<Self>) -> (Vec<Arc<Proposed>>, EvaluationState);
}
