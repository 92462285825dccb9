//! `check-active`.

use std::sync::Arc;

use ansai_core::{Millis, Outcome, Preview, Refusal, Reversibility, Timestamp, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::call::to_text;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::target::Target;
use crate::service::name::subject;
use crate::service::state::Unit;
use crate::service::wire::{ActiveState, Ended};

const LONGEST: Millis = Millis::new(3_600_000);
/// So that the step ends by itself, with its reason, before the host ends it.
const MARGIN: Millis = Millis::new(30_000);
const AGAIN: Millis = Millis::new(500);

pub(super) struct CheckActive;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    unit: String,
    within: Millis,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Handle {
    target: Target,
    until: Timestamp,
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
        if arguments.within > LONGEST {
            return Err(Refusal::Invalid(format!("`within` is {}, more than {LONGEST}", arguments.within)));
        }
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
        let within = what.arguments.within.min(LONGEST);
        let handle = Handle { target: what.targets, until: doing.now + within };
        Ok(Begun::Running { handle: to_text(&handle)?, limit: Millis::new(within.get().saturating_add(MARGIN.get())) })
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
        let Handle { target, until } = match serde_json::from_str(handle.get()) {
            Ok(handle) => handle,
            Err(error) => {
                return Progress::Finished(Applied::unknown(format!("the handle of the step is invalid: {error}")));
            }
        };
        let found = target.now(doing, &target.id).map(|(_, unit)| unit);
        let finished = |outcome, why: Option<Refusal>, detail: String| {
            Progress::Finished(Applied { reason: why, ..target.applied(outcome, detail) })
        };
        let note = match found.as_ref().map(seen) {
            Ok(Seen::Up) => return finished(Outcome::Done, None, format!("{} is active", target.id)),
            Ok(Seen::Failed) => {
                let why = format!("{} has failed", target.id);
                return finished(Outcome::Failed, Some(Refusal::Unavailable(why.clone())), why);
            }
            Ok(Seen::NotYet) => format!("{} is not active yet", target.id),
            Err(why) => why.to_string(),
        };
        if doing.now >= until {
            return finished(Outcome::Failed, Some(Refusal::TimedOut(note.clone())), note);
        }
        Progress::Running { note, again_in: AGAIN }
    }

    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        Applied { outcome: Outcome::Failed, ..Applied::unknown("the check was cancelled; it changed nothing") }
    }
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
