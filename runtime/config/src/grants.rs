//! Computes the scopes in force: the operator's grants, narrowed by the manifest's requests.

use std::collections::BTreeMap;

use ansai_core::scope::TooManyInForce;
use ansai_core::{Code, Interface, InterfaceKind, InterfaceName, ScopeInForce, ScopeTables, Sensitivity, codes};

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

/// Why no scopes are in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// A required capability is not granted.
    #[error(transparent)]
    Missing(#[from] MissingGrant),
    /// Request and grant of an interface have too many tables in common.
    #[error("too many tables for \"{interface}\": {problem}")]
    TooManyTables {
        /// Name of the interface.
        interface: InterfaceName,
        /// The limit.
        problem: TooManyInForce,
    },
}

/// How to fix [`GrantError::TooManyTables`].
pub(crate) const FEWER: &str = "join tables that differ only in a list, such as `roots`";

impl GrantError {
    /// What kind of error it is.
    pub fn code(&self) -> Code {
        match self {
            GrantError::Missing(_) => codes::NOT_GRANTED,
            GrantError::TooManyTables { .. } => codes::TOO_MANY_TABLES,
        }
    }

    /// How to fix it.
    pub fn hint(&self) -> String {
        match self {
            GrantError::Missing(missing) => missing.stanza.clone(),
            GrantError::TooManyTables { .. } => FEWER.to_owned(),
        }
    }
}

/// Returns the scope in force of every interface that is requested and granted. Interfaces of kind
/// [`InterfaceKind::Base`] need no grant.
///
/// # Errors
/// The first required interface, by name, that has no grant, or an interface with too many tables in force.
pub fn effective_scopes(
    manifest: &Manifest,
    grants: &Grants,
    interfaces: &[Interface],
) -> Result<BTreeMap<InterfaceName, ScopeInForce>, GrantError> {
    let nothing = ScopeTables::default();
    let mut in_force = BTreeMap::new();
    for (name, request) in &manifest.capabilities {
        let interface = interfaces.iter().find(|one| one.name == *name);
        let base = |interface: &&Interface| interface.kind == InterfaceKind::Base;
        let granted = grants.get(name).or_else(|| interface.filter(base).map(|_| &nothing));
        match (interface, granted) {
            (Some(interface), Some(granted)) => {
                let scope = ScopeInForce::of(interface.fields, &request.scope, granted)
                    .map_err(|problem| GrantError::TooManyTables { interface: name.clone(), problem })?;
                in_force.insert(name.clone(), scope);
            }
            (interface, _) if request.required => {
                return Err(GrantError::Missing(MissingGrant {
                    interface: name.clone(),
                    reason: ansai_core::text::inert(&request.reason, 300),
                    stanza: interface.map_or_else(|| format!("\"{name}\" = {{}}"), scope_table::example),
                }));
            }
            _ => {}
        }
    }
    Ok(in_force)
}

/// Says that an interface calls servers, to an operator.
pub const CALLS_OUT: &str = "calls servers that you name";

/// The scopes of a policy that runs without a configuration, in observe mode only: probes marked metadata, and
/// previews, within the author's suggestions, but nothing that calls servers. Everything else answers `denied`.
pub fn unconfigured(manifest: &Manifest, interfaces: &[Interface]) -> BTreeMap<InterfaceName, ScopeInForce> {
    let asked = manifest.capabilities.iter().filter_map(|(name, request)| {
        let interface = interfaces.iter().find(|one| one.name == *name)?;
        let harmless = match (interface.kind, interface.sensitivity) {
            (InterfaceKind::Base, _) => true,
            (_, Sensitivity::Outgoing) => false,
            (InterfaceKind::Actions, Sensitivity::Metadata | Sensitivity::Content) => true,
            (InterfaceKind::Probe, sensitivity) => sensitivity == Sensitivity::Metadata,
        };
        // Too many tables are an error of the manifest, so it does not get here.
        let scope = ScopeInForce::of(interface.fields, &request.scope, &request.suggest).ok()?;
        harmless.then(|| (name.clone(), scope))
    });
    asked.collect()
}
