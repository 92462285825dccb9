//! Newer versions of what is pinned: found, verified, compared.

use ansai_core::{Code, Interface, codes};
use ansai_registry::difference::Difference;
use ansai_registry::{Client, Fetched, Locked, Reference, RegistryError, Selector, Store};

use super::pull::{check, verify};
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

/// The newest version that verifies, of those that a reference permits and that are newer than the pinned one. A registry
/// that hides versions leads to no older one. `refuse` says why a version must not be pinned here.
///
/// # Errors
/// The registry cannot be asked, or the pinned version is not in the store.
pub fn newer(
    client: &Client,
    store: &Store,
    pinned: &Locked,
    interfaces: &[Interface],
    refuse: impl Fn(&Locked) -> Option<RegistryError>,
) -> Result<Search, Error> {
    let reference: Reference = pinned.source.parse()?;
    let mut search = Search { newer: None, refused: Vec::new() };
    let Selector::Versions(_) = reference.selector else { return Ok(search) };
    let mut candidates = client.versions(&reference)?;
    candidates.retain(|one| one.is_newer_than(&pinned.version));
    if candidates.is_empty() {
        return Ok(search);
    }
    let old = {
        let (path, digest) = store.component(&pinned.digest)?;
        let component = Component::read(&path, interfaces)?;
        verify(&component, &digest)?;
        subject(&component, interfaces)
    };
    for candidate in candidates.into_iter().take(MOST_TRIED) {
        let found = client.fetch(&candidate, store).map_err(Error::from).and_then(|fetched| {
            let locked = check(store, &pinned.source, &fetched, interfaces)?;
            match refuse(&locked) {
                Some(why) => Err(why.into()),
                None => Ok((fetched, locked)),
            }
        });
        match found {
            Ok((fetched, locked)) => {
                let (path, _) = store.component(&locked.digest)?;
                let new = subject(&Component::read(&path, interfaces)?, interfaces);
                search.newer = Some(Newer { difference: Difference::between(&old, &new), locked, fetched });
                return Ok(search);
            }
            Err(error) if is_of_the_place(error.code()) => return Err(error),
            Err(error) => search.refused.push((candidate, error)),
        }
    }
    Ok(search)
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
