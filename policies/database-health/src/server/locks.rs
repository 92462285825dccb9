//! Who holds up whom: the sessions at the root of chains of locks.

use ansai_sdk::{Span, text, waits};

use super::View;
use crate::imports::ansai::database::database_probe::Session;
use crate::report::Report;
use crate::settings::Settings;

/// A prepared transaction as the holder of a lock.
pub(super) const PREPARED: &str = "0";
/// Roots of chains that are followed. There is hardly ever more than one at a time.
const MOST_ROOTS: usize = 20;

/// A session that others wait for, and that waits for nobody; or a prepared transaction.
pub(super) struct Root<'v> {
    pub(super) identity: &'v str,
    /// How many wait for it, also behind each other.
    pub(super) victims: u64,
    /// How long one of them waits at most, in milliseconds: since its statement began, and since the transaction of the root
    /// did. The server does not tell since when it waits.
    pub(super) waited: u64,
}

pub(super) fn roots<'v>(view: &'v View<'_>) -> Vec<Root<'v>> {
    let all = &view.sessions;
    // A prepared transaction is behind the sessions.
    let name = |place| all.get(place).map_or(PREPARED, |one: &Session| &*one.identity);
    let waits_for = |place| all.get(place).map(|one: &Session| &*one.blocked_by).unwrap_or_default();
    let found = waits::roots(all.len().saturating_add(1), name, waits_for, MOST_ROOTS);
    let root = |found: waits::Root| {
        let root = all.get(found.place);
        let held = root.map_or(u64::MAX, |root| view.since(root.in_transaction_since.or(root.since)));
        let waits = found.waiting.iter().filter_map(|place| Some(view.since(all.get(*place)?.since).min(held)));
        let waited = waits.max().unwrap_or_default();
        Root { identity: root.map_or(PREPARED, |root| &root.identity), victims: found.waiting.len() as u64, waited }
    };
    found.into_iter().map(root).collect()
}

/// Sessions that wait for one that was not read this time, for the reason `others`. It is not known what that one does, so it is
/// not ended.
pub(super) fn observe(view: &View<'_>, others: Option<String>, settings: &Settings, report: &mut Report<'_>) {
    let is_partial = others.is_some();
    report.looked("blocked", view.place.name, others);
    let mut known: Vec<&str> = view.sessions.iter().map(|one| &*one.identity).collect();
    known.sort_unstable();
    let is_read = |other: &String| other == PREPARED || known.binary_search(&other.as_str()).is_ok();
    let waiting = view.sessions.iter().filter(|one| is_partial && one.blocked_by.iter().any(|other| !is_read(other)));
    let waits: Vec<u64> = waiting.map(|one| view.since(one.since)).collect();
    let (count, waited) = (waits.len() as u64, waits.into_iter().max().unwrap_or_default());
    let (sessions, time) = (text::count(count, "session"), Span(waited));
    let words = format!("{sessions} of {} wait for sessions that were not read this time, for {time}", view.place.name);
    let seen = view.place.judge("blocked", settings.blocked, waited as f64, words);
    if seen.severity().is_some() {
        report.add(seen.milliseconds("lasts", waited).count("waiting-sessions", count));
    }
}
