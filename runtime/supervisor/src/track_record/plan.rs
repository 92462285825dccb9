//! What is counted of one plan: each number once for each of its actions, however often an event comes.

use ansai_core::promotion::Achieved;
use ansai_core::{Bytes, InstanceName, Millis};
use serde::{Deserialize, Serialize};

use super::fact::Fact;

/// A plan that may still be approved, applied, verified or undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CountedPlan {
    pub(crate) instance: InstanceName,
    steps: Vec<CountedStep>,
    #[serde(default)]
    is_approved: bool,
    #[serde(default)]
    is_rejected: bool,
    #[serde(default)]
    is_verified: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CountedStep {
    action: String,
    interrupts: Millis,
    #[serde(default)]
    is_applied: bool,
    #[serde(default)]
    is_undone: bool,
}

/// What is added to the record of an action.
pub(crate) type Added = (String, Achieved);

impl CountedPlan {
    pub(crate) fn new(instance: &InstanceName, steps: &[(String, Millis)]) -> CountedPlan {
        let step = |(action, interrupts): &(String, Millis)| CountedStep {
            action: action.clone(),
            interrupts: *interrupts,
            is_applied: false,
            is_undone: false,
        };
        CountedPlan {
            instance: instance.clone(),
            steps: steps.iter().map(step).collect(),
            is_approved: false,
            is_rejected: false,
            is_verified: false,
        }
    }

    /// Its actions, each once.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.actions_of(|_| true)
    }

    /// Counts what happened to it.
    pub(crate) fn take(&mut self, fact: &Fact) -> Vec<Added> {
        let once = Achieved::default;
        match fact {
            Fact::Asked { is_approved: true, .. } if !self.is_approved => {
                self.is_approved = true;
                self.each(|_| true, &Achieved { approved: 1, ..once() })
            }
            Fact::Asked { is_approved: false, .. } if !self.is_rejected => {
                self.is_rejected = true;
                self.each(|_| true, &Achieved { rejected: 1, ..once() })
            }
            Fact::Released { .. } => {
                // It may wait for a window now, as one that a person approved.
                self.is_approved = true;
                Vec::new()
            }
            Fact::Applied { step, freed_bytes, .. } => {
                let is_known = |action: &str| self.steps.iter().any(|one| one.action == action && one.is_applied);
                let Some((action, interrupts)) = self.step(*step, |one| one.is_applied) else { return Vec::new() };
                let applied = u64::from(!is_known(&action));
                self.mark(*step, |one| one.is_applied = true);
                let (freed_bytes, interrupted) = (Bytes::new(*freed_bytes), interrupts);
                vec![(action, Achieved { applied, freed_bytes, interrupted, ..once() })]
            }
            Fact::Verified { is_healthy, .. } if !self.is_verified => {
                self.is_verified = true;
                let achieved = Achieved { verified: 1, healed: u64::from(*is_healthy), ..once() };
                self.each(|one| one.is_applied, &achieved)
            }
            Fact::Undone { step, .. } => {
                let is_known = |action: &str| self.steps.iter().any(|one| one.action == action && one.is_undone);
                let Some((action, _)) = self.step(*step, |one| one.is_undone) else { return Vec::new() };
                let undone = u64::from(!is_known(&action));
                self.mark(*step, |one| one.is_undone = true);
                vec![(action, Achieved { undone, ..once() })]
            }
            _ => Vec::new(),
        }
    }

    /// A step of this number that is not marked already.
    fn step(&self, number: u32, is_marked: impl Fn(&CountedStep) -> bool) -> Option<(String, Millis)> {
        let step = self.steps.get(number as usize).filter(|step| !is_marked(step))?;
        Some((step.action.clone(), step.interrupts))
    }

    fn mark(&mut self, number: u32, mark: impl Fn(&mut CountedStep)) {
        if let Some(step) = self.steps.get_mut(number as usize) {
            mark(step);
        }
    }

    fn each(&self, is_wanted: impl Fn(&CountedStep) -> bool, achieved: &Achieved) -> Vec<Added> {
        self.actions_of(is_wanted).into_iter().map(|action| (action, achieved.clone())).collect()
    }

    fn actions_of(&self, is_wanted: impl Fn(&CountedStep) -> bool) -> Vec<String> {
        let mut actions: Vec<String> =
            self.steps.iter().filter(|step| is_wanted(step)).map(|step| step.action.clone()).collect();
        actions.sort_unstable();
        actions.dedup();
        actions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> CountedPlan {
        let steps = [("a.remove", 0), ("a.remove", 0), ("b.restart", 2_000)];
        let steps = steps.map(|(action, interrupts)| (action.to_owned(), Millis::new(interrupts)));
        CountedPlan::new(&InstanceName::from_static("one"), &steps)
    }

    fn applied(step: u32, freed_bytes: u64) -> Fact {
        Fact::Applied { plan: "p".into(), step, freed_bytes }
    }

    /// The sum of all that is added for an action.
    fn sum(added: &[Added], action: &str) -> Achieved {
        added.iter().filter(|(of, _)| of == action).fold(Achieved::default(), |sum, (_, one)| sum.with(one))
    }

    #[test]
    fn two_steps_of_an_action_count_once_and_their_bytes_twice() {
        let (mut plan, mut added) = (plan(), Vec::new());
        for fact in [
            Fact::Asked { plan: "p".into(), is_approved: true },
            applied(0, 10),
            applied(1, 5),
            // Recovery after a crash tells it again.
            applied(1, 5),
            Fact::Verified { plan: "p".into(), is_healthy: true },
            Fact::Verified { plan: "p".into(), is_healthy: false },
            Fact::Undone { plan: "p".into(), step: 1 },
            Fact::Undone { plan: "p".into(), step: 0 },
            applied(9, 1),
        ] {
            added.extend(plan.take(&fact));
        }
        let remove = Achieved {
            approved: 1,
            applied: 1,
            verified: 1,
            healed: 1,
            undone: 1,
            freed_bytes: Bytes::new(15),
            ..Achieved::default()
        };
        assert_eq!(sum(&added, "a.remove"), remove);
        // What was not applied did not help.
        assert_eq!(sum(&added, "b.restart"), Achieved { approved: 1, ..Achieved::default() });
    }

    #[test]
    fn an_approval_that_is_taken_back_is_both() {
        let mut plan = plan();
        let added: Vec<Added> = [true, false, false]
            .into_iter()
            .flat_map(|is_approved| plan.take(&Fact::Asked { plan: "p".into(), is_approved }))
            .collect();
        let both = Achieved { approved: 1, rejected: 1, ..Achieved::default() };
        assert_eq!((sum(&added, "a.remove"), sum(&added, "b.restart")), (both.clone(), both));
    }

    #[test]
    fn an_interruption_counts_when_the_step_acted() {
        let mut plan = plan();
        let added = plan.take(&applied(2, 0));
        assert_eq!(sum(&added, "b.restart").interrupted, Millis::new(2_000));
    }
}
