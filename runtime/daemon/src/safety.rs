//! What bounds all instances together, as the configuration says.

use ansai_supervisor::SafetyPolicy;

use crate::configuration::Configuration;

/// Of `[host.storm]`, `[host.budget]` and `[policy.NAME.budget]`. Like schedules, they are read again after SIGHUP.
pub(crate) fn policy(configuration: &Configuration) -> SafetyPolicy {
    let config = &configuration.config;
    let bounded = config.policies.iter().filter(|(_, instance)| !instance.budget.limits.is_empty());
    SafetyPolicy {
        storm: config.safety.storm,
        host: config.safety.budget.clone(),
        instances: bounded.map(|(name, instance)| (name.clone(), instance.budget.clone())).collect(),
    }
}
