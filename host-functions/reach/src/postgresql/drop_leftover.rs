//! `drop-leftover`.

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

/// The server ends it after this time.
const WITHIN: Millis = Millis::new(600_000);
/// How long it waits for a lock. It waits for every transaction that uses the table, and nobody waits behind it.
const LOCK: Duration = Duration::from_secs(60);

pub(super) struct DropLeftover;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    index: String,
    reason: String,
}

impl TypedAction for DropLeftover {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "index";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, index, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (found, mut preview, target) =
            Target::preview(ask, Verb::DropLeftover, &target, Id::parse("index", &index)?)?;
        preview.frees_now_bytes = found.bytes;
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
        let Step { mut targets, .. } = what;
        let (server, found) = targets.again(doing)?;
        let statement = format!("drop index concurrently {}", quote::qualified(&found.schema, &found.name)?);
        long::begin(&server, targets, statement, WITHIN, LOCK)
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a dropped index is gone".into()))
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
