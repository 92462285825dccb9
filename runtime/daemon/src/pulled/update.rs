//! Newer versions of what is pinned: found, verified, compared.

use ansai_core::{Code, Interface, codes};
use ansai_registry::difference::{Difference, Subject};
use ansai_registry::{Client, Fetched, Locked, Reference, RegistryError, Selector, Store, Versions};

use super::accept::Acceptance;
use super::pull::{checked, fetch_exactly, verify};
use crate::component::Component;
use crate::difference::subject;
use crate::error::Error;

/// The most versions of one policy that are fetched to find one that can be pinned.
const MOST_TRIED: usize = 8;

/// A newer version that was verified. It has no name in the store.
pub struct Newer {
    /// What pins it.
    pub locked: Locked,
    /// Its content.
    pub fetched: Fetched,
    /// From the pinned version to this one.
    pub difference: Difference,
}

/// What a search for a newer version found.
pub struct Search {
    /// The newest version that can be pinned; `None` if the pinned one is.
    pub newer: Option<Newer>,
    /// Newer versions that were refused, and why. The newest first.
    pub refused: Vec<(Reference, Error)>,
}

/// The newest version that is accepted, of those that a pinned source permits and that are newer than the pinned one. A
/// registry that hides versions leads to no older one. `wanted` is where the source leads, at the registry of `client`.
/// `refuse` says why a version must not be pinned here.
///
/// # Errors
/// The registry cannot be asked, or hides versions that it offered before. The pinned version is not in the store.
pub fn newer(
    acceptance: &Acceptance,
    (store, pinned): (&Store, &Locked),
    (wanted, client): (&Reference, &Client),
    interfaces: &[Interface],
    refuse: impl Fn(&Locked) -> Option<RegistryError>,
) -> Result<Search, Error> {
    let mut search = Search { newer: None, refused: Vec::new() };
    let Selector::Versions(_) = wanted.selector else { return Ok(search) };
    let mut candidates = client.versions(wanted)?;
    candidates.retain(|one| one.is_newer_than(&pinned.version));
    if candidates.is_empty() {
        return Ok(search);
    }
    // Tags of versions are not looked at one by one: whoever writes a version wants exactly this one. A newer one may have been
    // refused, so only the newest of now says whether the registry hides what it offered before.
    if let Some((newest, tag)) = candidates.first().and_then(|one| Some((one, one.tag()?))) {
        Versions::of(store)?.check(wanted, newest, &tag.replace('_', "+"))?;
    }
    let old = subject_of(store, pinned, interfaces)?;
    for candidate in candidates.into_iter().take(MOST_TRIED) {
        let fetched = client.fetch(&candidate, store).map(|fetched| (candidate.clone(), fetched));
        let found = accepted(acceptance, (store, pinned), (client, fetched), (&old, interfaces), &refuse);
        if search.take(candidate, found)? {
            break;
        }
    }
    Ok(search)
}

/// The version that ran beside the pinned one, whatever the registry offers besides: a person has seen this one.
///
/// # Errors
/// As [`newer`].
pub fn exactly(
    acceptance: &Acceptance,
    (store, pinned): (&Store, &Locked),
    (wanted, client): (&Reference, &Client),
    interfaces: &[Interface],
    named: &Locked,
    refuse: impl Fn(&Locked) -> Option<RegistryError>,
) -> Result<Search, Error> {
    let mut search = Search { newer: None, refused: Vec::new() };
    let old = subject_of(store, pinned, interfaces)?;
    let fetched = fetch_exactly(store, named, (wanted, client));
    let found = accepted(acceptance, (store, pinned), (client, fetched), (&old, interfaces), &refuse);
    search.take(wanted.with(Selector::Digest(named.digest.clone())), found)?;
    Ok(search)
}

impl Search {
    /// Takes what became of a candidate. Answers whether it can be pinned.
    fn take(&mut self, candidate: Reference, found: Result<Newer, Error>) -> Result<bool, Error> {
        match found {
            Ok(newer) => self.newer = Some(newer),
            Err(error) if is_of_the_place(error.code()) => return Err(error),
            Err(error) => self.refused.push((candidate, error)),
        }
        Ok(self.newer.is_some())
    }
}

/// What the pinned version can do.
fn subject_of(store: &Store, pinned: &Locked, interfaces: &[Interface]) -> Result<Subject, Error> {
    let (path, digest) = store.component(&pinned.digest)?;
    let component = Component::read(&path, interfaces)?;
    verify(&component, &digest)?;
    // Those that counted when it was pinned: one that does not vouch for the new version is asked about.
    let signers = Some(pinned.signers.iter().cloned().collect());
    Ok(Subject { signers, ..subject(&component, interfaces) })
}

/// Judges what was fetched, with what was asked for.
fn accepted(
    acceptance: &Acceptance,
    (store, pinned): (&Store, &Locked),
    (client, fetched): (&Client, Result<(Reference, Fetched), RegistryError>),
    (old, interfaces): (&Subject, &[Interface]),
    refuse: &impl Fn(&Locked) -> Option<RegistryError>,
) -> Result<Newer, Error> {
    let (wanted, fetched) = fetched?;
    let signatures = acceptance.signatures(client, &pinned.source, &fetched)?;
    let (mut locked, component) = checked(store, &pinned.source, &fetched, interfaces)?;
    if let Some(why) = refuse(&locked) {
        return Err(why.into());
    }
    acceptance.accept(store, &wanted, &fetched, &mut locked, (&component, signatures))?;
    let signers = Some(locked.signers.iter().cloned().collect());
    let new = Subject { signers, ..subject(&component, interfaces) };
    Ok(Newer { difference: Difference::between(old, &new), locked, fetched })
}

/// Whether an error says nothing about the version: the next one would have it, too.
fn is_of_the_place(code: Code) -> bool {
    [
        codes::REGISTRY_UNREACHABLE,
        codes::REGISTRY_TIMEOUT,
        codes::REGISTRY_LOGIN,
        codes::REGISTRY_WITHOUT_TLS,
        codes::STORE_FULL,
        codes::FILE_ACCESS,
    ]
    .contains(&code)
}
