//! `look`.

use std::time::Duration;

use ansai_core::Refusal;
use ansai_core::text::inert;
use ansai_kit::host::ProbeContext;
use serde::{Deserialize, Serialize};

use super::holders::Holders;
use super::job::{MOST_PROBLEMS, MOST_TEXT, Reply, Task};
use super::place::Place;
use super::run::Work;
use super::subject;
use super::wire::{Database, Depth};

/// What is left for the answer, of the time that the call has.
const ANSWERING: Duration = Duration::from_millis(500);
/// A check writes no file but the `-shm` of the owner.
const MOST_WRITTEN: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
pub(super) struct Look {
    path: String,
    depth: Depth,
}

pub(super) fn look(ask: &ProbeContext<'_>, Look { path, depth }: Look) -> Result<Database, Refusal> {
    let place = Place::of(ask.host, &path)?;
    let is_over = || ask.deadline.is_over();
    let (problems, more_problems) = match depth {
        Depth::Header => (Vec::new(), false),
        Depth::Quick => check(ask, &place, Task::Quick)?,
        Depth::Full => check(ask, &place, Task::Full)?,
    };
    let holders = Holders::recent(ask.host, &place, &is_over);
    Ok(Database {
        about: subject(&path),
        bytes: place.stat.size,
        journal: place.header.journal,
        page_bytes: place.header.page_bytes,
        pages: place.header.pages,
        free_pages: place.header.free_pages,
        wal_bytes: place.wal_bytes(),
        wal_modified: place.wal.map(|wal| wal.mtime.timestamp()),
        modified: place.stat.mtime.timestamp(),
        hot_journal: place.hot_journal,
        available_bytes: place.available_bytes()?,
        holders: holders.listed,
        more_holders: holders.more,
        holders_complete: holders.complete,
        problems,
        more_problems,
        checked: depth,
    })
}

fn check(ask: &ProbeContext<'_>, place: &Place, task: Task) -> Result<(Vec<String>, bool), Refusal> {
    let owner = place.owner(ask.host)?;
    if place.hot_journal {
        let why = "has a journal of a transaction that is not complete; only a process that may write can roll it back";
        return Err(Refusal::Unavailable(format!("{} {why}", place.text)));
    }
    let limit = ask.deadline.remaining().saturating_sub(ANSWERING);
    let work = Work { host: ask.host, place, owner, task, limit, most_bytes: MOST_WRITTEN };
    match work.run(&|| ask.deadline.is_over())? {
        Reply::Checked { problems, more } => {
            let more = more || problems.len() > MOST_PROBLEMS;
            Ok((problems.iter().take(MOST_PROBLEMS).map(|text| inert(text, MOST_TEXT)).collect(), more))
        }
        _ => Err(Refusal::Unavailable(format!("{}: the answer is not about a check", place.text))),
    }
}
