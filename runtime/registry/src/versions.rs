//! The versions of policies that this host has seen, so that a registry cannot offer an older one as the newest.

use std::collections::{BTreeMap, BTreeSet};

use rustix::fs::FlockOperation;
use semver::Version;

use crate::{Reference, RegistryError, Result, Selector, Store};

const FILE: &str = "versions.json";
const LOCK: &str = "versions.lock";
const MOST_BYTES: u64 = 4 << 20;
/// The most versions that are kept of one policy: the highest ones.
const MOST_VERSIONS: usize = 64;

/// The highest versions by repository, with its registry.
#[derive(Debug, Default)]
pub struct Versions(BTreeMap<String, BTreeSet<Version>>);

impl Versions {
    /// Those of a store.
    ///
    /// # Errors
    /// The file cannot be read, or is invalid.
    pub fn of(store: &Store) -> Result<Versions> {
        let texts: BTreeMap<String, Vec<String>> = store.known(FILE, MOST_BYTES)?;
        let versions = |texts: Vec<String>| texts.iter().filter_map(|text| Version::parse(text).ok()).collect();
        Ok(Versions(texts.into_iter().map(|(name, texts)| (name, versions(texts))).collect()))
    }

    /// Checks that what a registry offers for a range, or for a tag that names no version, is not older than what it
    /// offered before. Who writes a version or a digest wants exactly this one. Ranges that permit no common version do not
    /// influence each other, so versions stay side by side.
    ///
    /// # Errors
    /// It is older.
    pub fn check(&self, wanted: &Reference, found: &Reference, version: &str) -> Result<()> {
        let Some(seen) = self.0.get(&key(wanted)) else { return Ok(()) };
        let is_permitted = |seen: &&Version| match &wanted.selector {
            Selector::Digest(_) => false,
            Selector::Tag(tag) => crate::reference::version_of_tag(tag).is_none(),
            Selector::Versions(range) => range.matches(seen),
        };
        let known = seen.iter().rfind(is_permitted);
        match (known, Version::parse(version).ok()) {
            (Some(known), Some(offered)) if offered < *known => Err(RegistryError::RolledBack {
                reference: found.to_string(),
                version: version.to_owned(),
                known: known.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Remembers a version. With `is_floor`, higher ones are forgotten that `wanted` permits: a person went back on purpose.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn remember(store: &Store, wanted: &Reference, version: &str, is_floor: bool) -> Result<()> {
        let Ok(version) = Version::parse(version) else { return Ok(()) };
        let _alone = store.lock(LOCK, FlockOperation::LockExclusive)?;
        let mut all = Versions::of(store)?;
        let seen = all.0.entry(key(wanted)).or_default();
        let before = seen.clone();
        if is_floor {
            seen.retain(|known| match &wanted.selector {
                Selector::Versions(range) => *known <= version || !range.matches(known),
                Selector::Tag(_) | Selector::Digest(_) => *known <= version,
            });
        }
        seen.insert(version);
        while seen.len() > MOST_VERSIONS {
            seen.pop_first();
        }
        if *seen == before {
            return Ok(());
        }
        let texts = |seen: &BTreeSet<Version>| seen.iter().map(ToString::to_string).collect();
        let texts: BTreeMap<&String, Vec<String>> = all.0.iter().map(|(name, seen)| (name, texts(seen))).collect();
        store.keep(FILE, &texts)
    }
}

fn key(reference: &Reference) -> String {
    format!("{}/{}", reference.registry(), reference.repository())
}
