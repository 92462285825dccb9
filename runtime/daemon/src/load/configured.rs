//! The instances that a configuration names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_config::PolicySource;
use ansai_core::watch::Wanted;
use ansai_core::{InstanceName, codes};
use ansai_registry::{RegistryError, WentBack};
use ansai_supervisor::Instance;

use super::{InstanceError, LoadRequest, LoadedInstance, Loading, NotLoaded};
use crate::authority::{self, Governed};
use crate::component::Component;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::isolation;
use crate::pulled;
use crate::sources::{self, Source, SourceError};
use crate::state;
use crate::warning::Warning;

pub(super) fn load(
    request: &LoadRequest<'_>,
    configuration: &Configuration,
    candidates: &[Arc<Component>],
    loading: &mut Loading,
) {
    let mut used: BTreeSet<PathBuf> = BTreeSet::new();
    let mut read = Read::new();
    let all_went_back = request.pulled.went_back(configuration);
    let all_took_over = request.pulled.took_over(configuration);
    let as_pinned = request.pulled.as_pinned();
    let pinned = LoadRequest { pulled: &as_pinned, ..*request };
    for name in configuration.config.policies.keys() {
        let (went_back, took_over) = match configuration.config.source(name) {
            Some(PolicySource::Registry(source)) => (all_went_back.get(&source), all_took_over.get(&source)),
            _ => (None, None),
        };
        let mut attempt = |request: &LoadRequest<'_>| {
            let component = component_of(request, configuration, name, candidates, &mut read)?;
            used.insert(real(&component.path));
            instance(request, configuration, name, component, &mut loading.warnings)
        };
        let (ready, told) = match (attempt(request), went_back, took_over) {
            // A version that kept failing is better than none.
            (Err(error), Some(went_back), _) => (attempt(&pinned), Some(not_back(name, went_back, &error))),
            // It may have been revoked since.
            (Err(error), None, Some(version)) => (attempt(&pinned), Some(not_over(name, version, &error))),
            (ready, ..) => (ready, None),
        };
        match ready {
            Ok(ready) => {
                loading.ready.push(ready);
                if let (Some(version), None, None) = (took_over, went_back, &told) {
                    loading.warnings.push(is_over(name, version));
                }
                if let (Some(went_back), None) = (went_back, &told) {
                    let error = RegistryError::from(went_back.clone()).into();
                    loading.not_loaded.push(NotLoaded { name: name.to_string(), error });
                }
                loading.warnings.extend(told);
            }
            Err(error) => loading.not_loaded.push(NotLoaded { name: name.to_string(), error }),
        }
    }
    let unused = candidates.iter().filter(|candidate| !used.contains(&real(&candidate.path)));
    loading.not_configured = unused.map(|c| format!("{} ({})", c.manifest.name, c.path.display())).collect();
}

/// Why the pinned version runs, although it failed on this host.
fn not_back(name: &InstanceName, went_back: &WentBack, error: &Error) -> Warning {
    let WentBack { version, runs, .. } = went_back;
    let why = format!("{name} runs version {version}, which kept failing on this host");
    Warning::new(error.code(), format!("{why}: the last good version {runs} does not load: {error}"))
}

/// The pinned version runs, although another one had taken over.
fn not_over(name: &InstanceName, version: &str, error: &Error) -> Warning {
    let why =
        format!("{name} runs its pinned version: version {version}, which had taken over, does not load: {error}");
    Warning::new(error.code(), why)
}

/// The lock file says what else would run.
fn is_over(name: &InstanceName, version: &str) -> Warning {
    let why = format!("{name} runs version {version}, which took over; `ansai update` pins it in ansai.lock");
    Warning::new(codes::TOOK_OVER, why)
}

/// One instance with the component that its source leads to by this request.
pub(super) fn one(
    request: &LoadRequest<'_>,
    configuration: &Configuration,
    name: &InstanceName,
    warnings: &mut Vec<Warning>,
) -> Result<LoadedInstance, Error> {
    let component = component_of(request, configuration, name, &[], &mut Read::new())?;
    instance(request, configuration, name, component, warnings)
}

/// Components by path, and by their source if they come from a registry: the same file may have several names, and different
/// keys vouch for them.
type Read = BTreeMap<(PathBuf, Option<String>), Arc<Component>>;

/// One path for each file, however it is named.
fn real(path: &Path) -> PathBuf {
    state::real(path).unwrap_or_else(|| path.to_owned())
}

