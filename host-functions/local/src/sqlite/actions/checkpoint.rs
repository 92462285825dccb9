//! `checkpoint`.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Bytes, Measure, Outcome, Preview, Refusal, Unit};
use ansai_kit::action::{Amount, Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::target::Target;
use super::{applied, failed};
use crate::sqlite::holders::Holders;
use crate::sqlite::job::{Reply, Task};
use crate::sqlite::place::Place;
use crate::sqlite::run::Work;
use crate::sqlite::wire::Journal;

/// How long it may take: to write a `-wal` file of gigabytes takes a while.
const LIMIT: Duration = Duration::from_secs(300);

pub(in crate::sqlite) struct Checkpoint;

#[derive(Serialize, Deserialize)]
pub(in crate::sqlite) struct Arguments {
    path: String,
    reason: String,
}

impl TypedAction for Checkpoint {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "database";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        let (place, mut preview, target) = Target::preview(ask, &arguments.path)?;
        require(&place)?;
        preview.frees_now_bytes = target.wal_bytes;
        Ok((preview, target))
    }

    fn amounts(&self, target: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        target.amounts()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.path], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let place = what.targets.again(doing)?;
        require(&place)?;
        let owner = place.owner(doing.host)?;
        // The database itself may grow by what is in the file.
        let most_bytes = place.all_bytes().saturating_mul(2).saturating_add(1 << 20);
        let work = Work { host: doing.host, place: &place, owner, task: Task::Checkpoint, limit: LIMIT, most_bytes };
        let done = work.run(&|| doing.is_stopping());
        let path = &place.text;
        // What is done stays done, also if the file cannot be looked at now.
        let is_emptied = matches!(done, Ok(Reply::Checkpointed { kept: false }));
        let unseen = if is_emptied { 0 } else { place.wal_bytes() };
        let after = Place::of(doing.host, path).map_or(unseen, |after| after.wal_bytes());
        let freed = place.wal_bytes().saturating_sub(after);
        let measures = vec![
            Measure::count("freed-bytes", freed, Unit::Bytes),
            Measure::count("wal-bytes-after", after, Unit::Bytes),
        ];
        let mut applied = match done {
            Err(why) => failed(path, why),
            Ok(Reply::Checkpointed { kept: false }) => {
                applied(path, Outcome::Done, format!("emptied the -wal file, freed {}", Bytes::new(freed)), measures)
            }
            Ok(Reply::Checkpointed { kept: true }) => {
                let holders = Holders::of(doing.host, &place, &|| doing.is_stopping());
                failed(path, Refusal::Busy(format!("the -wal file is kept in use by {}", holders.shown())))
            }
            Ok(_) => failed(path, Refusal::Unavailable("the answer is not about a checkpoint".into())),
        };
        applied.items.iter_mut().for_each(|item| item.freed_bytes = freed);
        Ok(Begun::Finished(applied))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a checkpoint changes no content, so there is nothing to undo".into()))
    }

    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let path = &what.targets.path;
        Ok(match Place::of(doing.host, path)?.wal_bytes() {
            0 => applied(path, Outcome::Done, "the -wal file is empty".into(), Vec::new()),
            left => {
                let detail =
                    format!("ansai ended meanwhile; the -wal file has {}, and no content is lost", Bytes::new(left));
                applied(path, Outcome::Failed, detail, Vec::new())
            }
        })
    }
}

fn require(place: &Place) -> Result<(), Refusal> {
    match (place.header.journal, place.wal_bytes()) {
        (Journal::Wal, 1..) => Ok(()),
        _ => Err(Refusal::Invalid(format!("{} has no -wal file with content", place.text))),
    }
}
