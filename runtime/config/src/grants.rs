//! What is in force: the operator's grants, narrowed by what the manifest asks for.

use std::collections::BTreeMap;

use ansai_core::{Interface, InterfaceKind, Scope, Sensitivity};

use crate::instance::Grants;
use crate::manifest::Manifest;
use crate::scope_table;

/// A required capability that the operator did not grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("required capability \"{interface}\" is not granted (its reason: {reason})")]
pub struct MissingGrant {
    /// Its name.
    pub interface: String,
    /// The author's, made harmless for terminals.
    pub reason: String,
    /// The line to add below `[policy.NAME.grant]`, to be filled in.
    pub stanza: String,
}

/// The scope in force of every interface that is asked for and granted; interfaces of the kind
/// [`InterfaceKind::Base`] that are asked for need no grant.
///
/// # Errors
/// The first required interface, by name, without a grant.
pub fn effective_scopes(
    manifest: &Manifest,
    grants: &Grants,
    interfaces: &[Interface],
) -> Result<BTreeMap<String, Scope>, MissingGrant> {
    let nothing = Scope::default();
    let mut in_force = BTreeMap::new();
    for (name, request) in &manifest.capabilities {
        let interface = interfaces.iter().find(|one| one.name == name);
        let granted = grants.get(name);
        match (interface, granted) {
            (Some(interface), Some(granted)) => {
                let scope = Scope::in_force(interface.fields, &request.scope, granted);
                in_force.insert(name.clone(), scope);
            }
            (Some(interface), None) if interface.kind == InterfaceKind::Base => {
                let scope = Scope::in_force(interface.fields, &request.scope, &nothing);
                in_force.insert(name.clone(), scope);
            }
            (interface, _) if request.required => {
                return Err(MissingGrant {
                    interface: name.clone(),
                    reason: ansai_core::text::inert(&request.reason, 300),
                    stanza: interface.map_or_else(|| format!("\"{name}\" = {{}}"), scope_table::example),
                });
            }
            _ => {}
        }
    }
    Ok(in_force)
}

/// What a policy gets without a configuration, in observe mode only: probes marked metadata and previews, within
/// what its author suggests. Nothing else is granted, so everything else answers `denied`.
pub fn unconfigured(manifest: &Manifest, interfaces: &[Interface]) -> BTreeMap<String, Scope> {
    let asked = manifest.capabilities.iter().filter_map(|(name, request)| {
        let interface = interfaces.iter().find(|one| one.name == name)?;
        let harmless = match interface.kind {
            InterfaceKind::Base | InterfaceKind::Actions => true,
            InterfaceKind::Probe => interface.sensitivity == Sensitivity::Metadata,
        };
        harmless.then(|| (name.clone(), Scope::in_force(interface.fields, &request.scope, &request.suggest)))
    });
    asked.collect()
}
