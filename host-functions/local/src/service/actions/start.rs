//! `start`.

use std::sync::Arc;

use ansai_core::{Preview, Refusal, Touch};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction, Work,
};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::job::{self, Verb};
use super::target::{Target, check_amount, check_conflicts, not_undoable, one_restart};
use crate::bus;
use crate::service::probe::limit;
use crate::service::rules::may_start;
use crate::service::systemd::Systemd;

pub(super) struct Start;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    reason: String,
}

impl TypedAction for Start {
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
        check_amount(ask)?;
        may_start(&unit, target.had_failed, ask.now)?;
        check_conflicts(&Systemd::of(ask.host)?, limit(ask.deadline), &unit)?;
        Ok((preview, target))
    }

    fn touches(&self, _preview: &Preview, target: &Target) -> Vec<Touch> {
        target.touches()
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn work(&self) -> Option<Work> {
        Some(Work::Restart)
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.id], undo_for: None }
    }

    fn amounts(&self, _target: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        one_restart()
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let (systemd, unit) = what.targets.again(doing, &what.arguments.unit)?;
        may_start(&unit, what.targets.had_failed, doing.now)?;
        check_conflicts(&systemd, bus::LIMIT, &unit)?;
        job::begin(&systemd, Verb::Start, &what.targets, unit.takes)
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        not_undoable("a start")
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        job::resolve(doing, &what.targets, &what.arguments.unit, Verb::Start)
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
