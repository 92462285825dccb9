//! `renew`.

use std::sync::Arc;

use ansai_certificates::fingerprint;
use ansai_core::{Outcome, Preview, Refusal, Reversibility, Touch};
use ansai_kit::action::{Amount, Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applied;
use crate::certificate::fields::MAX_RENEWALS;
use crate::certificate::lineages::{manager, subject};
use crate::certificate::site::Site;
use crate::certificate::staging;

pub(super) struct Renew;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    lineage: String,
    reason: String,
}

/// What was staged before the step.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    before: Option<String>,
}

fn staged(site: &Site, name: &str) -> Option<String> {
    staging::version(site, name).ok().flatten().map(|version| fingerprint(version.fullchain()))
}

impl TypedAction for Renew {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "certificate";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { lineage, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let site = Site::of(ask.host);
        site.require(&lineage)?;
        staging::program(&site)?;
        ask.require_count(&MAX_RENEWALS)?;
        let mut preview = Preview::nothing(subject(&lineage));
        preview.items = 1;
        preview.reversible = Reversibility::Fully;
        let before = staged(&site, &lineage);
        preview.sample.push(lineage);
        Ok((preview, Target { before }))
    }

    fn touches(&self, preview: &Preview, _targets: &Target) -> Vec<Touch> {
        vec![Touch::exclusive(preview.about.clone()), Touch::exclusive(manager())]
    }

    fn amounts(&self, _targets: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        vec![Amount::of(&MAX_RENEWALS, 1)]
    }

    fn describe(&self, _targets: Target) -> Described {
        Described { names: Vec::new(), undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let (site, name) = (Site::of(doing.host), what.arguments.lineage);
        site.require(&name)?;
        let program = staging::program(&site)?;
        let done = match staging::renew(&site, program, &name, &|| doing.is_stopping()) {
            Ok(()) => {
                applied(&name, Outcome::Done, format!("{name} is renewed; it waits to be installed"), Value::Null)
            }
            Err(busy @ Refusal::Busy(_)) => return Err(busy),
            Err(why) => {
                Applied { reason: Some(why.clone()), ..applied(&name, Outcome::Failed, why.to_string(), Value::Null) }
            }
        };
        Ok(Begun::Finished(done))
    }

    fn undo(&self, doing: &StepContext<'_>, what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        let name = what.arguments.lineage;
        staging::clear(&Site::of(doing.host), &name)?;
        Ok(applied(&name, Outcome::Done, "removed what was staged", Value::Null))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let name = what.arguments.lineage;
        let now = staged(&Site::of(doing.host), &name);
        // The copy begins with the installed version, and certbot replaces its links at the end.
        let installed = Site::of(doing.host).current(&name).ok().map(|version| fingerprint(version.fullchain()));
        Ok(match now.is_some() && now != what.targets.before && now != installed {
            true => applied(&name, Outcome::Done, format!("{name} was renewed before ansai ended"), Value::Null),
            false => applied(&name, Outcome::Failed, "ansai ended before the renewal did", Value::Null),
        })
    }
}
