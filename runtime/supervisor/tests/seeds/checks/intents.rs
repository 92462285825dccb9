//! At most one execution per intent, and outcomes that say what happened.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::event::Record;
use ansai_core::{Event, Outcome};

use super::{Facts, Invariant, Said};

/// Each step has at most one intent, acts at most once, and has one outcome in the end: `done` if it acted, and nothing
/// like that if it did not.
#[derive(Default)]
pub(super) struct OneExecution {
    intents: BTreeSet<String>,
    outcomes: BTreeMap<String, Outcome>,
}

impl Invariant for OneExecution {
    fn name(&self) -> &'static str {
        "at most one execution per intent, and its outcome"
    }

    fn see(&mut self, record: &Record, _: &Said, facts: &Facts) -> Result<(), String> {
        match &record.event {
            Event::Intent(intent) => {
                let id = format!("{}-{}", intent.plan, intent.step);
                if !self.intents.insert(id.clone()) {
                    return Err(format!("{id} has two intents"));
                }
            }
            Event::Outcome { plan, step, outcome, .. } => {
                let id = format!("{plan}-{step}");
                if let Some(earlier) = self.outcomes.insert(id.clone(), *outcome) {
                    return Err(format!("{id} is {earlier} and then {outcome}"));
                }
                let has_acted = facts.acts.iter().any(|act| act.step_id == id);
                if has_acted != (*outcome == Outcome::Done) {
                    return Err(format!("{id} is {outcome}, and it {} act", if has_acted { "did" } else { "did not" }));
                }
                if !self.intents.contains(&id) && *outcome != Outcome::Refused {
                    return Err(format!("{id} is {outcome} without an intent"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _: &Said, facts: &Facts) -> Vec<String> {
        let mut broken = Vec::new();
        let mut acted = BTreeSet::new();
        for act in &facts.acts {
            if !acted.insert(&act.step_id) {
                broken.push(format!("{} acted twice", act.step_id));
            }
            if !self.intents.contains(&act.step_id) {
                broken.push(format!("{} acted without an intent", act.step_id));
            }
        }
        let without = self.intents.iter().filter(|id| !self.outcomes.contains_key(*id));
        broken.extend(without.map(|id| format!("{id} never got an outcome")));
        broken
    }
}
