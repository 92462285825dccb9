//! An action with its types: what domains implement.

use std::sync::Arc;

use ansai_core::{Preview, Refusal, Scope, Touch};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{
    Action, Amount, Applied, Begun, Described, Item, OnStop, Previewed, Progress, Proposed, StepContext, Work,
};
use crate::authorize::Canonical;
use crate::call::{read, to_text};
use crate::function::{Types, Wire};
use crate::guard::Guard;
use crate::host::ProbeContext;

/// One action of a `…-actions` interface.
pub trait TypedAction: Sync + Send {
    /// As in the WIT.
    type Arguments: Wire;
    /// What the host remembers of the targets between preview and step.
    type Targets: Serialize + DeserializeOwned;
    /// One of the things that it treats, as in `remove 1 file`.
    const NOUN: &'static str;

    /// See [`Action::preview`].
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Self::Arguments,
        earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Self::Targets), Refusal>;

    /// Whether the preview of an action at a server calls no server, so that no other process is needed for it.
    fn previews_without_server(&self) -> bool {
        false
    }

    /// The things that the step touches, in canonical form: it waits until no other step has them, and is refused if one
    /// of them is a thing that no step may touch. By default [`Touch::of`]. An action that touches more declares all of
    /// it: a `VACUUM` its table exclusive, and its server, unit and file system shared; a reboot the host exclusive. What
    /// the preview is about is always added, exclusive, if it is missing.
    fn touches(&self, preview: &Preview, _targets: &Self::Targets) -> Vec<Touch> {
        Touch::of(preview)
    }

    /// The kind of work, for what must not run together with other kinds on the same host: a backup, an upgrade.
    fn work(&self) -> Option<Work> {
        None
    }

    /// What the arguments lead to, where that is something else than what they say: the `Id` behind the alias of a unit,
    /// the directory behind a link, the name behind the id of a container. One table of the grant must permit the
    /// arguments and all of this, when the step is proposed and again right before its intent. `begin` then checks that
    /// the arguments still lead there.
    fn canonical(&self, _preview: &Preview, _targets: &Self::Targets) -> Vec<Canonical> {
        Vec::new()
    }

    /// Fuel for work of the preview that the size of the arguments does not show; see [`ProbeFunction::cost`].
    ///
    /// [`ProbeFunction::cost`]: crate::function::ProbeFunction::cost
    fn cost(&self, _arguments: &Self::Arguments) -> u64 {
        0
    }

    /// Names the targets for a person, all of them, and says how long the step can be undone.
    fn describe(&self, _targets: Self::Targets) -> Described {
        Described::default()
    }

    /// Whether one table of the scope covers all previewed targets together, with its bounds. An action whose arguments
    /// no table bounds must tell: the executor then acts under the first table that does. For other actions, the
    /// arguments have shown it.
    fn is_within(&self, _scope: &Scope, _targets: &RawValue) -> Result<bool, Refusal> {
        Ok(true)
    }

    /// How much of the upper bounds of its scope a step with these targets uses. The host counts it before the first step
    /// of a plan, for all steps within the window of the grant together. After the step, `treated` has what became of the
    /// targets, and it tells what was really used: what was left alone counts no longer. What was tried and failed counts.
    fn amounts(&self, _targets: &Self::Targets, _treated: Option<&[Item]>) -> Vec<Amount> {
        Vec::new()
    }

    /// See [`Action::begin`].
    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal>;

    /// What puts the step back although ansai is dead. Only for a step whose preview is not `for-good`: the executor arms
    /// it before `begin`, and refuses the step without it. A step that is put back is short (it returns
    /// [`Begun::Finished`]) and reversible, and its `resolve` changes nothing and tells whether its change is still in
    /// place. Changes nothing.
    fn guard(&self, _doing: &StepContext<'_>, _what: Step<Self>) -> Result<Guard, Refusal> {
        Err(Refusal::Unsupported("this action has no guard, so its steps cannot be put back without ansai".into()))
    }

    /// Makes a provisional step last, after its timer was stopped. An action whose guard is a time-out of the kernel removes
    /// the time-out here. It may be repeated after a crash.
    fn confirm(&self, _doing: &StepContext<'_>, _what: Step<Self>) -> Result<(), Refusal> {
        Ok(())
    }

    /// See [`Action::undo`].
    fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, items: &[Item]) -> Result<Applied, Refusal>;

    /// See [`Action::resolve`]. Of a step with a guard it only looks, because ansai asks in observe mode, too.
    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal>;

    /// Whether [`TypedAction::after_undo`] does something.
    fn acts_after_undo(&self) -> bool {
        false
    }

    /// Acts on what the undo of the plan restored: a reload makes a unit read the old file again. Undo goes from the newest
    /// step to the oldest, so a reload that acted in its own turn would come before the old file is back. The executor
    /// calls this after all undos, from the oldest step to the newest, for every step that ran: also if the step failed or
    /// has nothing to undo. It touches what [`TypedAction::touches`] declares and nothing else, and may be repeated after
    /// a crash. An `Err` means that nothing was changed.
    fn after_undo(&self, _doing: &StepContext<'_>, _what: Step<Self>) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("this action does nothing after undo".into()))
    }

    /// See [`Action::on_stop`].
    fn on_stop(&self) -> OnStop {
        OnStop::Finish
    }

    /// See [`Action::poll`].
    fn poll(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Progress {
        Progress::Finished(Applied::unknown(NO_LONG_STEPS))
    }

    /// See [`Action::cancel`].
    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        Applied::unknown(NO_LONG_STEPS)
    }
}

