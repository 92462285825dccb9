//! `reload`.

use std::sync::Arc;

use ansai_core::{Preview, Refusal, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::job::{self, Verb};
use super::target::{Target, not_undoable};
use crate::service::rules::may_reload;

pub(super) struct Reload;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    reason: String,
}

impl TypedAction for Reload {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "service";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (unit, preview, target) = Target::preview(ask, &arguments.unit)?;
        may_reload(&unit)?;
        Ok((preview, target))
    }

    fn touches(&self, _preview: &Preview, target: &Target) -> Vec<Touch> {
        target.touches()
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.id], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let (systemd, unit) = what.targets.again(doing, &what.arguments.unit)?;
        may_reload(&unit)?;
        job::begin(&systemd, Verb::Reload, &what.targets, unit.takes)
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        not_undoable("a reload")
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        job::resolve(doing, &what.targets, &what.arguments.unit, Verb::Reload)
    }

    fn acts_after_undo(&self) -> bool {
        true
    }

    /// So that it reads the files that were put back.
    fn after_undo(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let (systemd, unit) = what.targets.now(doing, &what.arguments.unit)?;
        may_reload(&unit)?;
        job::repeat(doing, &systemd, Verb::Reload, &what.targets)
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        job::poll(doing, handle)
    }

    fn cancel(&self, doing: &StepContext<'_>, handle: &RawValue) -> Applied {
        job::cancel(doing, handle)
    }
}
