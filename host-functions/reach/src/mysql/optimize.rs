//! `optimize`: a table is built again, so that its file has no unused room.

use std::sync::Arc;

use ansai_core::{Measure, Millis, Outcome, Preview, Refusal, Reversibility, Touch, Unit};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Item, OnStop, Progress, Proposed, Step, StepContext, TypedAction, Work,
};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::client::{Server, quote};
use super::fields::{DATABASES, MAX_BYTES};
use super::table::{self, LIMIT, Table};
use super::{long, space};
use crate::database::names::{self, shown};
use crate::database::statement;

#[derive(Serialize, Deserialize)]
pub(super) struct Arguments {
    target: String,
    table: String,
    within: Millis,
    reason: String,
}

/// The table of a step, as it was previewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Target {
    pub(super) target: String,
    pub(super) id: u64,
    pub(super) database: String,
    pub(super) name: String,
    bytes: u64,
    /// Where the server runs, by the labels of its target.
    unit: Option<String>,
    mount: Option<String>,
}

impl Target {
    /// Its name for a person.
    pub(super) fn shown(&self) -> String {
        format!("{}.{}", shown(&self.database), shown(&self.name))
    }

    /// The outcome of a step. `now` is the table as it is now.
    pub(super) fn applied(&self, outcome: Outcome, detail: impl Into<String>, now: Option<&Table>) -> Applied {
        let freed_bytes =
            now.filter(|_| outcome == Outcome::Done).map_or(0, |now| self.bytes.saturating_sub(now.bytes));
        let mut measures = vec![Measure::count("bytes-before", self.bytes, Unit::Bytes)];
        measures.extend(now.map(|table| Measure::count("bytes-after", table.bytes, Unit::Bytes)));
        let mut applied = Applied { measures, ..Applied::of_one(self.shown(), outcome, detail) };
        applied.items.iter_mut().for_each(|item| item.freed_bytes = freed_bytes);
        applied
    }
}

/// Refuses a table that is larger than the grant permits.
fn is_small_enough(table: &Table, most: u64) -> Result<(), Refusal> {
    let (bytes, name, field) = (table.bytes, shown(&table.name), MAX_BYTES.field().name);
    match bytes <= most {
        true => Ok(()),
        false => Err(Refusal::Denied(format!("{name} has {bytes} bytes; `{field}` of the grant leaves {most}"))),
    }
}

pub(super) struct Optimize;

impl TypedAction for Optimize {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "table";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        Arguments { target, table, within, .. }: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let invalid = |_| Refusal::Invalid("`table` is not an id of a list".into());
        let id: u64 = table.parse().map_err(invalid)?;
        let server = Server::of(ask.reach, &target)?;
        let found = Table::of(&server, names::limit_of_preview(ask)?, id)?;
        is_small_enough(&found, ask.scope.bytes(&MAX_BYTES))?;
        let labels = &server.target().target.labels;
        let (unit, mount) = (names::label(labels, names::UNIT), names::label(labels, names::MOUNT));
        space::check(ask.host, mount.as_deref(), found.bytes)?;
        let Table { database, name, bytes, free_bytes, .. } = found;
        let target = Target { target, id, database, name, bytes, unit, mount };
        let mut preview = Preview::nothing(table::subject(&target.target, &target.database, &target.name));
        preview.items = 1;
        preview.reversible = Reversibility::None;
        preview.frees_now_bytes = free_bytes.min(bytes);
        preview.needs_bytes = space::needed(bytes);
        preview.takes = Some(within);
        preview.mount.clone_from(&target.mount);
        preview.sample.push(target.shown());
        Ok((preview, target))
    }

    fn touches(&self, preview: &Preview, target: &Target) -> Vec<Touch> {
        let mut touches = vec![Touch::exclusive(preview.about.clone()), Touch::shared(names::target(&target.target))];
        touches.extend(names::where_it_runs(target.unit.as_deref(), target.mount.as_deref()));
        touches
    }

    fn canonical(&self, _preview: &Preview, target: &Target) -> Vec<Canonical> {
        vec![Canonical::new(&DATABASES, shown(&target.database))]
    }

    fn work(&self) -> Option<Work> {
        Some(Work::Vacuum)
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.shown()], undo_for: None }
    }

    fn amounts(&self, target: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        vec![Amount::of(&MAX_BYTES, target.bytes)]
    }

    fn begin(&self, doing: &StepContext<'_>, Step { arguments, targets }: Step<Self>) -> Result<Begun, Refusal> {
        let server = Server::of(doing.reach, &targets.target)?;
        let found = Table::of(&server, LIMIT, targets.id)?;
        if found.name != targets.name || found.database != targets.database {
            return Err(Refusal::Changed(format!("{} has another name now", targets.shown())));
        }
        is_small_enough(&found, doing.scope.bytes(&MAX_BYTES))?;
        space::check(doing.host, targets.mount.as_deref(), found.bytes)?;
        // `local`: replicas are not held up, and decide for themselves.
        let statement = format!("optimize local table {}", quote::qualified(&found.database, &found.name)?);
        long::begin(&server, Target { bytes: found.bytes, ..targets }, statement, arguments.within)
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a rebuilt table has nothing to undo".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, Step { targets, .. }: Step<Self>) -> Result<Applied, Refusal> {
        long::resolve(doing, &targets)
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
