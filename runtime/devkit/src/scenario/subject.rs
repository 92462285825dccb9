//! The policy under test, with everything that is the same for all its scenarios.

use std::sync::Arc;

use ansai_config::{Manifest, Schema};
use ansai_core::{Interface, Limits};
use ansai_engine::Policy;
use ansai_kit::authorize::Scopes;
use ansai_kit::registry::Registry;

/// A policy with its manifest and settings.
pub struct Subject {
    pub(super) policy: Policy,
    pub(super) manifest: Arc<Manifest>,
    pub(super) schema: Schema,
    pub(super) registry: Arc<Registry>,
    pub(super) interfaces: Vec<Interface>,
    /// Scopes of a scenario that sets none.
    pub(super) scopes: Scopes,
    pub(super) limits: Limits,
}

impl Subject {
    /// Combines a loaded component with its manifest, the schema of its settings, and the host's interfaces.
    pub fn new(policy: Policy, manifest: Arc<Manifest>, schema: Schema, registry: Registry) -> Subject {
        let interfaces = registry.interfaces();
        Subject {
            scopes: Arc::new(ansai_config::unconfigured(&manifest, &interfaces)),
            limits: manifest.limits_in_force(),
            registry: Arc::new(registry),
            policy,
            manifest,
            schema,
            interfaces,
        }
    }

    /// Name of the policy in its manifest.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }
}
