//! What bounds all instances together, where the configuration says something about it.

use ansai_core::storm::StormPolicy;
use ansai_core::{TotalBound, TotalBudget, quantity};
use ansai_daemon::Configuration;

use super::Checked;
use crate::output::count::count;

/// One line for each table that is not the default.
pub(super) fn checked(configuration: &Configuration) -> Vec<Checked> {
    let config = &configuration.config;
    let (storm, host) = (&config.safety.storm, &config.safety.budget);
    let mut lines = Vec::new();
    if *storm != StormPolicy::default() {
        lines.push(format!("[host.storm], {}", self::storm(storm)));
    }
    if *host != TotalBudget::of_host() {
        lines.push(format!("[host.budget], {}", budget(host)));
    }
    let own = config.policies.iter().filter(|(_, instance)| !instance.budget.limits.is_empty());
    lines.extend(own.map(|(name, instance)| format!("[policy.{name}.budget], {}", budget(&instance.budget))));
    lines.into_iter().map(Checked::new).collect()
}

/// `stops healing after more than 30 incidents or 10 failed steps within 10 min, tries again after 10 min`.
fn storm(policy: &StormPolicy) -> String {
    let (incidents, steps) = (count(policy.incidents, "incident"), count(policy.failed_steps, "failed step"));
    let StormPolicy { within, quiet, .. } = policy;
    format!("stops healing after more than {incidents} or {steps} within {within}, tries again after {quiet}")
}

/// `in 24 h: 50 restarts, 1 h of interruption`; `no restarts` for a budget of zero.
fn budget(budget: &TotalBudget) -> String {
    let limit = |(bound, limit): (&TotalBound, &u64)| match (bound, *limit) {
        (TotalBound::Files, 0) => "no files".to_owned(),
        (TotalBound::Restarts, 0) => "no restarts".to_owned(),
        (TotalBound::Bytes, 0) => "no bytes".to_owned(),
        (TotalBound::Interruption, 0) => "no interruption".to_owned(),
        (TotalBound::Files, files) => count(files, "file"),
        (TotalBound::Restarts, restarts) => count(restarts, "restart"),
        (TotalBound::Bytes, bytes) => quantity::show_bytes(bytes),
        (TotalBound::Interruption, time) => format!("{} of interruption", quantity::show_milliseconds(time)),
    };
    let limits: Vec<String> = budget.limits.iter().map(limit).collect();
    format!("in {}: {}", budget.window, limits.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_say_what_is_set() {
        assert_eq!(
            storm(&StormPolicy::default()),
            "stops healing after more than 30 incidents or 10 failed steps within 10 min, tries again after 10 min"
        );
        let mut host = TotalBudget::of_host();
        host.limits.insert(TotalBound::Restarts, 0);
        assert_eq!(budget(&host), "in 1 d: no restarts, 1 h of interruption");
    }
}
