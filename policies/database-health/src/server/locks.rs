//! Who holds up whom: the sessions at the root of chains of locks.

use ansai_sdk::{Measure, Observation, Span, Status, largest, text};

use super::View;
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
    let pairs = all.iter().enumerate().flat_map(|(place, one)| one.blocked_by.iter().map(move |other| (place, other)));
    let mut pairs = pairs.peekable();
    if pairs.peek().is_none() {
        return Vec::new();
    }
    // Sessions by their places in the list, because comparing texts is what costs. A prepared transaction is behind them.
    let mut places: Vec<(&str, usize)> = all.iter().enumerate().map(|(place, one)| (&*one.identity, place)).collect();
    places.push((PREPARED, all.len()));
    places.sort_unstable();
    let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    for (place, other) in pairs {
        let found = places.binary_search_by(|(identity, _)| (*identity).cmp(other)).ok();
        let blocker = found.and_then(|found| places.get(found)).and_then(|(_, blocker)| waiting.get_mut(*blocker));
        if let Some(behind) = blocker {
            behind.push(place);
        }
    }
    let is_root = |place: &usize| {
        let is_free = all.get(*place).is_none_or(|one| one.blocked_by.is_empty());
        is_free && waiting.get(*place).is_some_and(|behind| !behind.is_empty())
    };
    let found: Vec<usize> = (0..waiting.len()).filter(is_root).collect();
    let followed = largest(found, MOST_ROOTS, |place| waiting.get(*place).map_or(0, Vec::len));
    followed.into_iter().map(|place| follow(view, place, &waiting)).collect()
}

/// Follows the chain behind a root. Each session counts once.
fn follow<'v>(view: &'v View<'_>, place: usize, waiting: &[Vec<usize>]) -> Root<'v> {
    let root = view.sessions.get(place);
    let held = root.map_or(u64::MAX, |root| view.since(root.in_transaction_since.or(root.since)));
    let mut seen = vec![false; waiting.len()];
    let (mut open, mut victims, mut waited) = (vec![place], 0_u64, 0);
    while let Some(next) = open.pop() {
        for victim in waiting.get(next).into_iter().flatten() {
            let is_new = seen.get_mut(*victim).is_some_and(|seen| !std::mem::replace(seen, true));
            if let Some(session) = view.sessions.get(*victim).filter(|_| is_new) {
                victims = victims.saturating_add(1);
                waited = view.since(session.since).min(held).max(waited);
                open.push(*victim);
            }
        }
    }
    Root { identity: root.map_or(PREPARED, |root| &root.identity), victims, waited }
}

/// Sessions that wait for one that was not read this time, for the reason `others`. It is not known what that one does, so it is
/// not ended.
pub(super) fn observe(view: &View<'_>, others: Option<String>, settings: &Settings, report: &mut Report<'_>) {
    let (target, key) = (view.target, format!("blocked:{}", view.target));
    let is_partial = others.is_some();
    report.looked("blocked", target, others);
    let mut known: Vec<&str> = view.sessions.iter().map(|one| &*one.identity).collect();
    known.sort_unstable();
    let is_read = |other: &String| other == PREPARED || known.binary_search(&other.as_str()).is_ok();
    let waiting = view.sessions.iter().filter(|one| is_partial && one.blocked_by.iter().any(|other| !is_read(other)));
    let waits: Vec<u64> = waiting.map(|one| view.since(one.since)).collect();
    let waited = waits.iter().copied().max().unwrap_or_default();
    let Some(severity) = settings.blocked.severity(waited as f64, report.host().open_severity(&key)) else { return };
    let (count, time) = (text::count(waits.len() as u64, "session"), Span(waited));
    let words = format!("{count} of {target} wait for sessions that were not read this time, for {time}");
    let seen = Observation::new(key, view.server.about.clone(), Status::Unhealthy(severity), words);
    report.add(
        seen.with(Measure::milliseconds("lasts", waited)).with(Measure::count("waiting-sessions", waits.len() as u64)),
    );
}
