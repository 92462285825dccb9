//! Policies from registries: what the store of this host has, and pulling into it.
//!
//! The daemon contacts no registry. It runs what `ansai.lock` pins, from the store, and verifies the content before each load.

mod accept;
mod opened;
mod pull;
mod shadow;
mod trial;
mod update;
mod vouching;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_config::PolicySource;
use ansai_core::InstanceName;
use ansai_registry::{Digest, Entry, Lock, Locked, RegistryError, Store, Trial, WentBack};
use ansai_storage::Directory;

pub use self::accept::Acceptance;
use self::opened::{Open, Opened};
pub(crate) use self::pull::verify;
pub use self::pull::{add, check, check_same, checked, pull, pull_all, pull_all_by, resolve};
pub use self::shadow::{Shadowed, took_over};
pub use self::trial::{Ended, Trials, is_faulty, is_good};
pub use self::update::{Newer, Search, exactly, newer};
pub(crate) use self::vouching::policy_of;
pub use self::vouching::{Vouched, standing};
use crate::component::Component;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::in_time::in_time;
use crate::share::Share;
use crate::state::StateDirError;
use crate::{ownership, state};

/// The version of a policy that is loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Which {
    /// The one that runs on this host.
    #[default]
    Chosen,
    /// The pinned one.
    Pinned,
    /// The one beside the pinned one.
    Shadow,
}

/// The policies from registries that a host has.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    state_dir: Option<PathBuf>,
    is_locked: bool,
    distrusts_paths: bool,
    which: Which,
    /// Opened once for all policies of a configuration.
    opened: Opened,
}

impl Pulled {
    /// Those of this state directory; `None` for the directory of the configuration.
    pub fn new(state_dir: Option<PathBuf>) -> Pulled {
        Pulled { state_dir, is_locked: false, distrusts_paths: false, which: Which::Chosen, opened: Opened::default() }
    }

    /// Whether nothing may run but components that a digest pins.
    #[must_use]
    pub fn locked(self, is_locked: bool) -> Pulled {
        Pulled { is_locked, ..self }
    }

    /// Treats policies at paths as those of a registry: they only observe, in worker processes.
    #[must_use]
    pub fn distrusting_paths(self, distrusts_paths: bool) -> Pulled {
        Pulled { distrusts_paths, ..self }
    }

    /// The same, also where a pinned version failed on this host: the last good one may not load any more.
    pub(crate) fn as_pinned(&self) -> Pulled {
        Pulled { which: Which::Pinned, ..self.clone() }
    }

    /// The same for the versions that run beside pinned ones.
    pub(crate) fn as_shadow(&self) -> Pulled {
        Pulled { which: Which::Shadow, ..self.clone() }
    }

    /// As [`Pulled::distrusting_paths`] has it.
    pub(crate) fn distrusts_paths(&self) -> bool {
        self.distrusts_paths
    }

    /// As [`Pulled::locked`] has it.
    pub fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Where a source of a configuration leads, and the digest that a component of a registry must have.
    ///
    /// # Errors
    /// A policy from a registry is not pinned or not stored, or the store was changed. A built-in policy is not available.
    pub fn source(
        &self,
        configuration: &Configuration,
        share: &Share,
        source: PolicySource,
    ) -> Result<(PathBuf, Option<Digest>), Error> {
        match source {
            PolicySource::Registry(source) => {
                let own = self.clone();
                let (file, state_dir) =
                    (configuration.path.clone(), state::directory(self.state_dir.as_deref(), Some(configuration))?);
                let place = state_dir.clone();
                let found = in_time(move || own.stored(&file, &place, &source));
                let (path, digest) = found.map_err(|error| StateDirError::Make { path: state_dir, error })??;
                Ok((path, Some(digest)))
            }
            other => Ok((share.source(other)?, None)),
        }
    }

    /// Who vouches for a component that [`Pulled::source`] led to.
    ///
    /// # Errors
    /// It is not pinned, is not the policy that its name promises, or the store cannot be read.
    pub(crate) fn vouched(
        &self,
        configuration: &Configuration,
        source: &str,
        component: &Component,
    ) -> Result<Vouched, Error> {
        let state_dir = state::directory(self.state_dir.as_deref(), Some(configuration))?;
        let opened = self.opened.of(&configuration.path, &state_dir, source)?;
        let locked = self.locked_of(&opened, source)?;
        Ok(Vouched::of(&opened.store, locked, component, opened.lists.clone())?)
    }

    /// The components of the store, of all versions. What cannot be read is left out.
    pub fn components(&self, configuration: Option<&Configuration>) -> Vec<PathBuf> {
        let components = || -> Result<Vec<PathBuf>, Error> {
            let store = open(&state::directory(self.state_dir.as_deref(), configuration)?)?;
            let Some(store) = store else { return Ok(Vec::new()) };
            let path = |entry: &Entry| store.component(&entry.digest).map(|(path, _)| path);
            Ok(store.entries()?.iter().filter_map(|entry| path(entry).ok()).collect())
        };
        components().unwrap_or_else(|error| {
            tracing::debug!("no pulled policies: {error}");
            Vec::new()
        })
    }

