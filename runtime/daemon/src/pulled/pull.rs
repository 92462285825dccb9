//! From registries into the store of this host, and into the lock file.

use std::collections::BTreeMap;

use ansai_config::PolicySource;
use ansai_core::Interface;
use ansai_engine::component::MAX_BYTES;
use ansai_registry::{
    Client, Digest, Fetched, Lock, Locked, MOST_COMPONENT_BYTES, Reference, Registries, RegistryError, Selector,
    Signature, Store,
};

use super::accept::Acceptance;
use super::{is_good, known_trials, lock_of, sweep};
use crate::component::Component;
use crate::configuration::Configuration;
use crate::error::Error;

/// What is stored can be loaded.
const _: () = assert!(MOST_COMPONENT_BYTES == MAX_BYTES as u64);

/// Stores a policy under its name, and answers what pins it. `source` is how the configuration writes it. `client` makes a
/// client of a registry.
///
/// What is refused after it was fetched stays in the store without a name until [`sweep`], which callers run before they
/// fetch.
///
/// # Errors
/// It is not there, is not a policy of this name, is not what was announced, or is not accepted. Then it has no name in the
/// store.
pub fn pull(
    acceptance: &Acceptance,
    store: &Store,
    source: &str,
    interfaces: &[Interface],
    client: impl Fn(&str) -> Result<Client, Error>,
) -> Result<Locked, Error> {
    let (wanted, client) = resolve(acceptance.registries(), source, client)?;
    let fetched = client.fetch(&wanted, store)?;
    let signatures = acceptance.signatures(&client, source, &fetched)?;
    let locked = accepted(acceptance, store, (source, &wanted), (&fetched, signatures), interfaces)?;
    store.add(&fetched)?;
    Ok(locked)
}

/// Checks the component of a policy whose content is in the store, and gives the policy its name. `signatures` came with it.
///
/// # Errors
/// It is not a policy of this name, or is not accepted.
pub fn add(
    acceptance: &Acceptance,
    store: &Store,
    source: &str,
    (fetched, signatures): (&Fetched, Vec<Signature>),
    interfaces: &[Interface],
) -> Result<Locked, Error> {
    let wanted = fetched.reference.clone();
    let locked = accepted(acceptance, store, (source, &wanted), (fetched, signatures), interfaces)?;
    store.add(fetched)?;
    Ok(locked)
}

