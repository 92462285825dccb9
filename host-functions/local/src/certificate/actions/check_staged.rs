//! `check-staged`.

use std::sync::Arc;

use ansai_certificates::Roots;
use ansai_core::{Outcome, Preview, Refusal, Touch};
use ansai_kit::action::{Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applied;
use crate::certificate::lineages::subject;
use crate::certificate::server::{self, Place};
use crate::certificate::site::Site;
use crate::certificate::staged;

pub(super) struct CheckStaged;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    lineage: String,
    target: String,
    reason: String,
}

impl TypedAction for CheckStaged {
    type Arguments = Arguments;
    type Targets = ();
    const NOUN: &'static str = "check";

    /// An earlier step of the plan may be the one that stages something.
    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, ()), Refusal> {
        let site = Site::of(ask.host);
        site.require_this_machine()?;
        site.require(&arguments.lineage)?;
        server::files(ask.reach, &arguments.target)?;
        let mut preview = Preview::nothing(subject(&arguments.lineage));
        preview.sample.push(format!("the staged certificate of {} can replace the installed one", arguments.lineage));
        Ok((preview, ()))
    }

    fn touches(&self, preview: &Preview, _targets: &()) -> Vec<Touch> {
        vec![Touch::shared(preview.about.clone())]
    }

    fn describe(&self, _targets: ()) -> Described {
        Described::default()
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let (site, name) = (Site::of(doing.host), what.arguments.lineage);
        let installed = Place::of(&server::files(doing.reach, &what.arguments.target)?.certificate)?.read()?;
        let found = staged::check(&site, &name, &installed, Roots::of(doing.host).as_deref(), doing.now);
        Ok(Begun::Finished(match found {
            Ok(_) => applied(&name, Outcome::Done, format!("the staged certificate of {name} passed"), Value::Null),
            Err(why) => {
                Applied { reason: Some(why.clone()), ..applied(&name, Outcome::Failed, why.to_string(), Value::Null) }
            }
        }))
    }

    fn undo(&self, _doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Ok(applied(&what.arguments.lineage, Outcome::Done, "a check changed nothing", Value::Null))
    }

    fn resolve(&self, _doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        Ok(applied(&what.arguments.lineage, Outcome::Failed, "ansai ended before the check did", Value::Null))
    }
}