    fn stored(&self, configuration: &Path, state_dir: &Path, source: &str) -> Result<(PathBuf, Digest), Error> {
        let opened = self.opened.of(configuration, state_dir, source)?;
        let locked = self.locked_of(&opened, source)?;
        let (path, component) = opened.store.component(&locked.digest).map_err(|error| match error {
            RegistryError::NotStored(_) => RegistryError::NotStored(source.to_owned()),
            other => other,
        })?;
        match component == locked.component {
            true => Ok((path, component)),
            false => {
                let why = format!("`{source}` has digests of two different components");
                Err(RegistryError::Invalid { path: opened.lock.path().to_owned(), why }.into())
            }
        }
    }
}

impl Pulled {
    /// The version of a source that runs here.
    fn locked_of<'a>(&self, opened: &'a Open, source: &str) -> Result<&'a Locked, RegistryError> {
        match self.which {
            Which::Pinned => opened.lock.get(source),
            Which::Shadow => match opened.lock.shadow(source) {
                Some(shadow) => Ok(&shadow.policy),
                None => opened.lock.get(source),
            },
            Which::Chosen => Ok(trial::choose(&opened.lock, source, &opened.trials, &opened.shadows)?.locked),
        }
    }

    /// What the policies of a configuration are loaded from; `None` if none of them comes from a registry and is pinned. All
    /// questions about one load have the same answer, also if a trial ends meanwhile.
    fn opened_for(&self, configuration: &Configuration) -> Option<Arc<Open>> {
        let registry = |name: &InstanceName| match configuration.config.source(name)? {
            PolicySource::Registry(source) => Some(source),
            PolicySource::Path(_) | PolicySource::Builtin(_) => None,
        };
        let sources: Vec<String> = configuration.config.policies.keys().filter_map(registry).collect();
        if sources.is_empty() {
            return None;
        }
        // Whoever loads the policies tells what is wrong with the store or the lock file.
        let state_dir = state::directory(self.state_dir.as_deref(), Some(configuration)).ok()?;
        let (opened, file) = (self.opened.clone(), configuration.path.clone());
        let found = in_time(move || sources.iter().find_map(|source| opened.of(&file, &state_dir, source).ok()));
        found.ok().flatten()
    }

    /// The sources of a configuration whose pinned version failed on this host, so that the last good one runs.
    pub fn went_back(&self, configuration: &Configuration) -> BTreeMap<String, WentBack> {
        let Some(opened) = self.opened_for(configuration) else { return BTreeMap::new() };
        let went_back = |locked: &Locked| {
            let chosen = trial::choose(&opened.lock, &locked.source, &opened.trials, &opened.shadows).ok()?;
            Some((locked.source.clone(), chosen.went_back?))
        };
        opened.lock.policies().filter_map(went_back).collect()
    }

    /// The instances that run a version for the first time on this host, and could go back to an earlier one.
    pub(crate) fn trials(&self, configuration: &Configuration, loaded: &[&InstanceName]) -> Trials {
        let Some(opened) = self.opened_for(configuration) else { return Trials::default() };
        Trials::of(configuration, loaded, (&opened.lock, &opened.store), &opened.trials, &opened.shadows)
    }
}

/// How versions did on this host. If that cannot be read, what is pinned runs.
fn known_trials(store: &Store) -> BTreeMap<Digest, Trial> {
    store.trials().unwrap_or_else(|error| {
        tracing::error!("which versions failed on this host is unknown, so what is pinned runs: {error}");
        BTreeMap::new()
    })
}

/// The lock file of a configuration, which no other user can change.
///
/// # Errors
/// It cannot be read, is invalid, or another user can change it.
pub fn lock_of(configuration: &Path) -> Result<Lock, RegistryError> {
    let lock = Lock::of(configuration)?;
    if lock.policies().next().is_some()
        && let Some((why, fix)) = ownership::problem(lock.path())
    {
        return Err(RegistryError::Untrusted { why, fix });
    }
    Ok(lock)
}

/// The manifests that the lock file of a configuration pins; none without a configuration.
///
/// # Errors
/// As [`lock_of`].
pub fn pinned(configuration: Option<&Path>) -> Result<Vec<Digest>, RegistryError> {
    let Some(configuration) = configuration else { return Ok(Vec::new()) };
    Ok(lock_of(configuration)?.digests().cloned().collect())
}

/// Removes content that has no name in the store and that the configuration does not pin, such as what was refused after it
/// was fetched. Answers how many bytes that freed.
///
/// # Errors
/// It is unknown what is pinned or needed; then nothing is removed. Or the store cannot be written.
pub fn sweep(store: &Store, configuration: Option<&Path>) -> Result<u64, RegistryError> {
    store.sweep(&pinned(configuration)?)
}

/// The store of a state directory, if there is one.
///
/// # Errors
/// Another user can change it, or the system refuses.
pub fn open(state_dir: &Path) -> Result<Option<Store>, Error> {
    match state::existing(state_dir)? {
        Some(directory) => Ok(Store::open(&directory)?),
        None => Ok(None),
    }
}

/// The same; a missing one is created.
///
/// # Errors
/// As [`open`].
pub fn create(state_dir: &Path) -> Result<Store, Error> {
    let directory: Directory = state::open(state_dir)?;
    Ok(Store::create(&directory)?)
}
