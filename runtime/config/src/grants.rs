//! Computes the scopes in force: the operator's grants, narrowed by the manifest's requests.

use std::collections::BTreeMap;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Scope, Sensitivity};

use crate::instance::Grants;
use crate::manifest::Manifest;
use crate::scope_table;

/// A required capability that the operator did not grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("required capability \"{interface}\" is not granted (its reason: {reason})")]
pub struct MissingGrant {
    /// Name of the interface.
    pub interface: InterfaceName,
    /// The author's reason, made safe for terminals.
    pub reason: String,
    /// The line to add below `[policy.NAME.grant]`, with gaps to fill in.
    pub stanza: String,
}

/// Returns the scope in force of every interface that is requested and granted. Interfaces of kind
/// [`InterfaceKind::Base`] need no grant.
///
/// # Errors
/// The first required interface, by name, that has no grant.
pub fn effective_scopes(
    manifest: &Manifest,
    grants: &Grants,
    interfaces: &[Interface],
) -> Result<BTreeMap<InterfaceName, Scope>, MissingGrant> {
    let nothing = Scope::default();
    let mut in_force = BTreeMap::new();
    for (name, request) in &manifest.capabilities {
        let interface = interfaces.iter().find(|one| one.name == *name);
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

/// The scopes of a policy that runs without a configuration, in observe mode only: probes marked metadata, and
/// previews, within the author's suggestions. Everything else answers `denied`.
pub fn unconfigured(manifest: &Manifest, interfaces: &[Interface]) -> BTreeMap<InterfaceName, Scope> {
    let asked = manifest.capabilities.iter().filter_map(|(name, request)| {
        let interface = interfaces.iter().find(|one| one.name == *name)?;
        let harmless = match interface.kind {
            InterfaceKind::Base | InterfaceKind::Actions => true,
            InterfaceKind::Probe => interface.sensitivity == Sensitivity::Metadata,
        };
        harmless.then(|| (name.clone(), Scope::in_force(interface.fields, &request.scope, &request.suggest)))
    });
    asked.collect()
}
