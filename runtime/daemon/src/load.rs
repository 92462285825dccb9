//! From paths and a configuration to instances that can run. What does not load is reported; the others run.

mod configured;
mod error;
pub(crate) mod shadow;
mod unconfigured;

use std::sync::Arc;

use ansai_core::{Interface, Mode};
use ansai_engine::Engine;
use ansai_engine::isolated::Workers;
use ansai_registry::RegistryError;
use ansai_supervisor::Instance;
use ansai_supervisor::authority::EffectiveGrants;

pub use self::error::InstanceError;
pub use self::shadow::LoadedShadow;
use crate::component::Component;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::pulled::Pulled;
use crate::share::Share;
use crate::sources::{Source, SourceError};
use crate::warning::Warning;

/// What to load.
pub struct LoadRequest<'a> {
    /// What [`crate::sources::find`] found at the paths, besides the sources that the configuration names.
    pub found: &'a [Source],
    /// Without one, every policy of the paths becomes an instance that observes.
    pub configuration: Option<&'a Configuration>,
    /// Where the built-in policies are that the configuration names.
    pub share: &'a Share,
    /// Where the policies from registries are that the configuration names, and whether all components must be pinned.
    pub pulled: &'a Pulled,
    /// No instance's mode is above it.
    pub ceiling: Mode,
    /// Compiles and links.
    pub engine: &'a Engine,
    /// Run the code of policies; without them, this process does.
    pub workers: Option<&'a Arc<Workers>>,
    /// Those of the host.
    pub interfaces: &'a [Interface],
}

/// An instance that is ready to run.
pub struct LoadedInstance {
    /// For the supervisor.
    pub instance: Instance,
    /// Its component.
    pub component: Arc<Component>,
    /// What it may do at the start.
    pub grants: EffectiveGrants,
}

/// An instance, policy or path that did not load.
#[derive(Debug)]
pub struct NotLoaded {
    /// Instance, policy or path.
    pub name: String,
    /// Why.
    pub error: Error,
}

/// What loading gave.
#[derive(Default)]
pub struct Loading {
    /// Sorted by name.
    pub ready: Vec<LoadedInstance>,
    /// Versions that run beside pinned ones; empty unless they are asked for.
    pub shadows: Vec<LoadedShadow>,
    /// Reported, and not run.
    pub not_loaded: Vec<NotLoaded>,
    /// Policies at the paths that the configuration does not name: `NAME (PATH)`.
    pub not_configured: Vec<String>,
    /// What is probably not meant.
    pub warnings: Vec<Warning>,
}

/// Loads everything that can be loaded.
pub fn load(request: &LoadRequest<'_>) -> Loading {
    let mut loading = Loading::default();
    let candidates = candidates(request, &mut loading);
    match request.configuration {
        Some(configuration) => configured::load(request, configuration, &candidates, &mut loading),
        None if request.pulled.is_locked() => not_locked(&candidates, &mut loading),
        None => unconfigured::load(request, &candidates, &mut loading),
    }
    loading.ready.sort_by(|a, b| a.instance.name.cmp(&b.instance.name));
    loading
}

/// Without a configuration, nothing is pinned.
fn not_locked(candidates: &[Arc<Component>], loading: &mut Loading) {
    for component in candidates {
        let reference = component.path.display().to_string();
        let error = RegistryError::NotLocked { path: ansai_registry::FILE_NAME.into(), reference };
        loading.not_loaded.push(NotLoaded { name: component.manifest.name.clone(), error: error.into() });
    }
}

fn candidates(request: &LoadRequest<'_>, loading: &mut Loading) -> Vec<Arc<Component>> {
    let mut candidates = Vec::new();
    for source in request.found {
        let read = match source {
            Source::Component(path) => Component::read(path, request.interfaces),
            Source::OnlySources(dir) => Err(SourceError::OnlySources(dir.clone()).into()),
        };
        match read {
            Ok(mut component) => {
                component.is_pulled = request.pulled.distrusts_paths();
                candidates.push(Arc::new(component));
            }
            Err(error) => loading.not_loaded.push(NotLoaded { name: source.path().display().to_string(), error }),
        }
    }
    candidates
}
