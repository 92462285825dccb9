//! `reset-failed`.

use std::sync::Arc;

use ansai_core::{Outcome, Preview, Refusal, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::target::{Target, not_undoable};
use crate::bus::{self, Open};
use crate::service::rules::check_limit;
use crate::service::state::Unit;
use crate::service::systemd::manager;
use crate::service::wire::{ActiveState, Ended};

pub(super) struct ResetFailed;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    reason: String,
}

fn has_failed(unit: &Unit) -> bool {
    unit.shown.active == ActiveState::Failed || !matches!(unit.shown.ended, Ended::Success | Ended::Dependency)
}

impl TypedAction for ResetFailed {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "service";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (unit, mut preview, target) = Target::preview(ask, &arguments.unit)?;
        preview.takes = None;
        if has_failed(&unit) {
            check_limit(&unit, ask.now)?;
        } else {
            preview.items = 0;
        }
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
        let target = what.targets;
        let (systemd, unit) = target.again(doing, &what.arguments.unit)?;
        if !has_failed(&unit) {
            return Ok(Begun::Finished(target.applied(Outcome::Done, format!("{} has not failed", target.id))));
        }
        // It would forget the starts that systemd has counted.
        check_limit(&unit, doing.now)?;
        let id = target.id.clone();
        let reset = systemd.ask(bus::LIMIT, async move |open: Open| {
            manager::<_, ()>(&open.connection, "ResetFailedUnit", &(id.as_str(),)).await
        });
        Ok(Begun::Finished(match reset {
            Ok(()) => target.applied(Outcome::Done, format!("the failure of {} was reset", target.id)),
            // systemd was told, and may do it still.
            Err(error) if error.may_be_done() => {
                Applied::unknown(format!("nobody knows whether the failure of {} was reset: {error}", target.id))
            }
            Err(error) => return Err(error.into()),
        }))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        not_undoable("a reset failure")
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let (_, unit) = what.targets.now(doing, &what.arguments.unit)?;
        Ok(match has_failed(&unit) {
            true => what.targets.applied(Outcome::Failed, format!("the failure of {} was not reset", unit.id())),
            false => what.targets.applied(Outcome::Done, format!("the failure of {} was reset", unit.id())),
        })
    }
}
