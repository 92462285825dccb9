//! `check-active`.

use std::sync::Arc;

use ansai_core::{Millis, Outcome, Preview, Refusal, Reversibility, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::target::Target;
use crate::check_step::{self, Look};
use crate::service::name::subject;
use crate::service::state::Unit;
use crate::service::wire::{ActiveState, Ended};

pub(super) struct CheckActive;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    within: Millis,
    reason: String,
}

impl TypedAction for CheckActive {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "check";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        check_step::require(arguments.within)?;
        let (_, mut preview, target) = Target::preview(ask, &arguments.unit)?;
        (preview.items, preview.reversible) = (0, Reversibility::Fully);
        preview.takes = Some(arguments.within);
        preview.sample = vec![format!("{} is active within {}", target.id, arguments.within)];
        Ok((preview, target))
    }

    /// It only looks.
    fn touches(&self, _preview: &Preview, target: &Target) -> Vec<Touch> {
        vec![Touch::shared(subject(&target.id))]
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.id], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        check_step::begin(doing, what.targets, what.arguments.within)
    }

    fn undo(&self, _doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(what.targets.applied(Outcome::Done, "a check changed nothing"))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(what.targets.applied(Outcome::Failed, "ansai ended before the check did"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        let late = |target: &Target, note: String| failed(target, Refusal::TimedOut(note.clone()), note);
        check_step::poll(doing, handle, |target: &Target| look(doing, target), late)
    }

    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        check_step::cancelled()
    }
}

fn look(doing: &StepContext<'_>, target: &Target) -> Look {
    let id = &target.id;
    match target.now(doing, id).map(|(_, unit)| seen(&unit)) {
        Ok(Seen::Up) => Look::Over(target.applied(Outcome::Done, format!("{id} is active"))),
        Ok(Seen::Failed) => {
            let why = format!("{id} has failed");
            Look::Over(failed(target, Refusal::Unavailable(why.clone()), why))
        }
        Ok(Seen::NotYet) => Look::NotYet(format!("{id} is not active yet")),
        Err(why) => Look::NotYet(why.to_string()),
    }
}

fn failed(target: &Target, why: Refusal, detail: String) -> Applied {
    Applied { reason: Some(why), ..target.applied(Outcome::Failed, detail) }
}

enum Seen {
    Up,
    NotYet,
    Failed,
}

fn seen(unit: &Unit) -> Seen {
    let shown = &unit.shown;
    match shown.active {
        ActiveState::Active | ActiveState::Reloading => Seen::Up,
        // systemd forgets that it ran if nothing needs it.
        ActiveState::Inactive if shown.one_shot && shown.ended == Ended::Success => Seen::Up,
        ActiveState::Failed => Seen::Failed,
        _ => Seen::NotYet,
    }
}
