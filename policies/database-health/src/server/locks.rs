//! Who holds up whom: the sessions at the root of chains of locks.

use std::collections::BTreeMap;

use ansai_sdk::largest;

use super::View;
use crate::imports::ansai::database::database_probe::Session;

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
    let sessions = || view.sessions.iter();
    let by_identity: BTreeMap<&str, &Session> = sessions().map(|one| (&*one.identity, one)).collect();
    let mut waiting: BTreeMap<&str, Vec<&Session>> = BTreeMap::new();
    for one in sessions() {
        for blocker in &one.blocked_by {
            waiting.entry(blocker).or_default().push(one);
        }
    }
    let is_root = |identity: &&str| {
        *identity == PREPARED || by_identity.get(*identity).is_some_and(|one| one.blocked_by.is_empty())
    };
    let roots: Vec<&str> = waiting.keys().copied().filter(is_root).collect();
    let followed = largest(roots, MOST_ROOTS, |identity| waiting.get(identity).map_or(0, Vec::len));
    followed.into_iter().map(|identity| follow(view, identity, by_identity.get(identity).copied(), &waiting)).collect()
}

/// Follows the chain behind a root. Each session counts once.
fn follow<'v>(
    view: &View<'_>,
    identity: &'v str,
    root: Option<&Session>,
    waiting: &BTreeMap<&str, Vec<&'v Session>>,
) -> Root<'v> {
    let held = root.map_or(u64::MAX, |root| view.since(root.in_transaction_since.or(root.since)));
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    let mut open = vec![identity];
    while let Some(next) = open.pop() {
        for victim in waiting.get(next).into_iter().flatten() {
            if found.insert(&victim.identity, view.since(victim.since).min(held)).is_none() {
                open.push(&victim.identity);
            }
        }
    }
    let waited = found.values().copied().max().unwrap_or_default();
    Root { identity, victims: found.len() as u64, waited }
}
