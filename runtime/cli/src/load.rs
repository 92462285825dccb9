//! From paths and a configuration to instances that can be run. What cannot be loaded is named; the others run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use ansai_config::PolicySource;
use ansai_core::{Interface, Limits, Mode, RetryPolicy, codes};
use ansai_engine::Engine;
use ansai_supervisor::Instance;
use ansai_supervisor::authority::{EffectiveGrants, scopes};

use crate::authority;
use crate::component::Component;
use crate::configuration::Configuration;
use crate::exit::{Fault, Warning};
use crate::ownership;
use crate::share::Share;
use crate::sources::{self, Source};

/// What is to be loaded.
pub(crate) struct Asked<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) configuration: Option<&'a Configuration>,
    pub(crate) share: &'a Share,
    /// No instance's mode is above it.
    pub(crate) ceiling: Mode,
    pub(crate) engine: &'a Engine,
    pub(crate) interfaces: &'a [Interface],
}

/// One instance, ready to run.
pub(crate) struct Ready {
    pub(crate) loaded: Instance,
    pub(crate) component: Arc<Component>,
    /// In force at the start.
    pub(crate) force: EffectiveGrants,
}

/// One that is not.
#[derive(Debug)]
pub(crate) struct Unloaded {
    /// Instance, policy or path.
    pub(crate) name: String,
    pub(crate) fault: Fault,
}

/// What came of loading.
#[derive(Default)]
pub(crate) struct Loading {
    pub(crate) ready: Vec<Ready>,
    pub(crate) unloaded: Vec<Unloaded>,
    /// Policies of the paths that the configuration does not name.
    pub(crate) not_configured: Vec<String>,
    /// Hardly meant, but no error.
    pub(crate) warnings: Vec<Warning>,
}

/// Loads all that can be.
///
/// # Errors
/// A path that holds no policy.
pub(crate) fn load(asked: &Asked<'_>) -> Result<Loading, Fault> {
    let mut loading = Loading::default();
    let candidates = candidates(asked, sources::find(asked.paths)?, &mut loading);
    match asked.configuration {
        Some(configuration) => configured(asked, configuration, candidates, &mut loading),
        None => unconfigured(asked, &candidates, &mut loading),
    }
    loading.ready.sort_by(|a, b| a.loaded.name.cmp(&b.loaded.name));
    Ok(loading)
}

fn candidates(asked: &Asked<'_>, found: Vec<Source>, loading: &mut Loading) -> Vec<Arc<Component>> {
    let mut candidates = Vec::new();
    for source in found {
        let read = match &source {
            Source::Component(path) => Component::read(path, asked.interfaces),
            Source::OnlySources(dir) => Err(sources::only_sources(dir)),
        };
        match read {
            Ok(component) => candidates.push(Arc::new(component)),
            Err(fault) => loading.unloaded.push(Unloaded { name: source.path().display().to_string(), fault }),
        }
    }
    candidates
}

fn configured(
    asked: &Asked<'_>,
    configuration: &Configuration,
    candidates: Vec<Arc<Component>>,
    loading: &mut Loading,
) {
    let mut used: BTreeSet<PathBuf> = BTreeSet::new();
    let mut read = BTreeMap::new();
    for name in configuration.config.policies.keys() {
        let ready = component_of(asked, configuration, name, &candidates, &mut read).and_then(|component| {
            used.insert(component.path.clone());
            instance(asked, configuration, name, component, &mut loading.warnings)
        });
        match ready {
            Ok(ready) => loading.ready.push(ready),
            Err(fault) => loading.unloaded.push(Unloaded { name: name.clone(), fault }),
        }
    }
    let unused = candidates.iter().filter(|candidate| !used.contains(&candidate.path));
    loading.not_configured = unused.map(|c| format!("{} ({})", c.manifest.name, c.path.display())).collect();
}

/// The component of an instance: its source, or the one policy of that name among the paths.
fn component_of(
    asked: &Asked<'_>,
    configuration: &Configuration,
    name: &str,
    candidates: &[Arc<Component>],
    read: &mut BTreeMap<PathBuf, Arc<Component>>,
) -> Result<Arc<Component>, Fault> {
    let file = configuration.path.display();
    if let Some(source) = configuration.config.source(name) {
        let source = match source {
            PolicySource::Path(path) => path,
            PolicySource::Builtin(builtin) => asked.share.policy(&builtin)?,
        };
        if let Some(component) = read.get(&source) {
            return Ok(component.clone());
        }
        let found = sources::find(std::slice::from_ref(&source))?;
        return match found.as_slice() {
            [Source::Component(path)] => {
                let component = Arc::new(Component::read(path, asked.interfaces)?);
                read.insert(source.clone(), component.clone());
                Ok(component)
            }
            [Source::OnlySources(dir)] => Err(sources::only_sources(dir)),
            several => Err(Fault::usage(
                codes::SEVERAL_POLICIES,
                format!(
                    "`source` of [policy.{name}] in {file} leads to several policies: {}",
                    list(several.iter().map(|source| source.path().display().to_string()))
                ),
            )
            .hint("name one .wasm file")),
        };
    }
    let mut same = candidates.iter().filter(|candidate| candidate.manifest.name == name);
    match (same.next(), same.next()) {
        (Some(component), None) => Ok(component.clone()),
        (None, _) => {
            let there = list(candidates.iter().map(|candidate| candidate.manifest.name.clone()));
            let there = if there.is_empty() { "none".to_owned() } else { there };
            let source = if asked.share.knows(name) { format!("builtin:{name}") } else { "PATH".to_owned() };
            Err(Fault::usage(codes::UNKNOWN_POLICY, format!("no policy is called {name} (there: {there})"))
                .hint(format!("write `source = \"{source}\"` below [policy.{name}] in {file}, or give its directory")))
        }
        (Some(first), Some(second)) => {
            let paths = list([first, second].map(|candidate| candidate.path.display().to_string()));
            Err(Fault::usage(codes::SEVERAL_POLICIES, format!("two policies are called {name}: {paths}"))
                .hint(format!("write `source = \"PATH\"` below [policy.{name}] in {file}")))
        }
    }
}

