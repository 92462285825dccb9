//! `reload`.

use std::sync::Arc;

use ansai_core::{Millis, Outcome, Preview, Refusal, Reversibility, Subject, Touch};
use ansai_kit::action::{Amount, Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applied;
use crate::certificate::fields::MAX_RELOADS;
use crate::certificate::server::{self, Commands};
use crate::certificate::site::Site;

pub(super) struct Reload;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    commands: Commands,
}

/// A target, as the thing that a step is about.
pub(super) fn subject(target: &str) -> Subject {
    Subject::new("target", target)
}

impl TypedAction for Reload {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "server";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let commands = Commands::of(server::files(ask.reach, &target)?);
        ask.require_count(&MAX_RELOADS)?;
        let mut preview = Preview::nothing(subject(&target));
        preview.items = 1;
        preview.reversible = Reversibility::None;
        preview.interrupts = Some(Millis::ZERO);
        preview.sample = commands.shown();
        Ok((preview, Target { commands }))
    }

    fn touches(&self, preview: &Preview, target: &Target) -> Vec<Touch> {
        let unit = server::touches(target.commands.unit.as_deref(), Touch::exclusive);
        [Touch::exclusive(preview.about.clone())].into_iter().chain(unit).collect()
    }

    fn amounts(&self, _targets: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        vec![Amount::of(&MAX_RELOADS, 1)]
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: target.commands.unit.into_iter().collect(), undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        reload(doing, &what).map(Begun::Finished)
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a reload cannot be undone".into()))
    }

    fn resolve(&self, _doing: &StepContext<'_>, _what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(Applied::unknown("ansai ended during the reload"))
    }

    fn acts_after_undo(&self) -> bool {
        true
    }

    /// So that it reads the files that were put back.
    fn after_undo(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        reload(doing, &what)
    }
}

fn reload(doing: &StepContext<'_>, what: &Step<Reload>) -> Result<Applied, Refusal> {
    let (site, name) = (Site::of(doing.host), what.arguments.target.as_str());
    let files = server::files(doing.reach, name)?;
    if Commands::of(files) != what.targets.commands {
        return Err(Refusal::Changed("the target has other commands now".into()));
    }
    site.require_this_machine()?;
    server::test(&site, files)?;
    Ok(match server::reload(&site, files) {
        Ok(()) => {
            applied(name, Outcome::Done, format!("the server of {name} has read its certificate again"), Value::Null)
        }
        Err(why) => {
            Applied { reason: Some(why.clone()), ..applied(name, Outcome::Failed, why.to_string(), Value::Null) }
        }
    })
}
