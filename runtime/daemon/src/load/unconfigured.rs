//! Without a configuration, every policy becomes an instance of the same name that observes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ansai_config::LimitsChange;
use ansai_core::watch::Wanted;
use ansai_core::{InstanceName, Mode, RetryPolicy, Shares, codes};
use ansai_supervisor::Instance;
use ansai_supervisor::authority::{EffectiveGrants, scopes};

use super::{InstanceError, LoadRequest, LoadedInstance, Loading, NotLoaded};
use crate::component::Component;
use crate::error::Error;
use crate::isolation;
use crate::warning::Warning;

pub(super) fn load(request: &LoadRequest<'_>, candidates: &[Arc<Component>], loading: &mut Loading) {
    let mut names: BTreeMap<&str, &Arc<Component>> = BTreeMap::new();
    for component in candidates {
        let name = component.manifest.name.as_str();
        let ready = match names.get(name) {
            Some(first) => {
                let paths = [first.path.clone(), component.path.clone()];
                Err(InstanceError::SameName { name: name.to_owned(), paths, file: None }.into())
            }
            None => instance(request, component),
        };
        names.entry(name).or_insert(component);
        match ready {
            Ok(ready) => {
                let none = LimitsChange::default();
                loading.warnings.extend(Warning::of_asked_limits(name, &component.manifest, &none));
                loading.ready.push(ready);
            }
            Err(error) => loading.not_loaded.push(NotLoaded { name: name.to_owned(), error }),
        }
    }
}

fn instance(request: &LoadRequest<'_>, component: &Arc<Component>) -> Result<LoadedInstance, Error> {
    let manifest = &component.manifest;
    let name = manifest.name.as_str();
    if let Some((problem, fix)) = component.exposure.clone() {
        return Err(InstanceError::Untrusted { policy: name.to_owned(), problem, fix }.into());
    }
    let settings = component.schema.resolve(&serde_json::json!({})).map_err(|problems| {
        let (code, problem) = match problems.into_iter().next() {
            Some(problem) => (problem.code, problem.message),
            None => (codes::MISSING_SETTING, String::new()),
        };
        InstanceError::NeedsSettings { policy: name.to_owned(), code, problem }
    })?;
    let name: InstanceName = name.parse().map_err(InstanceError::Name)?;
    let engine = (request.engine, request.workers);
    let instance = Instance {
        policy: isolation::policy(engine, request.share, component, &name, None)?,
        name,
        version: manifest.version.clone(),
        settings: Arc::new(settings),
        limits: manifest.limits_in_force(),
        shares: Shares::default(),
        retry_policy: RetryPolicy {
            cooldown: manifest.cooldown.unwrap_or(RetryPolicy::default().cooldown),
            verify_within: manifest.verify_within,
            ladder: manifest.ladder.clone(),
            ..RetryPolicy::default()
        },
        approval_expires: ansai_config::APPROVAL_EXPIRES,
        announce: ansai_core::Millis::ZERO,
        maintenance: Arc::default(),
        every: manifest.every,
        timing: Arc::default(),
        watches: Wanted::of(&manifest.watches, None).into(),
    };
    let granted = ansai_config::unconfigured(manifest, request.interfaces);
    let grants = EffectiveGrants::new(scopes(granted), Mode::Observe);
    Ok(LoadedInstance { instance, component: component.clone(), grants })
}
