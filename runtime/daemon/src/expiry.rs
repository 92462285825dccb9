//! What the configuration relies on and what ends: lists of revocations. Keys and indexes have no end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_core::control::{Expiry, ExpiryState};
use ansai_core::{Millis, Timestamp};
use ansai_registry::{Digest, ListProblem, Lists, RevocationSource, TrustPolicy};

use crate::configuration::Configuration;
use crate::pulled;

/// An end is told at most so long before it.
const MOST_AHEAD: Millis = Millis::new(7 * 86_400_000);
/// What is missing is told once in each of these periods.
const MISSING_AGAIN: Millis = Millis::new(30 * 86_400_000);

/// What a configuration relies on and what ends soon, has ended or is missing.
pub fn expiring(configuration: &Configuration, state_dir: &Path, now: Timestamp) -> Vec<Expiry> {
    Expiries::of(configuration, state_dir).now(now)
}

/// What a configuration relies on.
#[derive(Clone)]
pub(crate) struct Expiries {
    vouching: Arc<TrustPolicy>,
    state_dir: PathBuf,
}

impl Expiries {
    pub(crate) fn of(configuration: &Configuration, state_dir: &Path) -> Expiries {
        Expiries { vouching: configuration.vouching.clone(), state_dir: state_dir.to_owned() }
    }

    /// What ends soon, has ended or is missing now. Reads the files again.
    pub(crate) fn now(&self, now: Timestamp) -> Vec<Expiry> {
        let mut sources: Vec<&RevocationSource> = self.vouching.lists().collect();
        sources.dedup();
        if sources.is_empty() {
            return Vec::new();
        }
        let lists = match pulled::open(&self.state_dir) {
            Ok(Some(store)) => Lists::of(&store),
            Ok(None) => Lists::default(),
            Err(error) => {
                tracing::warn!("when lists of revocations end is unknown: {error}");
                return Vec::new();
            }
        };
        sources.into_iter().filter_map(|source| of_list(&lists, source, now)).collect()
    }
}

fn of_list(lists: &Lists, source: &RevocationSource, now: Timestamp) -> Option<Expiry> {
    let address = &source.address;
    let id = |word: &str| format!("expiring-{}-{word}", Digest::of(address.as_bytes()).hex());
    let list = match lists.get(source) {
        Ok(list) => list,
        Err(problem) => {
            let summary = format!("{problem}, so its policies only observe: run `ansai pull`");
            let id = id(&format!("missing-{}", now.as_millis() / MISSING_AGAIN.get()));
            return Some(Expiry { id, state: ExpiryState::Missing, expires: None, summary });
        }
    };
    let (serial, expires) = (list.serial, list.expires);
    if let Some(problem @ ListProblem::Expired { .. }) = list.overdue(source, now) {
        let summary = format!(
            "{problem}: its policies run, and nothing new is accepted until `ansai pull` gets a newer one from its signer"
        );
        let id = id(&format!("{serial}-expired"));
        return Some(Expiry { id, state: ExpiryState::Expired, expires: Some(expires), summary });
    }
    let left = expires - now;
    if left > ahead(lists.kept_since(address), expires) {
        return None;
    }
    let summary = format!(
        "the kept list of revocations of {address}, serial {serial}, expires in {left}: run `ansai pull`; if that gets no \
         newer one, its signer has to renew it"
    );
    Some(Expiry { id: id(&format!("{serial}-soon")), state: ExpiryState::Soon, expires: Some(expires), summary })
}

/// How long before its end a list is told: in the last quarter of the time that it is kept, so that a list for a day is not
/// always told, and a week ahead at most.
fn ahead(kept_since: Option<Timestamp>, expires: Timestamp) -> Millis {
    let lasts = kept_since.map_or(MOST_AHEAD, |since| expires - since);
    Millis::new(lasts.get() / 4).min(MOST_AHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    #[test]
    fn an_end_is_told_in_the_last_quarter_and_a_week_ahead_at_most() {
        let at = |days: u64| Timestamp::from_millis((20_000 + days) * DAY);
        assert_eq!(ahead(Some(at(0)), at(30)), Millis::new(7 * DAY));
        assert_eq!(ahead(Some(at(0)), at(4)), Millis::new(DAY));
        assert_eq!(ahead(Some(at(0)), at(1)), Millis::new(DAY / 4));
        // A clock that was set back, and a file without a time.
        assert_eq!(ahead(Some(at(9)), at(1)), Millis::new(0));
        assert_eq!(ahead(None, at(1)), Millis::new(7 * DAY / 4));
    }

    /// Would break: a list that is missing again after it was renewed, and nobody is told.
    #[test]
    fn what_is_missing_is_told_again_after_a_while() {
        let source = RevocationSource { address: "/nowhere/acme.revocations".into(), keys: Vec::new() };
        let id = |day: u64| {
            let found = of_list(&Lists::default(), &source, Timestamp::from_millis(day * DAY)).unwrap();
            assert_eq!(found.state, ExpiryState::Missing);
            found.id
        };
        let first = 30 * 700;
        assert_eq!(id(first), id(first + 29));
        assert_ne!(id(first), id(first + 30));
    }
}
