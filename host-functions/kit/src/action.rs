//! What an action is: a preview that changes nothing, an application that checks each target again, an undo.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::event::PlannedStep;
use ansai_core::scope::{Field, NumberType, TypedField};
use ansai_core::{Measure, Millis, Outcome, Preview, Refusal, Scope, Timestamp, Touch};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::authorize::{Asked, Canonical};
use crate::call::{read, to_text};
pub use crate::captured::Captured;
use crate::function::{Types, Wire};
use crate::guard::Guard;
use crate::host::{Host, ProbeContext};
use crate::target::Reach;

/// A step that was proposed: what the host remembers of it. The policy only ever gets the preview.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposed {
    /// `ansai:files/files-actions.remove`.
    pub action: String,
    /// As the policy wrote them.
    pub arguments: Arc<RawValue>,
    /// What it was told.
    pub preview: Preview,
    /// What would be touched, with the identity of each: the action's own form.
    pub targets: Box<RawValue>,
    /// The things that it touches, as its action declared; see [`Proposed::touches`].
    #[serde(default)]
    pub touches: Vec<Touch>,
    /// What its arguments lead to. The grants of the moment when it begins must permit it.
    #[serde(default)]
    pub canonical: Vec<Canonical>,
    /// The granted table that bounded its preview, counted from 1.
    #[serde(default)]
    pub table: usize,
    /// The plan goes on if this step fails: the policy said so with `advice.may-fail`.
    #[serde(default)]
    pub may_fail: bool,
}

/// What an action tells about a step before it acts.
#[derive(Debug, Clone)]
pub struct Previewed {
    /// What the policy is told.
    pub preview: Preview,
    /// What would be treated, with the identity of each: the action's own form.
    pub targets: Box<RawValue>,
    /// The things that the step touches.
    pub touches: Vec<Touch>,
    /// What its arguments lead to.
    pub canonical: Vec<Canonical>,
    /// The granted table that bounds it, counted from 1; 0 before it is known.
    pub table: usize,
}

/// How much of an upper bound of its scope a step uses: so many files, so many bytes.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// The bound.
    pub bound: Field,
    /// In the unit of the bound.
    pub number: u64,
}

impl Amount {
    /// Of a bound.
    pub const fn of<T: NumberType>(bound: &TypedField<T>, number: u64) -> Amount {
        Amount { bound: bound.field(), number }
    }
}

impl Proposed {
    /// A step of this action with these arguments.
    pub fn new(action: impl Into<String>, arguments: Arc<RawValue>, previewed: Previewed) -> Proposed {
        let Previewed { preview, targets, touches, canonical, table } = previewed;
        Proposed { action: action.into(), arguments, preview, targets, touches, canonical, table, may_fail: false }
    }

    /// The things that it touches: at least its subject. The file of a plan from before actions declared them has none.
    pub fn touches(&self) -> Cow<'_, [Touch]> {
        match self.touches.is_empty() {
            true => Cow::Owned(Touch::of(&self.preview)),
            false => Cow::Borrowed(&self.touches),
        }
    }

    /// The `reason` argument, which every action has.
    pub fn reason(&self) -> String {
        #[derive(Deserialize)]
        struct Reason {
            #[serde(default)]
            reason: String,
        }
        serde_json::from_str::<Reason>(self.arguments.get()).map(|r| r.reason).unwrap_or_default()
    }

    /// What a person sees of it, as planned at this time. Without its action, nobody knows its targets.
    pub fn planned(&self, action: Option<&dyn Action>, at: Timestamp) -> PlannedStep {
        let Described { names, undo_for } = action.map(|action| action.describe(&self.targets)).unwrap_or_default();
        PlannedStep {
            action: self.action.clone(),
            reason: self.reason(),
            preview: self.preview.clone(),
            may_fail: self.may_fail,
            undo_until: undo_for.map(|limit| at + limit),
            names: names.into(),
        }
    }
}

/// The targets of a step, for a person.
#[derive(Debug, Default)]
pub struct Described {
    /// Their names, in the order of the step; empty if the action does not know them.
    pub names: Vec<String>,
    /// How long the step can be undone once it is applied, if that ends.
    pub undo_for: Option<Millis>,
}

/// What happened to one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// As text (`ansai_core::text::path_text` for paths).
    pub target: String,
    /// What was done, or why not.
    pub fate: Fate,
    /// What came back at once.
    pub freed_bytes: u64,
    /// What undo needs, in the action's own form; `null` where there is no undo.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub undo: serde_json::Value,
}

/// The fate of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// As proposed.
    Done,
    /// Left alone, for this reason: no longer what was previewed, in use, …
    Skipped(String),
    /// Tried, and the system said no.
    Failed(String),
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// `done` when every target was treated or rightly left alone.
    pub outcome: Outcome,
    /// Why it was refused or failed, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Refusal>,
    /// One sentence for a person.
    pub detail: String,
    /// Numbers: `removed-files`, `freed-bytes`, …
    pub measures: Vec<Measure>,
    /// Target by target, for the record and for undo.
    pub items: Vec<Item>,
    /// What it captured for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Captured>,
}

