//! Cooldown and number of attempts.

use std::collections::BTreeMap;

use super::{Facts, Invariant, Said};

/// By what really acted, and by the time that really passed. A small jump of the time of day is no doubt about it, so it
/// may shorten a cooldown.
pub(super) struct Attempts;

impl Invariant for Attempts {
    fn name(&self) -> &'static str {
        "cooldown and number of attempts"
    }

    fn finish(&mut self, said: &Said, facts: &Facts) -> Vec<String> {
        let mut broken = Vec::new();
        // By incident: its plans that acted, and when the first step of each did.
        let mut attempts: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
        for act in &facts.acts {
            let plan = act.step_id.rsplit_once('-').unwrap().0;
            let Some((_, incident)) = said.plans.get(plan) else {
                broken.push(format!("{} is of no plan that the log has", act.step_id));
                continue;
            };
            let attempts = attempts.entry(incident).or_default();
            if attempts.last().is_none_or(|(last, _)| *last != plan) {
                attempts.push((plan, act.elapsed.get()));
            }
        }
        for (incident, attempts) in attempts {
            let retry = &facts.rules[&said.incidents[incident].0].retry;
            if attempts.len() > retry.max_attempts as usize {
                broken.push(format!("{} attempts at {incident}, {} are permitted", attempts.len(), retry.max_attempts));
            }
            for pair in attempts.windows(2) {
                let (from, to) = (pair[0].1, pair[1].1);
                let is_accepted = facts.accepted.iter().any(|at| (from..=to).contains(&at.get()));
                if !is_accepted && to - from + facts.small_jumps < retry.cooldown.get() {
                    let apart = (to - from) / 1_000;
                    broken.push(format!("{incident}: {apart} s between attempts, cooldown is {}", retry.cooldown));
                }
            }
        }
        broken
    }
}
