//! `vacuum`, `reindex` and `drop-leftover`: one statement each, which the server may take minutes for.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Millis, Preview, Refusal, Touch};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction, Work,
};
use ansai_kit::authorize::Canonical;
use ansai_kit::function::Wire;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::client::quote;
use super::long::{self, Found, Target, Verb};
use super::relation::Id;
use crate::database::statement;

/// Such a statement.
pub(super) trait Statement: Send + Sync {
    type Arguments: Wire;
    /// The parameter that names what it treats, and what that is.
    const NOUN: &'static str;
    const VERB: Verb;
    /// How long it waits for a lock.
    const LOCK: Duration;
    const NO_UNDO: &'static str;

    /// The target, and the id of what it treats.
    fn about(arguments: &Self::Arguments) -> (&str, &str);
    /// The server ends it after this time.
    fn within(arguments: &Self::Arguments) -> Millis;
    /// What a person is told to expect.
    fn expect(preview: &mut Preview, arguments: &Self::Arguments, found: &Found);
    /// The statement, for a name that is quoted.
    fn text(arguments: &Self::Arguments, name: &str) -> String;
}

#[derive(Serialize, Deserialize)]
pub(super) struct OfTable {
    target: String,
    table: String,
    analyse: bool,
    within: Millis,
    reason: String,
}

pub(super) struct Vacuum;

impl Statement for Vacuum {
    type Arguments = OfTable;
    const NOUN: &'static str = "table";
    const VERB: Verb = Verb::Vacuum;
    /// While it waits, others that want the table wait behind it.
    const LOCK: Duration = Duration::from_secs(5);
    const NO_UNDO: &'static str = "a vacuum has nothing to undo";

    fn about(arguments: &OfTable) -> (&str, &str) {
        (&arguments.target, &arguments.table)
    }

    fn within(arguments: &OfTable) -> Millis {
        arguments.within
    }

    fn expect(preview: &mut Preview, arguments: &OfTable, _found: &Found) {
        preview.takes = Some(arguments.within);
    }

    fn text(arguments: &OfTable, name: &str) -> String {
        let options = if arguments.analyse { "(analyze)" } else { "" };
        format!("vacuum {options} {name}")
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct OfIndex {
    target: String,
    index: String,
    within: Millis,
    reason: String,
}

/// How long changes of an index wait for a lock. They wait for every transaction that uses the table, and nobody waits behind
/// them; a build that is given up leaves an invalid index behind.
const LOCK_OF_INDEX: Duration = Duration::from_secs(60);

pub(super) struct Reindex;

impl Statement for Reindex {
    type Arguments = OfIndex;
    const NOUN: &'static str = "index";
    const VERB: Verb = Verb::Reindex;
    const LOCK: Duration = LOCK_OF_INDEX;
    const NO_UNDO: &'static str = "the old index is gone";

    fn about(arguments: &OfIndex) -> (&str, &str) {
        (&arguments.target, &arguments.index)
    }

    fn within(arguments: &OfIndex) -> Millis {
        arguments.within
    }

    fn expect(preview: &mut Preview, arguments: &OfIndex, found: &Found) {
        preview.takes = Some(arguments.within);
        // The new index beside the old one, and the sorting.
        preview.needs_bytes = found.bytes.saturating_mul(2);
    }

    fn text(_arguments: &OfIndex, name: &str) -> String {
        format!("reindex index concurrently {name}")
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct OfLeftover {
    target: String,
    index: String,
    reason: String,
}

pub(super) struct DropLeftover;

impl Statement for DropLeftover {
    type Arguments = OfLeftover;
    const NOUN: &'static str = "index";
    const VERB: Verb = Verb::DropLeftover;
    const LOCK: Duration = LOCK_OF_INDEX;
    const NO_UNDO: &'static str = "a dropped index is gone";

    fn about(arguments: &OfLeftover) -> (&str, &str) {
        (&arguments.target, &arguments.index)
    }

    fn within(_arguments: &OfLeftover) -> Millis {
        Millis::new(600_000)
    }

    fn expect(preview: &mut Preview, _arguments: &OfLeftover, found: &Found) {
        preview.frees_now_bytes = found.bytes;
    }

    fn text(_arguments: &OfLeftover, name: &str) -> String {
        format!("drop index concurrently {name}")
    }
}

/// The action that runs a statement.
pub(super) struct Maintain<S>(pub(super) S);

impl<S: Statement> TypedAction for Maintain<S> {
    type Arguments = S::Arguments;
    type Targets = Target;
    const NOUN: &'static str = S::NOUN;

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: S::Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (target, id) = S::about(&arguments);
        let (found, mut preview, target) = Target::preview(ask, S::VERB, target, Id::parse(S::NOUN, id)?)?;
        S::expect(&mut preview, &arguments, &found);
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
        let Step { arguments, mut targets } = what;
        let (server, found) = targets.again(doing)?;
        let statement = S::text(&arguments, &quote::qualified(&found.schema, &found.name)?);
        long::begin(&server, targets, statement, S::within(&arguments), S::LOCK)
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported(S::NO_UNDO.into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        targets.resolve(doing)
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Leave
    }

    fn poll(&self, doing: &StepContext<'_>, handle: &RawValue) -> Progress {
        statement::poll::<Target>(doing, handle)
    }

    fn cancel(&self, doing: &StepContext<'_>, handle: &RawValue) -> Applied {
        statement::cancel::<Target>(doing, handle)
    }
}
