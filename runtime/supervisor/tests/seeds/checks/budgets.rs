//! Budgets are never exceeded, whatever plans, incidents, restarts and clocks do.

use super::{Facts, Invariant, Said};
use crate::setup::Rules;

/// By what really acted, and by the time that really passed.
pub(super) struct WithinBudgets;

impl Invariant for WithinBudgets {
    fn name(&self) -> &'static str {
        "budgets are never exceeded"
    }

    fn finish(&mut self, _: &Said, facts: &Facts) -> Vec<String> {
        let mut broken = Vec::new();
        for (number, act) in facts.acts.iter().enumerate() {
            let Rules { budget: (most, hours), .. } = &facts.rules[&act.instance];
            let is_within = |elapsed: u64| elapsed + hours * 3_600_000 > act.elapsed.get();
            let same = facts.acts[..=number].iter().filter(|one| one.instance == act.instance);
            let used: u64 = same
                .filter(|one| is_within(one.elapsed.get()))
                .flat_map(|one| one.uses.iter().filter(|(bound, _)| bound == "max_files").map(|(_, used)| *used))
                .sum();
            if used > *most {
                broken.push(format!("{} files within {hours} h, {most} are granted: {}", used, act.step_id));
            }
        }
        broken
    }
}