/// Where a source leads, and a client of that registry.
///
/// # Errors
/// It is not a reference, its namespace leads nowhere, or the server that knows more cannot be asked.
pub fn resolve(
    registries: &Registries,
    source: &str,
    client: impl Fn(&str) -> Result<Client, Error>,
) -> Result<(Reference, Client), Error> {
    let mut asked: Option<Client> = None;
    let mut failed = None;
    let resolved = registries.resolve(source, |host| match client(host) {
        Ok(server) => asked.insert(server).well_known(),
        Err(error) => {
            failed = Some(error);
            Ok(None)
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let reference = resolved?;
    let found = client(reference.registry())?;
    let client = match &asked {
        Some(server) if server.registry() != found.registry() => found.led_by(server),
        _ => found,
    };
    Ok((reference, client))
}

fn accepted(
    acceptance: &Acceptance,
    store: &Store,
    (source, wanted): (&str, &Reference),
    (fetched, signatures): (&Fetched, Vec<Signature>),
    interfaces: &[Interface],
) -> Result<Locked, Error> {
    let (mut locked, component) = checked(store, source, fetched, interfaces)?;
    acceptance.accept(store, wanted, fetched, &mut locked, (&component, signatures))?;
    Ok(locked)
}

/// Checks the component of a policy whose content is in the store.
///
/// # Errors
/// It is not a policy of this name.
pub fn check(store: &Store, source: &str, fetched: &Fetched, interfaces: &[Interface]) -> Result<Locked, Error> {
    checked(store, source, fetched, interfaces).map(|(locked, _)| locked)
}

/// The same with the component.
///
/// # Errors
/// As [`check`].
pub fn checked(
    store: &Store,
    source: &str,
    fetched: &Fetched,
    interfaces: &[Interface],
) -> Result<(Locked, Component), Error> {
    let (path, digest) = store.component(&fetched.manifest.digest)?;
    let component = Component::read(&path, interfaces)?;
    verify(&component, &digest)?;
    let manifest = &component.manifest;
    fetched.reference.check_name(fetched.reference.tag(), &manifest.name, &manifest.version)?;
    let locked = Locked {
        source: source.to_owned(),
        resolved: fetched.reference.to_string(),
        digest: fetched.manifest.digest.clone(),
        component: digest,
        version: manifest.version.clone(),
        imports: component.found.imports.iter().map(ToString::to_string).collect(),
        scopes: scopes(&component),
        signers: Vec::new(),
    };
    Ok((locked, component))
}

/// Checks that what was read is what was verified.
pub(crate) fn verify(component: &Component, digest: &Digest) -> Result<(), RegistryError> {
    match component.found.digest == digest.hex() {
        true => Ok(()),
        false => Err(RegistryError::Damaged(component.path.clone())),
    }
}

pub(super) fn scopes(component: &Component) -> BTreeMap<String, serde_json::Value> {
    let manifest = component.manifest.to_json();
    let asked = manifest.get("capabilities").and_then(serde_json::Value::as_object);
    let scope = |(name, asked): (&String, &serde_json::Value)| Some((name.clone(), asked.get("scope")?.clone()));
    asked.into_iter().flatten().filter_map(scope).collect()
}

/// Pulls every policy from a registry that a configuration runs, and pins exactly those in its lock file. If one fails, the
/// lock file stays as it is. If there are none and the lock file pins nothing, none is written.
///
/// # Errors
/// As [`pull`]; a tag has another digest than the lock file pins for the same version; or the lock file cannot be written.
pub fn pull_all(
    configuration: &Configuration,
    store: &Store,
    interfaces: &[Interface],
    client: impl Fn(&str) -> Result<Client, Error>,
) -> Result<Vec<Locked>, Error> {
    pull_all_by(&Acceptance::of(Some(configuration), store), configuration, store, interfaces, client)
}

/// The same by these rules.
///
/// # Errors
/// As [`pull_all`].
pub fn pull_all_by(
    acceptance: &Acceptance,
    configuration: &Configuration,
    store: &Store,
    interfaces: &[Interface],
    client: impl Fn(&str) -> Result<Client, Error>,
) -> Result<Vec<Locked>, Error> {
    let mut lock = lock_of(&configuration.path)?;
    if let Err(error) = sweep(store, Some(&configuration.path)) {
        tracing::warn!("the store is not cleaned up: {error}");
    }
    let mut pulled: BTreeMap<String, Locked> = BTreeMap::new();
    for source in configuration.config.policies.keys().filter_map(|name| configuration.config.source(name)) {
        let PolicySource::Registry(source) = source else { continue };
        if pulled.contains_key(&source) {
            continue;
        }
        let (wanted, client) = resolve(acceptance.registries(), &source, &client)?;
        // What a person wanted to see beside the pinned version first is not pinned meanwhile, nor is anything newer.
        if let (Some(shadow), Ok(pinned)) = (lock.shadow(&source), lock.get(&source)) {
            let from = (&wanted, &client);
            let locked = pull_exactly(acceptance, store, pinned, from, interfaces)?;
            // It may have been revoked: the pinned version runs in any case.
            if let Err(error) = pull_exactly(acceptance, store, &shadow.policy, from, interfaces) {
                tracing::warn!("the shadow of {source} is not pulled: {error}");
            }
            pulled.insert(source, locked);
            continue;
        }
        let fetched = client.fetch(&wanted, store)?;
        let signatures = acceptance.signatures(&client, &source, &fetched)?;
        let (mut locked, component) = checked(store, &source, &fetched, interfaces)?;
        check_same(&lock, &locked)?;
        // Whoever had signed it must be found again.
        if let Some(pinned) = lock.get(&source).ok().filter(|pinned| pinned.digest == locked.digest) {
            locked.signers.clone_from(&pinned.signers);
        }
        acceptance.accept(store, &wanted, &fetched, &mut locked, (&component, signatures))?;
        store.add(&fetched)?;
        pulled.insert(source, locked);
    }
    let pulled: Vec<Locked> = pulled.into_values().collect();
    if !pulled.is_empty() || lock.policies().next().is_some() {
        // A version that failed here or never ran is none to go back to.
        let trials = known_trials(store);
        for policy in &pulled {
            let is_bad = lock.get(&policy.source).is_ok_and(|old| !is_good(&lock, store, old, &trials));
            if is_bad {
                lock.pin(policy.clone(), false);
            }
        }
        lock.set(pulled.iter().cloned());
        lock.write()?;
    }
    Ok(pulled)
}

/// Stores exactly what a lock file names, and answers it with whoever signs it now.
fn pull_exactly(
    acceptance: &Acceptance,
    store: &Store,
    named: &Locked,
    (wanted, client): (&Reference, &Client),
    interfaces: &[Interface],
) -> Result<Locked, Error> {
    let (exact, fetched) = fetch_exactly(store, named, (wanted, client))?;
    let signatures = acceptance.signatures(client, &named.source, &fetched)?;
    let (_, component) = checked(store, &named.source, &fetched, interfaces)?;
    let mut locked = named.clone();
    acceptance.accept(store, &exact, &fetched, &mut locked, (&component, signatures))?;
    store.add(&fetched)?;
    Ok(locked)
}

/// Fetches what a lock file names by its digest, so no tag that moved leads elsewhere. It keeps the name that it had.
pub(super) fn fetch_exactly(
    store: &Store,
    named: &Locked,
    (wanted, client): (&Reference, &Client),
) -> Result<(Reference, Fetched), RegistryError> {
    let exact = wanted.with(Selector::Digest(named.digest.clone()));
    let mut fetched = client.fetch(&exact, store)?;
    if let Ok(resolved) = named.resolved.parse::<Reference>() {
        fetched.reference = wanted.with(resolved.selector);
    }
    Ok((exact, fetched))
}

/// Checks that a tag still has the digest that it had when its version was pinned: a published version never changes.
///
/// # Errors
/// It has another one.
pub fn check_same(lock: &Lock, new: &Locked) -> Result<(), RegistryError> {
    let is_same = |old: &&Locked| old.resolved == new.resolved && old.version == new.version;
    match lock.all().filter(is_same).find(|old| old.digest != new.digest) {
        Some(old) => Err(RegistryError::Digest {
            what: new.resolved.clone(),
            expected: old.digest.clone(),
            found: new.digest.clone(),
        }),
        None => Ok(()),
    }
}
