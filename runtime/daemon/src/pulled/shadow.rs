//! Versions that run beside pinned ones: which they are, and which of them took over on this host.

use std::collections::BTreeMap;

use ansai_config::PolicySource;
use ansai_core::InstanceName;
use ansai_registry::{Lock, Locked, RegistryError, Shadow, ShadowEnd, ShadowRecord, Store};

use super::Pulled;
use crate::configuration::Configuration;

/// A version that runs beside the pinned one of a source.
#[derive(Debug, Clone)]
pub struct Shadowed {
    /// As the lock file has it.
    pub shadow: Shadow,
    /// The version that is pinned.
    pub pinned: Locked,
    /// What this host has seen of it.
    pub record: ShadowRecord,
}

impl Shadowed {
    /// Those of a lock file, by source. Of one that this host has not seen yet, it knows nothing.
    pub fn all(lock: &Lock, shadows: &BTreeMap<String, ShadowRecord>) -> BTreeMap<String, Shadowed> {
        let of = |pinned: &Locked| {
            let shadow = lock.shadow(&pinned.source)?.clone();
            let known = shadows.get(&pinned.source).filter(|record| record.is_of(&shadow, pinned)).cloned();
            let begins = || ShadowRecord::new(shadow.policy.digest.clone(), pinned.digest.clone(), shadow.began);
            let record = known.unwrap_or_else(begins);
            Some((pinned.source.clone(), Shadowed { shadow, pinned: pinned.clone(), record }))
        };
        lock.policies().filter_map(of).collect()
    }
}

/// The version of a source that runs, and the one to go back to: what took over on this host runs, and the pinned one is
/// the last good one then.
pub(super) fn current<'a>(
    lock: &'a Lock,
    source: &str,
    shadows: &BTreeMap<String, ShadowRecord>,
) -> Result<(&'a Locked, Option<&'a Locked>), RegistryError> {
    let pinned = lock.get(source)?;
    Ok(match took_over(lock, source, shadows) {
        Some(shadow) => (&shadow.policy, Some(pinned)),
        None => (pinned, lock.earlier(source)),
    })
}

/// The version beside the pinned one of a source, if it took over on this host.
pub fn took_over<'a>(lock: &'a Lock, source: &str, shadows: &BTreeMap<String, ShadowRecord>) -> Option<&'a Shadow> {
    let (pinned, shadow) = (lock.get(source).ok()?, lock.shadow(source)?);
    let record = shadows.get(source).filter(|record| record.is_of(shadow, pinned))?;
    (record.end == Some(ShadowEnd::TookOver)).then_some(shadow)
}

/// What was seen of versions beside pinned ones. If that cannot be read, none of them took over.
pub(super) fn known_shadows(store: &Store) -> BTreeMap<String, ShadowRecord> {
    store.shadows().unwrap_or_else(|error| {
        tracing::error!("which shadows took over on this host is unknown, so what is pinned runs: {error}");
        BTreeMap::new()
    })
}

impl Pulled {
    /// The versions that took over on this host from pinned ones, by source.
    pub(crate) fn took_over(&self, configuration: &Configuration) -> BTreeMap<String, String> {
        let Some(opened) = self.opened_for(configuration) else { return BTreeMap::new() };
        let of = |pinned: &Locked| {
            let shadow = took_over(&opened.lock, &pinned.source, &opened.shadows)?;
            Some((pinned.source.clone(), shadow.policy.version.clone()))
        };
        opened.lock.policies().filter_map(of).collect()
    }

    /// The versions of a configuration that run beside pinned ones, by instance.
    pub fn shadows(&self, configuration: &Configuration) -> BTreeMap<InstanceName, Shadowed> {
        let Some(opened) = self.opened_for(configuration) else { return BTreeMap::new() };
        let all = Shadowed::all(&opened.lock, &opened.shadows);
        let of = |name: &InstanceName| match configuration.config.source(name)? {
            PolicySource::Registry(source) => Some((name.clone(), all.get(&source)?.clone())),
            PolicySource::Path(_) | PolicySource::Builtin(_) => None,
        };
        configuration.config.policies.keys().filter_map(of).collect()
    }
}
