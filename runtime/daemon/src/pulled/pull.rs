//! From registries into the store of this host, and into the lock file.

use std::collections::BTreeMap;

use ansai_config::PolicySource;
use ansai_core::Interface;
use ansai_engine::component::MAX_BYTES;
use ansai_registry::{Client, Digest, Fetched, Lock, Locked, MOST_COMPONENT_BYTES, Reference, RegistryError, Store};

use super::{is_faulty, known_trials, lock_of, sweep};
use crate::component::Component;
use crate::configuration::Configuration;
use crate::error::Error;

/// What is stored can be loaded.
const _: () = assert!(MOST_COMPONENT_BYTES == MAX_BYTES as u64);

/// Stores a policy under its name, and answers what pins it. `source` is how the configuration writes it.
///
/// What is refused after it was fetched stays in the store without a name until [`sweep`], which callers run before they
/// fetch.
///
/// # Errors
/// It is not there, is not a policy of this name, or is not what was announced. Then it has no name in the store.
pub fn pull(client: &Client, store: &Store, source: &str, interfaces: &[Interface]) -> Result<Locked, Error> {
    let reference: Reference = source.parse()?;
    let fetched = client.fetch(&reference, store)?;
    add(store, source, &fetched, interfaces)
}

/// Checks the component of a policy whose content is in the store, and gives the policy its name.
///
/// # Errors
/// It is not a policy of this name.
pub fn add(store: &Store, source: &str, fetched: &Fetched, interfaces: &[Interface]) -> Result<Locked, Error> {
    let locked = check(store, source, fetched, interfaces)?;
    store.add(fetched)?;
    Ok(locked)
}

/// Checks the component of a policy whose content is in the store.
///
/// # Errors
/// It is not a policy of this name.
pub fn check(store: &Store, source: &str, fetched: &Fetched, interfaces: &[Interface]) -> Result<Locked, Error> {
    let (path, digest) = store.component(&fetched.manifest.digest)?;
    let component = Component::read(&path, interfaces)?;
    verify(&component, &digest)?;
    let manifest = &component.manifest;
    fetched.reference.check_name(fetched.reference.tag(), &manifest.name, &manifest.version)?;
    Ok(Locked {
        source: source.to_owned(),
        resolved: fetched.reference.to_string(),
        digest: fetched.manifest.digest.clone(),
        component: digest,
        version: manifest.version.clone(),
        imports: component.found.imports.iter().map(ToString::to_string).collect(),
        scopes: scopes(&component),
    })
}

/// Checks that what was read is what was verified.
pub(crate) fn verify(component: &Component, digest: &Digest) -> Result<(), RegistryError> {
    match component.found.digest == digest.hex() {
        true => Ok(()),
        false => Err(RegistryError::Damaged(component.path.clone())),
    }
}

fn scopes(component: &Component) -> BTreeMap<String, serde_json::Value> {
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
    let mut lock = lock_of(&configuration.path)?;
    if let Err(error) = sweep(store, Some(&configuration.path)) {
        tracing::warn!("the store is not cleaned up: {error}");
    }
    let mut pulled: BTreeMap<String, Locked> = BTreeMap::new();
    let mut clients: BTreeMap<String, Client> = BTreeMap::new();
    for source in configuration.config.policies.keys().filter_map(|name| configuration.config.source(name)) {
        let PolicySource::Registry(source) = source else { continue };
        if pulled.contains_key(&source) {
            continue;
        }
        let reference: Reference = source.parse()?;
        let registry = reference.registry().to_owned();
        let client = match clients.entry(registry) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let made = client(new.key())?;
                new.insert(made)
            }
        };
        let fetched = client.fetch(&reference, store)?;
        let locked = check(store, &source, &fetched, interfaces)?;
        check_same(&lock, &locked)?;
        store.add(&fetched)?;
        pulled.insert(source, locked);
    }
    let pulled: Vec<Locked> = pulled.into_values().collect();
    if !pulled.is_empty() || lock.policies().next().is_some() {
        // A version that failed here is none to go back to.
        let trials = known_trials(store);
        for policy in &pulled {
            if lock.get(&policy.source).is_ok_and(|old| is_faulty(&old.digest, &trials)) {
                lock.pin(policy.clone(), false);
            }
        }
        lock.set(pulled.iter().cloned());
        lock.write()?;
    }
    Ok(pulled)
}

/// Checks that a tag still has the digest that it had when its version was pinned: a published version never changes.
fn check_same(lock: &Lock, new: &Locked) -> Result<(), RegistryError> {
    let is_same = |old: &&Locked| old.resolved == new.resolved && old.version == new.version;
    match lock.policies().find(is_same) {
        Some(old) if old.digest != new.digest => Err(RegistryError::Digest {
            what: new.resolved.clone(),
            expected: old.digest.clone(),
            found: new.digest.clone(),
        }),
        _ => Ok(()),
    }
}
