//! `check-healthy`.

use std::sync::Arc;

use ansai_core::{Millis, Outcome, Preview, Refusal, Reversibility, Subject, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::target::{LIMIT, permitted_label};
use crate::check_step::{self, Look};
use crate::container::api::Engine;
use crate::container::fields::{CONTAINERS, LABELS};
use crate::container::identity::is_name;
use crate::container::probe::{Seen, engine_of_preview, inspect};
use crate::container::subject;
use crate::container::wire::{ContainerHealth, ContainerState};

pub(super) struct CheckHealthy;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    name: String,
    within: Millis,
    reason: String,
}

/// Of which engine, and which container by its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Named {
    target: String,
    name: String,
    label: String,
}

impl Named {
    fn about(&self) -> Subject {
        subject("container", &self.target, &self.name)
    }

    fn now(&self, doing: &StepContext<'_>) -> Result<Seen, Refusal> {
        let engine = Engine::of(doing.host, doing.reach, &self.target, LIMIT)?;
        let seen = inspect(&engine, &self.name).map_err(|failed| failed.refusal(&self.name))?;
        if seen.name == self.name { Ok(seen) } else { Err(Refusal::NotFound(self.name.clone())) }
    }
}

impl TypedAction for CheckHealthy {
    type Arguments = Arguments;
    type Targets = Named;
    const NOUN: &'static str = "check";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, name, within, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Named), Refusal> {
        check_step::require(within)?;
        if !is_name(&name) {
            return Err(Refusal::Invalid("`name` is not the name of a container".into()));
        }
        let engine = engine_of_preview(ask, &target)?;
        let seen = inspect(&engine, &name).map_err(|failed| failed.refusal(&name))?;
        // An id is a name for the engine, too.
        if seen.name != name {
            return Err(Refusal::NotFound(format!("no container is named {name}")));
        }
        ask.permit(&CONTAINERS, &seen.name)?;
        let label = permitted_label(ask, &seen)?;
        let named = Named { target, name: seen.name, label };
        let mut preview = Preview::nothing(named.about());
        preview.reversible = Reversibility::Fully;
        preview.takes = Some(within);
        preview.sample = vec![format!("{} is healthy within {within}", named.name)];
        Ok((preview, named))
    }

    /// It only looks.
    fn touches(&self, _preview: &Preview, named: &Named) -> Vec<Touch> {
        vec![Touch::shared(named.about())]
    }

    fn canonical(&self, _preview: &Preview, named: &Named) -> Vec<Canonical> {
        vec![Canonical::new(&CONTAINERS, named.name.as_str()), Canonical::new(&LABELS, named.label.as_str())]
    }

    fn describe(&self, named: Named) -> Described {
        Described { names: vec![named.name], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, Step { arguments, targets }: Step<Self>) -> Result<Begun, Refusal> {
        check_step::begin(doing, targets, arguments.within)
    }

    fn undo(&self, _doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(Applied::of_one(&what.targets.name, Outcome::Done, "a check changed nothing"))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(Applied::of_one(&what.targets.name, Outcome::Failed, "ansai ended before the check did"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        let late = |named: &Named, note| failed(&named.name, Refusal::TimedOut(note));
        check_step::poll(doing, handle, |named: &Named| look(doing, named), late)
    }

    fn cancel(&self, _doing: &StepContext<'_>, _handle: &RawValue) -> Applied {
        check_step::cancelled()
    }
}

fn look(doing: &StepContext<'_>, named: &Named) -> Look {
    let name = &named.name;
    match named.now(doing).as_ref().map(judge) {
        Ok(Judged::Healthy) => Look::Over(Applied::of_one(name, Outcome::Done, format!("{name} is healthy"))),
        Ok(Judged::Ended) => Look::Over(failed(name, Refusal::Unavailable(format!("{name} has ended")))),
        Ok(Judged::NotYet) => Look::NotYet(format!("{name} is not healthy yet")),
        Err(why) => Look::NotYet(why.to_string()),
    }
}

fn failed(name: &str, why: Refusal) -> Applied {
    Applied { reason: Some(why.clone()), ..Applied::of_one(name, Outcome::Failed, why.to_string()) }
}

enum Judged {
    Healthy,
    NotYet,
    /// And the engine does not start it again.
    Ended,
}

fn judge(seen: &Seen) -> Judged {
    let is_well = matches!(seen.health(), ContainerHealth::None | ContainerHealth::Healthy);
    match seen.state() {
        ContainerState::Running if is_well => Judged::Healthy,
        ContainerState::Exited | ContainerState::Dead if !seen.restarts_itself() => Judged::Ended,
        _ => Judged::NotYet,
    }
}