impl Applied {
    /// What was done is not known, for this reason.
    pub fn unknown(why: impl Into<String>) -> Self {
        Applied {
            outcome: Outcome::Unknown,
            reason: None,
            detail: why.into(),
            measures: Vec::new(),
            items: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// Nothing was done.
    pub fn refused(refusal: &Refusal) -> Self {
        let reason = Some(refusal.clone());
        Applied { outcome: Outcome::Refused, reason, ..Applied::unknown(refusal.to_string()) }
    }
}

/// How a step began.
#[derive(Debug)]
pub enum Begun {
    /// It is over already.
    Finished(Applied),
    /// It goes on by itself; the handle finds it again, after a restart of ansai too.
    Running {
        /// In the action's own form.
        handle: Box<RawValue>,
        /// How long it may take.
        limit: Millis,
    },
}

/// What a look at a running step finds.
#[derive(Debug)]
pub enum Progress {
    /// It goes on.
    Running {
        /// How far it is, for a person: `scanned 40 of 90 GiB`. Empty if there is nothing to tell. It may contain text of
        /// others: the host masks secrets, cuts it, and makes it safe for terminals.
        note: String,
        /// When to look again. The host looks after 100 ms at the earliest, and after a minute at the latest.
        again_in: Millis,
    },
    /// It is over.
    Finished(Applied),
}

/// What SIGTERM does to a step that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    /// Short: ends at the next target, its outcome is recorded.
    Finish,
    /// Leave it running and attach to it again.
    Leave,
    /// Cancel it.
    Cancel,
}

/// What acting gets to know.
pub struct StepContext<'a> {
    /// The host.
    pub host: &'a Host,
    /// The scope in force now.
    pub scope: &'a Scope,
    /// The configured targets that the instance may use now.
    pub reach: &'a Reach,
    /// The time now.
    pub now: Timestamp,
    /// Unique for this step, on this host, for ever: plan id and number. Safe as a file name.
    pub step_id: &'a str,
    /// The arguments as proposed.
    pub arguments: &'a RawValue,
    /// The targets as previewed.
    pub targets: &'a RawValue,
    /// Set when ansai is asked to stop.
    pub stop: &'a AtomicBool,
}

impl StepContext<'_> {
    /// Whether to end at the next target.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// One action of a `…-actions` interface, without its types. Domains implement [`TypedAction`].
