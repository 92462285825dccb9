//! What an action is: a preview that changes nothing, an application that checks each target again, an undo.

mod outcome;
mod proposed;
mod typed;
mod under;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ansai_core::{Preview, Refusal, Scope, Timestamp};
use serde_json::value::RawValue;

pub use self::outcome::{Applied, Begun, Fate, Item, OnStop, Progress};
pub use self::proposed::{Amount, Described, Previewed, Proposed};
pub use self::typed::{Step, TypedAction, read_handle, read_targets};
pub use self::under::preview_under;
pub use self::work::{WORK, Work};
pub use crate::captured::Captured;
use crate::function::Types;
use crate::guard::Guard;
use crate::host::{Host, ProbeContext};
use crate::target::Reach;

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

    /// See [`TypedAction::previews_without_server`].
    fn previews_without_server(&self) -> bool {
        false
    }

    /// What a preview tells besides, computed from what another process has previewed.
    ///
    /// # Errors
    /// `invalid` if the targets are not of this action.
    fn previewed(&self, preview: Preview, targets: Box<RawValue>) -> Result<Previewed, Refusal>;

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

#[cfg(test)]
mod tests;
