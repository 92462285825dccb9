//! What bounds all instances of a host together.

use std::collections::BTreeMap;

use ansai_core::storm::StormPolicy;
use ansai_core::{InstanceName, TotalBudget};

/// When healing stops, and what all actions together may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyPolicy {
    /// When healing stops, and when it goes on.
    pub storm: StormPolicy,
    /// What all instances together may use.
    pub host: TotalBudget,
    /// What an instance may use; one that is missing has only the budgets of its grants.
    pub instances: BTreeMap<InstanceName, TotalBudget>,
}

impl Default for SafetyPolicy {
    fn default() -> Self {
        let (storm, host) = (StormPolicy::default(), TotalBudget::of_host());
        SafetyPolicy { storm, host, instances: BTreeMap::new() }
    }
}
