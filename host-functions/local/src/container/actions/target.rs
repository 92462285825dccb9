//! The container of a step.

use std::time::Duration;

use ansai_core::text::inert;
use ansai_core::{Outcome, Preview, Refusal, Reversibility, Subject};
use ansai_kit::action::{Applied, StepContext};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use crate::container::api::Engine;
use crate::container::fields::{CONTAINERS, LABELS};
use crate::container::identity::Identity;
use crate::container::probe::{Seen, engine_of_preview, inspect};
use crate::container::subject;

/// One call of the executor.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// The container of a step, as it was previewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Target {
    pub(super) target: String,
    pub(super) name: String,
    pub(super) identity: Identity,
    /// When its last run ended, as the engine writes it: a stop does not change the instant of the start.
    pub(super) finished: String,
    /// The label that the grant permits; empty if it permits containers without labels.
    pub(super) label: String,
}

impl Target {
    /// The container of an identity as the scope permits it, with a preview that changes one thing.
    pub(super) fn preview(
        ask: &ProbeContext<'_>,
        target: &str,
        identity: &str,
    ) -> Result<(Seen, Preview, Target), Refusal> {
        let identity = Identity::parse(identity)?;
        let engine = engine_of_preview(ask, target)?;
        let seen = inspect(&engine, &identity.id).map_err(|failed| failed.refusal("the container"))?;
        ask.permit(&CONTAINERS, &seen.name)?;
        let label = permitted_label(ask, &seen)?;
        if seen.identity() != identity {
            return Err(Refusal::Changed(format!("{} was started again meanwhile", seen.name)));
        }
        let mut preview = Preview::nothing(subject("container", target, &seen.name));
        preview.items = 1;
        preview.reversible = Reversibility::None;
        preview.sample.push(seen.name.clone());
        let (target, name, finished) = (target.to_owned(), seen.name.clone(), finished(&seen));
        let found = Target { target, name, identity, finished, label };
        Ok((seen, preview, found))
    }

    pub(super) fn canonical(&self) -> Vec<Canonical> {
        vec![Canonical::new(&CONTAINERS, self.name.as_str()), Canonical::new(&LABELS, self.label.as_str())]
    }

    pub(super) fn about(&self) -> Subject {
        subject("container", &self.target, &self.name)
    }

    /// The container as it is now, by its id.
    pub(super) fn now(&self, doing: &StepContext<'_>) -> Result<(Engine, Seen), Refusal> {
        let engine = Engine::of(doing.host, doing.reach, &self.target, LIMIT)?;
        let seen = inspect(&engine, &self.identity.id).map_err(|failed| failed.refusal(&self.name))?;
        Ok((engine, seen))
    }

    /// The same in the run that was previewed, with the name and the label that the grant permits.
    ///
    /// # Errors
    /// `changed` if it was started again, renamed, or made without the label.
    pub(super) fn again(&self, doing: &StepContext<'_>) -> Result<(Engine, Seen), Refusal> {
        let (engine, seen) = self.now(doing)?;
        let has_label = self.label.is_empty() || seen.labels().contains(&self.label);
        match seen.identity() == self.identity && seen.name == self.name && has_label {
            true => Ok((engine, seen)),
            false => Err(Refusal::Changed(format!("{} was started again or changed meanwhile", self.name))),
        }
    }

    /// The outcome of a step that treats one container.
    pub(super) fn applied(&self, outcome: Outcome, detail: impl Into<String>) -> Applied {
        Applied::of_one(&self.name, outcome, detail)
    }
}

/// When the last run of a container ended.
pub(super) fn finished(seen: &Seen) -> String {
    inert(&seen.found.state.finished_at, 64)
}

/// A label of the container that the scope permits. What permits everything permits a container without labels, too.
pub(super) fn permitted_label(ask: &ProbeContext<'_>, seen: &Seen) -> Result<String, Refusal> {
    let labels = seen.labels();
    let found = labels.into_iter().chain([String::new()]).find(|label| ask.permit(&LABELS, label).is_ok());
    found.ok_or_else(|| Refusal::Denied(format!("no label of {} is granted: see `labels` of the grant", seen.name)))
}
