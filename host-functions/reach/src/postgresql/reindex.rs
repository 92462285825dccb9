//! `reindex`.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Millis, Preview, Refusal, Touch};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction, Work,
};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::client::quote;
use super::long::{self, Target, Verb};
use super::relation::Id;

/// How long it waits for a lock. It waits for every transaction that uses the table, and nobody waits behind it; a build that
/// is given up leaves an invalid index behind.
const LOCK: Duration = Duration::from_secs(60);

pub(super) struct Reindex;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    index: String,
    within: Millis,
    reason: String,
}

impl TypedAction for Reindex {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "index";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, index, within, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (found, mut preview, target) = Target::preview(ask, Verb::Reindex, &target, Id::parse("index", &index)?)?;
        preview.takes = Some(within);
        // The new index beside the old one, and the sorting.
        preview.needs_bytes = found.bytes.saturating_mul(2);
        Ok((preview, target))
    }

    fn touches(&self, _preview: &Preview, target: &Target) -> Vec<Touch> {
        target.touches()
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        target.canonical()
    }

    fn work(&self) -> Option<Work> {
        Some(Work::Vacuum)
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.shown()], undo_for: None }
    }

    fn amounts(&self, target: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        target.amounts()
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let Step { arguments: Arguments { within, .. }, mut targets } = what;
        let (server, found) = targets.again(doing)?;
        let statement = format!("reindex index concurrently {}", quote::qualified(&found.schema, &found.name)?);
        long::begin(&server, targets, statement, within, LOCK)
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("the old index is gone".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        targets.resolve(doing)
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        long::poll(doing, handle)
    }

    fn cancel(&self, doing: &StepContext<'_>, handle: &RawValue) -> Applied {
        long::cancel(doing, handle)
    }
}
