//! Nothing is lost and nothing is told twice.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::event::{Record, Verdict};
use ansai_core::incident::Change;
use ansai_core::{Event, InstanceName, Timestamp};

use super::{Facts, Invariant, Said};

/// What stays the same is told again after a day.
const DAY: u64 = 86_400_000;

/// An incident opens once and closes once, there is one for each finding, and what is decided about it is told when it
/// changes.
#[derive(Default)]
pub(super) struct ToldOnce {
    opened: BTreeSet<String>,
    /// By instance and key.
    open: BTreeMap<(InstanceName, String), String>,
    /// By incident: the last verdict and its time.
    verdicts: BTreeMap<String, (Verdict, Timestamp)>,
}

impl Invariant for ToldOnce {
    fn name(&self) -> &'static str {
        "nothing is told twice"
    }

    fn see(&mut self, record: &Record, said: &Said, _: &Facts) -> Result<(), String> {
        match &record.event {
            Event::Incident { incident, instance, key, change, .. } => {
                self.verdicts.remove(incident);
                let place = (instance.clone(), key.clone());
                match change {
                    Change::Opened => {
                        if !self.opened.insert(incident.clone()) {
                            return Err(format!("{incident} opened twice"));
                        }
                        if let Some(other) = self.open.insert(place, incident.clone()) {
                            return Err(format!("{incident} opened while {other} was open"));
                        }
                    }
                    change if change.is_closing() && self.open.remove(&place).as_ref() != Some(incident) => {
                        return Err(format!("{incident} closed, and it was not open"));
                    }
                    _ => {}
                }
            }
            // What a crash took is told again.
            Event::Started { .. } => self.verdicts.clear(),
            Event::Intent(intent) => {
                self.verdicts.remove(&said.plans[&intent.plan].1);
            }
            Event::Decided { plan, verdict, .. } => {
                let incident = &said.plans[plan].1;
                let told = self.verdicts.insert(incident.clone(), (verdict.clone(), record.at));
                let is_same = |(told, at): &(Verdict, Timestamp)| {
                    told == verdict && record.at.as_millis().abs_diff(at.as_millis()) < DAY
                };
                if *verdict != Verdict::Approved && told.as_ref().is_some_and(is_same) {
                    return Err(format!("{verdict:?} again about {incident}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Every fault that lasts is told as an incident, and every incident ends healed once its fault is over.
#[derive(Default)]
pub(super) struct EndsHealed {
    open: BTreeMap<(InstanceName, String), String>,
    open_at_rest: Option<BTreeSet<(InstanceName, String)>>,
}

impl Invariant for EndsHealed {
    fn name(&self) -> &'static str {
        "every incident ends told or healed"
    }

    fn see(&mut self, record: &Record, said: &Said, facts: &Facts) -> Result<(), String> {
        if said.number >= facts.rest && self.open_at_rest.is_none() {
            self.open_at_rest = Some(self.open.keys().cloned().collect());
        }
        let Event::Incident { incident, instance, key, change, .. } = &record.event else { return Ok(()) };
        let place = (instance.clone(), key.clone());
        match change.is_closing() {
            true => drop(self.open.remove(&place)),
            false => drop(self.open.insert(place, incident.clone())),
        }
        Ok(())
    }

    fn finish(&mut self, _: &Said, facts: &Facts) -> Vec<String> {
        let open = self.open_at_rest.clone().unwrap_or_else(|| self.open.keys().cloned().collect());
        let lost = facts.lasting.iter().filter(|fault| !open.contains(*fault));
        let mut broken: Vec<String> =
            lost.map(|(instance, key)| format!("the fault {instance}/{key} lasts and is no incident")).collect();
        broken.extend(self.open.values().map(|incident| format!("{incident} stays open, and its fault is over")));
        broken
    }
}