fn instance(
    asked: &Asked<'_>,
    configuration: &Configuration,
    name: &str,
    component: Arc<Component>,
    warnings: &mut Vec<Warning>,
) -> Result<Ready, Fault> {
    let config = &configuration.config;
    let manifest = &component.manifest;
    let configured = config
        .policies
        .get(name)
        .ok_or_else(|| Fault::usage(codes::NOT_CONFIGURED, format!("[policy.{name}] is not configured")))?;
    let force = authority::in_force(configuration, name, manifest, asked.interfaces, asked.ceiling)?;
    let settings = component.schema.resolve(&configured.settings).map_err(|problems| {
        let diagnostics = config.settings_diagnostics(name, &problems);
        Fault::invalid(format!("the settings of [policy.{name}] are not valid"), diagnostics)
    })?;
    let policy = component.compile(asked.engine)?;
    warnings.extend(Warning::of(&config.unasked_grants(name, manifest)));
    if let Some((problem, _)) = ownership::problem(&component.path)
        && force.mode == Mode::Enforce
    {
        let message = format!("{problem}, so somebody else may decide what {name} does");
        warnings.push(Warning::new(codes::UNTRUSTED_POLICY, message));
    }
    let loaded = Instance {
        name: name.into(),
        policy,
        version: manifest.version.clone(),
        settings: Arc::new(settings),
        limits: configured.limits.over(manifest.limits.over(Limits::default())),
        ladder: configured.attempts.clone(),
        every: configured.every.unwrap_or(manifest.every),
    };
    Ok(Ready { loaded, component, force })
}

/// Every policy as an instance of its own name, which only observes.
fn unconfigured(asked: &Asked<'_>, candidates: &[Arc<Component>], loading: &mut Loading) {
    let mut names: BTreeMap<&str, &Arc<Component>> = BTreeMap::new();
    for component in candidates {
        let name = component.manifest.name.as_str();
        let ready = match names.get(name) {
            Some(first) => {
                let paths = list([first, component].map(|one| one.path.display().to_string()));
                Err(Fault::usage(codes::SEVERAL_POLICIES, format!("two policies are called {name}: {paths}"))
                    .hint("give one of them, or write a configuration with a name for each"))
            }
            None => unconfigured_instance(asked, component),
        };
        names.entry(name).or_insert(component);
        match ready {
            Ok(ready) => loading.ready.push(ready),
            Err(fault) => loading.unloaded.push(Unloaded { name: name.to_owned(), fault }),
        }
    }
}

fn unconfigured_instance(asked: &Asked<'_>, component: &Arc<Component>) -> Result<Ready, Fault> {
    let manifest = &component.manifest;
    let name = manifest.name.as_str();
    if let Some((problem, way_out)) = ownership::problem(&component.path) {
        return Err(Fault::refused(
            codes::UNTRUSTED_POLICY,
            format!("{name} is not run without a configuration: {problem}"),
        )
        .hint(format!("{way_out}; or grant what it asks for with --config FILE")));
    }
    let settings = component.schema.resolve(&serde_json::json!({})).map_err(|problems| {
        let (code, first) = match problems.first() {
            Some(problem) => (problem.code, problem.message.as_str()),
            None => (codes::MISSING_SETTING, ""),
        };
        Fault::usage(code, format!("{name} does not run without settings: {first}"))
            .hint(format!("write [policy.{name}.settings] in a configuration and give it with --config FILE"))
    })?;
    let loaded = Instance {
        name: name.into(),
        policy: component.compile(asked.engine)?,
        version: manifest.version.clone(),
        settings: Arc::new(settings),
        limits: manifest.limits.over(Limits::default()),
        ladder: RetryPolicy::default(),
        every: manifest.every,
    };
    let granted = ansai_config::unconfigured(manifest, asked.interfaces);
    let force = EffectiveGrants { scopes: scopes(granted), mode: Mode::Observe };
    Ok(Ready { loaded, component: component.clone(), force })
}

fn list(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}
