//! What the operator grants now: asked for when an instance is evaluated, and again just before each step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ansai_core::{InstanceName, InterfaceName, Mode, Never, ScopeInForce};
use ansai_kit::authorize::Scopes;
use ansai_kit::evaluation_state::{InstanceTarget, Label};
use ansai_kit::target::Reach;

/// What is in force for one instance.
#[derive(Clone)]
pub struct EffectiveGrants {
    /// Scopes by interface.
    pub scopes: Scopes,
    /// Its mode, not above the ceiling of this run.
    pub mode: Mode,
    /// The labels of this host.
    pub labels: Arc<Vec<Label>>,
    /// What the policy sees of the targets that it may use.
    pub targets: Arc<Vec<InstanceTarget>>,
    /// How probes and actions reach them.
    pub reach: Reach,
    /// What no step may touch, whatever is granted.
    pub never: Arc<Never>,
    /// The granted tables whose steps need the approval of a person in any mode.
    pub approve: Arc<ApproveTables>,
}

/// Numbers of granted tables, counted from 1, by interface.
pub type ApproveTables = BTreeMap<InterfaceName, BTreeSet<usize>>;

impl EffectiveGrants {
    /// Of an instance without targets, on a host without labels, where no step may touch what the defaults cover.
    pub fn new(scopes: Scopes, mode: Mode) -> EffectiveGrants {
        let (labels, targets, never, approve) = (Arc::default(), Arc::default(), Arc::default(), Arc::default());
        EffectiveGrants { scopes, mode, labels, targets, reach: Reach::default(), never, approve }
    }

    /// Whether a step of this interface needs the approval of a person, if this table of the grant permits it.
    pub fn needs_approval(&self, interface: &InterfaceName, table: usize) -> bool {
        let in_force = |number: &usize| {
            self.scopes.get(interface).is_some_and(|scope| scope.tables().iter().any(|one| one.number() == *number))
        };
        // A table of unknown number may be any of them. A marked table that an earlier one covers is not in force, so any
        // step may be one that it permits.
        let is_marked = |tables: &BTreeSet<usize>| {
            tables.contains(&table) || tables.iter().any(|number| table == 0 || !in_force(number))
        };
        self.mode == Mode::Approve || self.approve.get(interface).is_some_and(is_marked)
    }
}

/// The operator's word, as of now.
pub trait Authority: Send + Sync {
    /// What is in force for an instance; an error when it cannot be told, and then nothing is done.
    fn effective_grants(&self, instance: &InstanceName) -> Result<EffectiveGrants, String>;

    /// What is in force for a pass, which only looks. It may be one second old: whoever acts asks again.
    fn grants_of_a_pass(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        self.effective_grants(instance)
    }

    /// What is in force when a person undoes a plan of an instance, whatever its mode; an error when nothing is.
    fn undo_grants(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        self.effective_grants(instance)
    }

    /// Why no instance may act now, whatever its mode: the operator's word is not to be had, or somebody else may have
    /// written it. It may be one second old.
    fn problem(&self) -> Option<String> {
        None
    }
}

/// A word that does not change: tests, and runs without a configuration.
pub struct Fixed(BTreeMap<InstanceName, EffectiveGrants>);

impl Fixed {
    /// From what was in force at the start.
    pub fn new(grants: impl IntoIterator<Item = (InstanceName, EffectiveGrants)>) -> Self {
        Fixed(grants.into_iter().collect())
    }
}

impl Authority for Fixed {
    fn effective_grants(&self, instance: &InstanceName) -> Result<EffectiveGrants, String> {
        self.0.get(instance).cloned().ok_or_else(|| format!("{instance} is not configured"))
    }
}

/// Scopes as they are shared between evaluations.
pub fn scopes(scopes: BTreeMap<InterfaceName, impl Into<ScopeInForce>>) -> Scopes {
    Arc::new(scopes.into_iter().map(|(name, scope)| (name, scope.into())).collect())
}
