//! One step of a plan, with everything that its action needs. This is the only place that creates the context of an
//! action. Calls that change the machine require the proof that the intent is durable.

use std::sync::Arc;

use ansai_core::{Millis, Refusal, Scope, Timestamp};
use ansai_kit::action::{Action, Applied, Begun, Item, OnStop, Progress, Proposed, StepContext};
use ansai_kit::guard::{ArmError, Guard, Reversal};
use ansai_kit::target::Reach;
use serde_json::value::RawValue;

use super::executor::Executor;
use super::progress;
use crate::clock;
use crate::ids::StepId;
use crate::recording::{Durable, Journal};

/// A step that only reads.
pub(crate) struct Step<'a> {
    executor: &'a Executor,
    id: StepId<'a>,
    /// The id as text.
    step_id: String,
    proposed: &'a Proposed,
    action: &'static dyn Action,
    in_force: InForce,
}

/// What is in force for a step now.
#[derive(Default)]
pub(super) struct InForce {
    /// The scope of its interface; empty where nothing is granted.
    pub(super) scope: Arc<Scope>,
    /// The targets that its instance may use.
    pub(super) reach: Reach,
    /// The granted table of the scope, counted from 1; 0 for none.
    pub(super) table: usize,
    /// A person must have approved the plan.
    pub(super) needs_approval: bool,
}

/// A step that may act, because its intent is durable.
pub(crate) struct ActingStep<'a>(Step<'a>);

impl<'a> Step<'a> {
    pub(super) fn new(
        executor: &'a Executor,
        id: StepId<'a>,
        proposed: &'a Proposed,
        action: &'static dyn Action,
        in_force: InForce,
    ) -> Step<'a> {
        Step { executor, id, step_id: id.to_string(), proposed, action, in_force }
    }

    /// Allows the step to act, with the proof that its intent is durable.
    pub(super) fn acting(self, durable: Durable) -> Result<ActingStep<'a>, Refusal> {
        match durable.is_of(self.id.plan, self.id.step) {
            true => Ok(ActingStep(self)),
            false => Err(Refusal::Other(format!("the durable intent is not of step {}", self.id))),
        }
    }

    /// Determines what an interrupted step did, without acting.
    pub(super) fn resolve(&self) -> Result<Applied, Refusal> {
        self.action.resolve(&self.context())
    }

    /// What puts the step back without ansai.
    pub(super) fn guard(&self) -> Result<Guard, Refusal> {
        self.action.guard(&self.context())
    }

    /// Its id as text.
    pub(super) fn name(&self) -> &str {
        &self.step_id
    }

    fn context(&self) -> StepContext<'_> {
        StepContext {
            host: self.executor.host.host(),
            scope: &self.in_force.scope,
            reach: &self.in_force.reach,
            now: clock::now(),
            step_id: &self.step_id,
            arguments: &self.proposed.arguments,
            targets: &self.proposed.targets,
            stop: self.executor.stop.flag(),
        }
    }
}

impl ActingStep<'_> {
    /// Starts the step. `Err` means that nothing was changed.
    pub(super) fn begin(&self) -> Result<Begun, Refusal> {
        self.0.action.begin(&self.0.context())
    }

    /// Arms the timer that puts the step back.
    pub(super) fn arm_timer(&self, reversal: &Reversal, after: Millis) -> Result<(), ArmError> {
        let host = &self.0.executor.host;
        host.guards().arm(host.host(), &self.0.step_id, reversal, after)
    }

    /// Makes the step last.
    pub(super) fn confirm(&self) -> Result<(), Refusal> {
        self.0.action.confirm(&self.0.context())
    }

    pub(super) fn as_step(&self) -> &Step<'_> {
        &self.0
    }

    /// Undoes the step. `Err` means that nothing was changed.
    pub(super) fn undo(&self, items: &[Item]) -> Result<Applied, Refusal> {
        self.0.action.undo(&self.0.context(), items)
    }

    /// Acts on what the undo of the plan restored. `Err` means that nothing was changed.
    pub(super) fn after_undo(&self) -> Result<Applied, Refusal> {
        self.0.action.after_undo(&self.0.context())
    }

    /// Looks how far it is. `now` is that of the one who watches: the deadline of a check does not follow jumps of the
    /// clock.
    pub(super) fn poll(&self, handle: &RawValue, now: Timestamp) -> Progress {
        self.0.action.poll(&StepContext { now, ..self.0.context() }, handle)
    }

    pub(super) fn cancel(&self, handle: &RawValue) -> Applied {
        self.0.action.cancel(&self.0.context(), handle)
    }

    pub(super) fn on_stop(&self) -> OnStop {
        self.0.action.on_stop()
    }

    /// A note of its action, as it can be told.
    pub(super) fn treated(&self, note: &str) -> String {
        progress::treated(note, &self.0.in_force.reach)
    }

    pub(super) fn id(&self) -> StepId<'_> {
        self.0.id
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.0.executor.journal
    }
}
