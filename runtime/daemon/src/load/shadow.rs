//! Versions that run beside pinned ones, in observe mode.

use ansai_core::{InstanceName, Mode};
use ansai_registry::{RegistryError, ShadowEnd, ShadowHeld};

use super::{LoadRequest, LoadedInstance, Loading, NotLoaded, configured};
use crate::configuration::Configuration;
use crate::difference::{Difference, Subject, subject};
use crate::pulled::Shadowed;
use crate::warning::Warning;

/// A version that runs beside the pinned one.
pub struct LoadedShadow {
    /// What runs. It observes, whatever the configuration says.
    pub ready: LoadedInstance,
    /// What is known of it.
    pub shadowed: Shadowed,
    /// Whether it can do more than the pinned version.
    pub is_wider: bool,
}

/// Loads them for the instances that are loaded. One that ended before, or does not load, is reported; the pinned version
/// runs in any case.
pub(crate) fn load(request: &LoadRequest<'_>, configuration: &Configuration, loading: &mut Loading) {
    let pulled = request.pulled.as_shadow();
    let observing = LoadRequest { pulled: &pulled, ceiling: Mode::Observe, ..*request };
    let went_back = request.pulled.went_back(configuration);
    for (name, shadowed) in request.pulled.shadows(configuration) {
        match &shadowed.record.end {
            // It is the one that runs.
            Some(ShadowEnd::TookOver) => continue,
            Some(ShadowEnd::Held(why)) => {
                loading.not_loaded.push(held(&name, &shadowed, why.clone()));
                continue;
            }
            None => {}
        }
        if went_back.contains_key(&shadowed.pinned.source) {
            let why = format!("{name}: version {} has no version to run beside", shadowed.shadow.policy.version);
            loading.warnings.push(Warning::new(ansai_core::codes::WENT_BACK, why));
            continue;
        }
        let Some(pinned) = loading.ready.iter().find(|one| one.instance.name == name) else { continue };
        // What is unusual about its table is told of the pinned version.
        match configured::one(&observing, configuration, &name, &mut Vec::new()) {
            Ok(mut ready) => {
                ready.instance.policy = ready.instance.policy.as_shadow();
                let is_wider = is_wider(request, pinned, &ready, &shadowed);
                loading.shadows.push(LoadedShadow { ready, shadowed, is_wider });
            }
            Err(error) => loading.not_loaded.push(held(&name, &shadowed, format!("it does not load: {error}"))),
        }
    }
}

fn is_wider(request: &LoadRequest<'_>, pinned: &LoadedInstance, new: &LoadedInstance, shadowed: &Shadowed) -> bool {
    let of = |one: &LoadedInstance, signers: &[String]| Subject {
        signers: Some(signers.iter().cloned().collect()),
        ..subject(&one.component, request.interfaces)
    };
    let (old, new) = (of(pinned, &shadowed.pinned.signers), of(new, &shadowed.shadow.policy.signers));
    Difference::between(&old, &new).is_wider()
}

fn held(name: &InstanceName, shadowed: &Shadowed, why: String) -> NotLoaded {
    let (version, runs) = (shadowed.shadow.policy.version.clone(), shadowed.pinned.version.clone());
    let error = RegistryError::from(ShadowHeld { version, runs, why });
    NotLoaded { name: name.to_string(), error: error.into() }
}
