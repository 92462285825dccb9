//! The table or index of a step.

use ansai_core::{Measure, Outcome, Preview, Refusal, Reversibility, Subject, Touch, Unit};
use ansai_kit::action::{Amount, Applied, StepContext};
use ansai_kit::authorize::Canonical;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::Found;
use super::found::LIMIT;
use crate::database::names::{self, shown};
use crate::postgresql::client::Server;
use crate::postgresql::fields::{DATABASES, MAX_BYTES};
use crate::postgresql::relation::Id;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::postgresql) enum Verb {
    Vacuum,
    Reindex,
    DropLeftover,
}

impl Verb {
    pub(super) fn done(self) -> &'static str {
        match self {
            Verb::Vacuum => "vacuumed",
            Verb::Reindex => "built again",
            Verb::DropLeftover => "dropped",
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Verb::Vacuum => "database-table",
            Verb::Reindex | Verb::DropLeftover => "database-index",
        }
    }
}

/// The table or index of a step, as it was previewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::postgresql) struct Target {
    pub(super) verb: Verb,
    pub(super) target: String,
    pub(super) id: Id,
    pub(super) database: String,
    pub(super) schema: String,
    pub(super) name: String,
    /// Of an index: schema and name of its table.
    pub(super) table: Option<[String; 2]>,
    pub(super) bytes: u64,
    pub(super) dead: u64,
    /// How often the table was vacuumed, by hand.
    pub(super) vacuums: u64,
    /// Invalid indexes of the same table that were there before.
    pub(super) invalid: Vec<u32>,
    /// Where the server runs, by the labels of its target.
    pub(super) unit: Option<String>,
    pub(super) mount: Option<String>,
}

impl Target {
    /// What a policy proposes to treat.
    ///
    /// # Errors
    /// It is gone, not eligible, or too large for the grant.
    pub(in crate::postgresql) fn preview(
        ask: &ProbeContext<'_>,
        verb: Verb,
        target: &str,
        id: Id,
    ) -> Result<(Found, Preview, Target), Refusal> {
        let server = Server::of(ask.reach, target)?;
        let found = Found::of(&server, names::limit_of_preview(ask)?, verb, id)?;
        let most = ask.scope.bytes(&MAX_BYTES);
        if found.bytes > most {
            let (bytes, field) = (found.bytes, MAX_BYTES.field().name);
            let name = shown(&found.name);
            return Err(Refusal::Denied(format!("{name} has {bytes} bytes; `{field}` of the grant leaves {most}")));
        }
        let labels = &server.target().target.labels;
        let target = Target {
            verb,
            target: target.to_owned(),
            id,
            database: found.database.clone(),
            schema: found.schema.clone(),
            name: found.name.clone(),
            table: found.table.clone(),
            bytes: found.bytes,
            dead: found.dead,
            vacuums: found.vacuums,
            invalid: found.invalid.clone(),
            unit: names::label(labels, names::UNIT),
            mount: names::label(labels, names::MOUNT),
        };
        let mut preview = Preview::nothing(target.subject());
        preview.items = 1;
        preview.reversible = Reversibility::None;
        preview.mount.clone_from(&target.mount);
        preview.sample.push(target.shown());
        Ok((found, preview, target))
    }

    /// The same table or index as it is now, eligible still. What the step is measured by is that of now.
    ///
    /// # Errors
    /// `changed` if it has another name; see [`Found::of`].
    pub(in crate::postgresql) fn again(&mut self, doing: &StepContext<'_>) -> Result<(Server, Found), Refusal> {
        let server = Server::of(doing.reach, &self.target)?;
        let found = Found::of(&server, LIMIT, self.verb, self.id)?;
        let is_same = found.schema == self.schema && found.name == self.name && found.database == self.database;
        if !is_same || found.table != self.table {
            return Err(Refusal::Changed(format!("{} has another name now", self.shown())));
        }
        if found.bytes > doing.scope.bytes(&MAX_BYTES) {
            return Err(Refusal::Denied(format!("{} has {} bytes now", self.shown(), found.bytes)));
        }
        self.invalid.clone_from(&found.invalid);
        self.vacuums = found.vacuums;
        Ok((server, found))
    }

    fn subject(&self) -> Subject {
        names::relation(self.verb.kind(), &self.target, [&self.database, &self.schema, &self.name])
    }

    /// Its name for a person.
    pub(in crate::postgresql) fn shown(&self) -> String {
        format!("{}.{}", shown(&self.schema), shown(&self.name))
    }

    pub(in crate::postgresql) fn touches(&self) -> Vec<Touch> {
        let mut touches = vec![Touch::exclusive(self.subject()), Touch::shared(names::target(&self.target))];
        if let Some([schema, table]) = &self.table {
            let parts = [self.database.as_str(), schema.as_str(), table.as_str()];
            touches.push(Touch::exclusive(names::relation("database-table", &self.target, parts)));
        }
        touches.extend(names::where_it_runs(self.unit.as_deref(), self.mount.as_deref()));
        touches
    }

    pub(in crate::postgresql) fn canonical(&self) -> Vec<Canonical> {
        vec![Canonical::new(&DATABASES, shown(&self.database))]
    }

    pub(in crate::postgresql) fn amounts(&self) -> Vec<Amount> {
        vec![Amount::of(&MAX_BYTES, self.bytes)]
    }

    /// The outcome of a step.
    pub(super) fn applied(&self, outcome: Outcome, detail: impl Into<String>, now: Option<&Found>) -> Applied {
        let mut measures = vec![Measure::count("bytes-before", self.bytes, Unit::Bytes)];
        measures.extend(now.map(|found| Measure::count("bytes-after", found.bytes, Unit::Bytes)));
        if self.verb == Verb::Vacuum {
            measures.push(Measure::count("dead-rows-before", self.dead, Unit::None));
            measures.extend(now.map(|found| Measure::count("dead-rows-after", found.dead, Unit::None)));
        }
        Applied { measures, ..Applied::of_one(self.shown(), outcome, detail) }
    }
}