///
/// `preview` runs while guest code runs and changes nothing. The executor alone calls the rest, after the intent is
/// durable.
pub trait Action: Sync + Send {
    /// Tells what the call would do, net of the earlier steps of the same plan, its targets with their identities, and
    /// the things that it touches.
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: &RawValue,
        earlier: &[Arc<Proposed>],
    ) -> Result<Previewed, Refusal>;

    /// Describes the targets of a step. Targets that cannot be read have no description.
    fn describe(&self, targets: &RawValue) -> Described;

    /// See [`TypedAction::is_within`].
    fn is_within(&self, scope: &Scope, targets: &RawValue) -> Result<bool, Refusal>;

    /// See [`TypedAction::amounts`].
    fn amounts(&self, targets: &RawValue, treated: Option<&[Item]>) -> Result<Vec<Amount>, Refusal>;

    /// Acts, after checking the identity of each target again. An `Err` means that nothing was changed.
    fn begin(&self, doing: &StepContext<'_>) -> Result<Begun, Refusal>;

    /// See [`TypedAction::guard`].
    fn guard(&self, doing: &StepContext<'_>) -> Result<Guard, Refusal>;

    /// See [`TypedAction::confirm`].
    fn confirm(&self, doing: &StepContext<'_>) -> Result<(), Refusal>;

    /// Undoes what `items` list as done, also of a step that failed. It may be repeated after a crash. An `Err` means that
    /// nothing was changed.
    fn undo(&self, doing: &StepContext<'_>, items: &[Item]) -> Result<Applied, Refusal>;

    /// Finds out what was done, after a crash between intent and outcome. An `Err` means that it is unknown. Targets
    /// that were not treated are not among the items.
    fn resolve(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal>;

    /// See [`TypedAction::acts_after_undo`].
    fn acts_after_undo(&self) -> bool;

    /// See [`TypedAction::after_undo`].
    fn after_undo(&self, doing: &StepContext<'_>) -> Result<Applied, Refusal>;

    /// The Rust types of its arguments and of its preview.
    fn types(&self) -> Types;

    /// See [`TypedAction::cost`].
    fn cost(&self, _arguments: &RawValue) -> u64 {
        0
    }

    /// See [`TypedAction::NOUN`].
    fn noun(&self) -> &'static str;

    /// What SIGTERM does to it.
    fn on_stop(&self) -> OnStop;

    /// Looks at a running step, without waiting for it. What can neither be found nor is known to have ended is
    /// [`Applied::unknown`].
    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress;

    /// Cancels a running step and tells what had been done. A step that cannot be cancelled is [`Applied::unknown`].
    fn cancel(&self, doing: &StepContext<'_>, handle: &RawValue) -> Applied;
}

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

    /// The things that the step touches, in canonical form: it waits until no other step has them, and is refused if one
    /// of them is a thing that no step may touch. By default [`Touch::of`]. An action that touches more declares all of
    /// it: a `VACUUM` its table exclusive, and its server, unit and file system shared; a reboot the host exclusive. What
    /// the preview is about is always added, exclusive, if it is missing.
    fn touches(&self, preview: &Preview, _targets: &Self::Targets) -> Vec<Touch> {
        Touch::of(preview)
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
    /// [`Begun::Finished`]) and reversible, and `resolve` tells whether its change is still in place. Changes nothing.
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

/// The preview under the first scope that covers what the arguments lead to. If the arguments show no table, that is the
/// first scope with something to do, else the first.
pub fn preview_under(
    action: &dyn Action,
    asked: Asked<'_>,
    scopes: &[Arc<Scope>],
    ask: &ProbeContext<'_>,
    arguments: &RawValue,
    earlier: &[Arc<Proposed>],
) -> Result<Previewed, Refusal> {
    let (mut first, mut outside) = (None, None);
    for scope in scopes {
        let looked = preview_beside(action, asked, scope, ask, arguments, earlier);
        let within = looked.as_ref().map_or(Ok(()), |found| asked.covers(scope, &found.canonical));
        match within {
            Ok(()) if !asked.function.checks.is_empty() => return looked,
            Ok(()) if looked.as_ref().is_ok_and(|found| found.preview.items > 0) => return looked,
            Ok(()) => {
                first.get_or_insert(looked);
            }
            Err(refusal) => {
                outside.get_or_insert(refusal);
            }
        }
        if ask.deadline.is_over() {
            break;
        }
    }
    match (first, outside) {
        (Some(looked), _) => looked,
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Err(Refusal::Denied("not granted".into())),
    }
}

/// The preview under one scope. Its upper bounds are for all steps of the plan together that the same granted table
/// bounds, so that a plan always fits into an unused budget.
fn preview_beside(
    action: &dyn Action,
    asked: Asked<'_>,
    scope: &Arc<Scope>,
    ask: &ProbeContext<'_>,
    arguments: &RawValue,
    earlier: &[Arc<Proposed>],
) -> Result<Previewed, Refusal> {
    let name = format!("{}.{}", asked.entry.interface.name, asked.function.name);
    let table = asked.table(scope);
    let preview = |scope: &Scope| {
        let found = action.preview(&ProbeContext { scope, ..*ask }, arguments, earlier)?;
        Ok(Previewed { table, ..found })
    };
    let found = preview(scope)?;
    let is_same =
        |step: &&Arc<Proposed>| step.action == name && step.table == table && step.preview.about == found.preview.about;
    let mut rest = Scope::clone(scope);
    for step in earlier.iter().filter(is_same) {
        for Amount { bound, number } in action.amounts(&step.targets, None)? {
            rest = rest.reduced(&bound, number);
        }
    }
    let needed = action.amounts(&found.targets, None)?;
    match needed.iter().any(|amount| amount.number > rest.bound(&amount.bound)) {
        true => preview(&rest),
        false => Ok(found),
    }
}

/// Reads what [`TypedAction::preview`] remembered.
pub fn read_targets<T: DeserializeOwned>(targets: &RawValue) -> Result<T, Refusal> {
    if targets.get().len() > MOST_TARGET_BYTES {
        return Err(Refusal::OverBudget(format!("the targets take more than {MOST_TARGET_BYTES} bytes")));
    }
    serde_json::from_str(targets.get()).map_err(|error| Refusal::Invalid(format!("targets: {error}")))
}

impl<A: TypedAction> Action for A {
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: &RawValue,
        earlier: &[Arc<Proposed>],
    ) -> Result<Previewed, Refusal> {
        let (preview, targets) = TypedAction::preview(self, ask, read(arguments)?, earlier)?;
        let mut touches = TypedAction::touches(self, &preview, &targets);
        if touches.iter().all(|touch| touch.subject != preview.about) {
            touches.push(Touch::exclusive(preview.about.clone()));
        }
        let canonical = TypedAction::canonical(self, &preview, &targets);
        Ok(Previewed { targets: to_text(&targets)?, preview, touches, canonical, table: 0 })
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

#[cfg(test)]
mod tests;