/// The component of an instance: its source, or the one policy of that name at the paths.
fn component_of(
    request: &LoadRequest<'_>,
    configuration: &Configuration,
    name: &InstanceName,
    candidates: &[Arc<Component>],
    read: &mut Read,
) -> Result<Arc<Component>, Error> {
    let file = || configuration.path.clone();
    if let Some(source) = configuration.config.source(name) {
        let written = match &source {
            PolicySource::Registry(written) => Some(written.clone()),
            PolicySource::Path(_) | PolicySource::Builtin(_) => None,
        };
        let (source, digest) = request.pulled.source(configuration, request.share, source)?;
        let key = (source.clone(), written);
        if let Some(component) = read.get(&key) {
            return Ok(component.clone());
        }
        let found = sources::find(std::slice::from_ref(&source))?;
        return match found.as_slice() {
            [Source::Component(path)] => {
                let mut component = Component::read(path, request.interfaces)?;
                component.is_pulled = digest.is_some() || request.pulled.distrusts_paths();
                if let Some(digest) = &digest {
                    pulled::verify(&component, digest)?;
                    if let Some(written) = &key.1 {
                        component.vouched = Some(request.pulled.vouched(configuration, written, &component)?);
                    }
                }
                let component = Arc::new(component);
                read.insert(key, component.clone());
                Ok(component)
            }
            [Source::OnlySources(dir)] => Err(SourceError::OnlySources(dir.clone()).into()),
            several => {
                let paths = several.iter().map(|source| source.path().to_owned()).collect();
                Err(InstanceError::SourceHasSeveral { instance: name.clone(), file: file(), paths }.into())
            }
        };
    }
    let mut same = candidates.iter().filter(|candidate| *name == candidate.manifest.name);
    match (same.next(), same.next()) {
        (Some(component), None) => Ok(component.clone()),
        (None, _) => {
            let known = candidates.iter().map(|candidate| candidate.manifest.name.clone()).collect();
            let builtin = request.share.has(name.as_str());
            Err(InstanceError::NoSuchPolicy { instance: name.clone(), known, builtin, file: file() }.into())
        }
        (Some(first), Some(second)) => {
            let paths = [first.path.clone(), second.path.clone()];
            Err(InstanceError::SameName { name: name.to_string(), paths, file: Some(file()) }.into())
        }
    }
}

fn instance(
    request: &LoadRequest<'_>,
    configuration: &Configuration,
    name: &InstanceName,
    component: Arc<Component>,
    warnings: &mut Vec<Warning>,
) -> Result<LoadedInstance, Error> {
    let config = &configuration.config;
    let manifest = &component.manifest;
    let configured = config
        .policies
        .get(name)
        .ok_or_else(|| InstanceError::NotConfigured { instance: name.clone(), file: configuration.path.clone() })?;
    if configured.sha256.as_ref().is_some_and(|sha256| *sha256 != component.found.digest) {
        let (instance, file) = (name.clone(), configuration.path.clone());
        let (component, sha256) = (component.path.clone(), component.found.digest.clone());
        return Err(InstanceError::OtherComponent { instance, file, component, sha256 }.into());
    }
    // Only what a digest pins has somebody who can vouch for it.
    if request.pulled.is_locked() && component.vouched.is_none() && configured.sha256.is_none() {
        let source = configured.source.clone().unwrap_or_else(|| component.path.display().to_string());
        let path = configuration.path.with_file_name(ansai_registry::FILE_NAME);
        return Err(RegistryError::NotLocked { path, reference: source }.into());
    }
    let every = configured.every.unwrap_or(manifest.every);
    if let Some(problem) = configured.timing.splay_problem(every).filter(|_| configured.timing.cron.is_none()) {
        return Err(InstanceError::Splay { instance: name.clone(), problem }.into());
    }
    let settings = component.schema.resolve(&configured.settings).map_err(|problems| InstanceError::Settings {
        instance: name.clone(),
        problems: config.settings_diagnostics(name, &problems),
    })?;
    let settings = Arc::new(settings);
    let retry_policy = config
        .retry_policy(name, manifest)
        .map_err(|problems| InstanceError::Stages { instance: name.clone(), problems })?;
    let governed = Governed::new(&component, settings.clone());
    let grants = authority::effective_grants(configuration, name, &governed, request.interfaces, request.ceiling)?;
    let engine = (request.engine, request.workers);
    let policy = isolation::policy(engine, request.share, &component, name, config.isolation(name))?;
    warnings.extend(Warning::of(&config.unasked_grants(name, manifest)));
    let limits = configured.limits.over(manifest.limits_in_force());
    warnings.extend(Warning::of_asked_limits(name.as_str(), manifest, &configured.limits));
    let instance = Instance {
        name: name.clone(),
        policy,
        version: manifest.version.clone(),
        settings,
        limits,
        shares: configured.shares.clone(),
        retry_policy,
        approval_expires: configured.approval_expires,
        announce: configured.announce,
        maintenance: Arc::new(configured.maintenance.clone()),
        every,
        timing: Arc::new(configured.timing.clone()),
        watches: Wanted::of(&manifest.watches, configured.watches.as_deref()).into(),
    };
    if let Some(vouched) = &component.vouched {
        warnings.extend(vouched.warnings(name.as_str(), configuration, configured.mode));
    }
    warnings.extend(Warning::of_watches(&instance.name, &instance.watches, &grants.scopes));
    Ok(LoadedInstance { instance, component, grants })
}
