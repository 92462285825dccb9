//! `vacuum`.

use std::sync::Arc;

use ansai_core::text::inert;
use ansai_core::{Bytes, Measure, Millis, Outcome, Preview, Refusal, Unit};
use ansai_kit::action::{
    Amount, Applied, Begun, Described, Item, Proposed, Step, StepContext, TypedAction, Work as Kind,
};
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::target::Target;
use super::{MOST_DETAIL, applied, failed, within};
use crate::sqlite::holders::Holders;
use crate::sqlite::job::{Reply, Task};
use crate::sqlite::place::{Place, real_path};
use crate::sqlite::run::Work;
use crate::sqlite::wire::Hold;

/// How often its size there must be room for: one copy, and a journal of the whole.
const ROOM: u64 = 2;

pub(in crate::sqlite) struct Vacuum;

#[derive(Serialize, Deserialize)]
pub(in crate::sqlite) struct Arguments {
    path: String,
    within: Millis,
    reason: String,
}

impl TypedAction for Vacuum {
    type Arguments = Arguments;
    type Targets = Target;
    const NOUN: &'static str = "database";

    fn preview(
        &self,
        ask: &ProbeContext<'_>,
        arguments: Arguments,
        _earlier: &[Arc<Proposed>],
    ) -> Result<(Preview, Target), Refusal> {
        within(arguments.within)?;
        let (place, mut preview, target) = Target::preview(ask, &arguments.path)?;
        preview.needs_bytes = room(&place)?;
        preview.frees_now_bytes = free_bytes(&place);
        unlocked(&place, &Holders::of(ask.host, &place, &|| ask.deadline.is_over()))?;
        Ok((preview, target))
    }

    fn work(&self) -> Option<Kind> {
        Some(Kind::Vacuum)
    }

    fn amounts(&self, target: &Target, _treated: Option<&[Item]>) -> Vec<Amount> {
        target.amounts()
    }

    fn describe(&self, target: Target) -> Described {
        Described { names: vec![target.path], undo_for: None }
    }

    fn begin(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Begun, Refusal> {
        let limit = within(what.arguments.within)?;
        let place = what.targets.again(doing)?;
        let owner = place.owner(doing.host)?;
        let most_bytes = room(&place)?.saturating_add(1 << 20);
        unlocked(&place, &Holders::of(doing.host, &place, &|| doing.is_stopping()))?;
        let task = Task::Vacuum { directory: real_path(doing.host, &place.root, b"") };
        let work = Work { host: doing.host, place: &place, owner, task, limit, most_bytes };
        let done = work.run(&|| doing.is_stopping());
        let path = &place.text;
        Ok(Begun::Finished(match done {
            Ok(Reply::Vacuumed) => match Place::of(doing.host, path) {
                Ok(after) => vacuumed(&place, &after),
                Err(why) => {
                    let detail = format!("{path} was rewritten, and cannot be looked at now: {why}");
                    Applied::unknown(inert(&detail, MOST_DETAIL))
                }
            },
            Ok(_) => failed(path, Refusal::Unavailable("the answer is not about a vacuum".into())),
            Err(why) => failed(path, why),
        }))
    }

    fn undo(&self, _doing: &StepContext<'_>, _what: Step<Self>, _items: &[Item]) -> Result<Applied, Refusal> {
        Err(Refusal::Unsupported("a vacuum cannot be undone".into()))
    }

    /// A vacuum is one transaction: it has happened or it has not.
    fn resolve(&self, doing: &StepContext<'_>, what: Step<Self>) -> Result<Applied, Refusal> {
        let path = &what.targets.path;
        let place = Place::of(doing.host, path)?;
        let detail = if place.hot_journal {
            "ansai ended meanwhile; SQLite rolls the vacuum back when the database is opened next"
        } else if place.header.free_pages < what.targets.free_pages {
            return Ok(applied(path, Outcome::Done, "the database was rewritten".into(), Vec::new()));
        } else if place.wal_bytes() > what.targets.wal_bytes {
            return Ok(Applied::unknown(
                "ansai ended meanwhile; the vacuum may be in the -wal file, whole or not at all",
            ));
        } else {
            "ansai ended meanwhile; the database is as before"
        };
        Ok(applied(path, Outcome::Failed, detail.to_owned(), Vec::new()))
    }
}

/// The bytes that it needs, if they are there.
fn room(place: &Place) -> Result<u64, Refusal> {
    let needed = place.all_bytes().saturating_mul(ROOM);
    let available = place.available_bytes()?;
    match needed <= available {
        true => Ok(needed),
        false => Err(Refusal::Unavailable(format!(
            "a vacuum of {} needs {}, and {} are available",
            place.text,
            Bytes::new(needed),
            Bytes::new(available)
        ))),
    }
}

/// Who reads keeps it waiting, and it keeps writers waiting.
fn unlocked(place: &Place, holders: &Holders) -> Result<(), Refusal> {
    match holders.listed.first() {
        Some(first) if first.holds > Hold::Open => {
            Err(Refusal::Busy(format!("{} is locked by {}", place.text, holders.shown())))
        }
        _ => Ok(()),
    }
}

fn free_bytes(place: &Place) -> u64 {
    place.header.free_pages.saturating_mul(place.header.page_bytes.into()).min(place.stat.size)
}

fn vacuumed(before: &Place, after: &Place) -> Applied {
    let freed = before.all_bytes().saturating_sub(after.all_bytes());
    let measures = vec![
        Measure::count("freed-bytes", freed, Unit::Bytes),
        Measure::count("free-pages-after", after.header.free_pages, Unit::None),
    ];
    let detail = format!("rewrote {}, freed {}", before.text, Bytes::new(freed));
    let mut applied = applied(&before.text, Outcome::Done, detail, measures);
    applied.items.iter_mut().for_each(|item| item.freed_bytes = freed);
    applied
}