const NO_LONG_STEPS: &str = "this action has no long-running steps";

/// Arguments and targets of a step, read.
pub struct Step<A: TypedAction + ?Sized> {
    /// As proposed.
    pub arguments: A::Arguments,
    /// As previewed.
    pub targets: A::Targets,
}

/// The longest JSON text of a step's targets.
const MOST_TARGET_BYTES: usize = 64 << 20;

impl<A: TypedAction + ?Sized> Step<A> {
    /// Of what the host remembers.
    fn of(doing: &StepContext<'_>) -> Result<Self, Refusal> {
        Ok(Step { arguments: read(doing.arguments)?, targets: read_targets(doing.targets)? })
    }
}

/// Reads what [`TypedAction::preview`] remembered.
pub fn read_targets<T: DeserializeOwned>(targets: &RawValue) -> Result<T, Refusal> {
    if targets.get().len() > MOST_TARGET_BYTES {
        return Err(Refusal::OverBudget(format!("the targets take more than {MOST_TARGET_BYTES} bytes")));
    }
    serde_json::from_str(targets.get()).map_err(|error| Refusal::Invalid(format!("targets: {error}")))
}

/// Reads the handle of a running step, which the action made itself.
///
/// # Errors
/// Why it is not one of the action: then nobody knows what became of the step.
pub fn read_handle<T: DeserializeOwned>(handle: &RawValue) -> Result<T, String> {
    serde_json::from_str(handle.get()).map_err(|error| format!("the handle of the step is invalid: {error}"))
}

fn previewed<A: TypedAction>(
    action: &A,
    preview: Preview,
    targets: &A::Targets,
    text: Box<RawValue>,
) -> Result<Previewed, Refusal> {
    let mut touches = action.touches(&preview, targets);
    if touches.iter().all(|touch| touch.subject != preview.about) {
        touches.push(Touch::exclusive(preview.about.clone()));
    }
    touches.extend(action.work().into_iter().flat_map(Work::touches));
    let canonical = action.canonical(&preview, targets);
    Ok(Previewed { targets: text, preview, touches, canonical, table: 0 })
}

impl<A: TypedAction> Action for A {
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: &RawValue,
        earlier: &[Arc<Proposed>],
    ) -> Result<Previewed, Refusal> {
        let (preview, targets) = TypedAction::preview(self, ask, read(arguments)?, earlier)?;
        previewed(self, preview, &targets, to_text(&targets)?)
    }

    fn previews_without_server(&self) -> bool {
        TypedAction::previews_without_server(self)
    }

    fn previewed(&self, preview: Preview, targets: Box<RawValue>) -> Result<Previewed, Refusal> {
        let read = read_targets(&targets)?;
        previewed(self, preview, &read, targets)
    }

    fn describe(&self, targets: &RawValue) -> Described {
        read_targets(targets).map(|targets| TypedAction::describe(self, targets)).unwrap_or_default()
    }

    fn is_within(&self, scope: &Scope, targets: &RawValue) -> Result<bool, Refusal> {
        TypedAction::is_within(self, scope, targets)
    }

    fn amounts(&self, targets: &RawValue, treated: Option<&[Item]>) -> Result<Vec<Amount>, Refusal> {
        Ok(TypedAction::amounts(self, &read_targets(targets)?, treated))
    }

    fn begin(&self, doing: &StepContext<'_>) -> Result<Begun, Refusal> {
        TypedAction::begin(self, doing, Step::of(doing)?)
    }

    fn guard(&self, doing: &StepContext<'_>) -> Result<Guard, Refusal> {
        TypedAction::guard(self, doing, Step::of(doing)?)
    }

    fn confirm(&self, doing: &StepContext<'_>) -> Result<(), Refusal> {
        TypedAction::confirm(self, doing, Step::of(doing)?)
    }

    fn undo(&self, doing: &StepContext<'_>, items: &[Item]) -> Result<Applied, Refusal> {
        TypedAction::undo(self, doing, Step::of(doing)?, items)
    }

    fn resolve(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        TypedAction::resolve(self, doing, Step::of(doing)?)
    }

    fn acts_after_undo(&self) -> bool {
        TypedAction::acts_after_undo(self)
    }

    fn after_undo(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal> {
        TypedAction::after_undo(self, doing, Step::of(doing)?)
    }

    fn types(&self) -> Types {
        Types::of::<A::Arguments, Preview>()
    }

    fn cost(&self, arguments: &RawValue) -> u64 {
        read(arguments).map_or(0, |arguments| TypedAction::cost(self, &arguments))
    }

    fn noun(&self) -> &'static str {
        A::NOUN
    }

    fn on_stop(&self) -> OnStop {
        TypedAction::on_stop(self)
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        TypedAction::poll(self, doing, handle)
    }

    fn cancel(&self, doing: &StepContext<'_>, handle: &RawValue) -> Applied {
        TypedAction::cancel(self, doing, handle)
    }
}
