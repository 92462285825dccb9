//! The invariants. Each sees the audit log of a life event by event, and then what really happened.
//!
//! To add one: a type with [`Invariant`], a line in [`invariants`], and what takes its guarantee away in
//! [`sabotage`](crate::sabotage).

mod attempts;
mod budgets;
mod intents;
mod orders;
mod told;
mod windows;

use std::collections::BTreeMap;

use ansai_core::event::{Record, Verdict};
use ansai_core::{Event, InstanceName, Millis};
use ansai_supervisor::simulation::{Act, Fault};

use crate::setup::{Rules, Setup};

/// What the harness knows besides the log.
pub(crate) struct Facts {
    pub(crate) rules: BTreeMap<InstanceName, Rules>,
    /// Every step that acted.
    pub(crate) acts: Vec<Act>,
    /// How far small jumps moved the time of day at most, in milliseconds.
    pub(crate) small_jumps: u64,
    /// When a person accepted the time of day.
    pub(crate) accepted: Vec<Millis>,
    /// Faults that lasted for at least two intervals when the host was left to come to rest: instance and key.
    pub(crate) lasting: Vec<(InstanceName, String)>,
    /// How many records the log had then.
    pub(crate) rest: usize,
    pub(crate) faults: Vec<Fault>,
}

impl Facts {
    pub(crate) fn new(setup: &Setup) -> Facts {
        Facts {
            rules: setup.rules.iter().map(|rules| (rules.name.clone(), rules.clone())).collect(),
            acts: Vec::new(),
            small_jumps: 0,
            accepted: Vec::new(),
            lasting: Vec::new(),
            rest: usize::MAX,
            faults: setup.faults.clone(),
        }
    }
}

/// What the log has said so far about plans and incidents.
#[derive(Default)]
pub(crate) struct Said {
    /// The number of the record that is seen now.
    pub(crate) number: usize,
    /// By plan: its instance and incident.
    pub(crate) plans: BTreeMap<String, (InstanceName, String)>,
    /// By incident: its instance and key.
    pub(crate) incidents: BTreeMap<String, (InstanceName, String)>,
}

impl Said {
    fn see(&mut self, event: &Event) {
        match event {
            Event::Planned { plan, incident: Some(incident), instance, .. } => {
                self.plans.insert(plan.clone(), (instance.clone(), incident.clone()));
            }
            Event::Incident { incident, instance, key, .. } => {
                self.incidents.insert(incident.clone(), (instance.clone(), key.clone()));
            }
            _ => {}
        }
    }
}

/// Something that always holds.
pub(crate) trait Invariant {
    /// In words, for whoever reads a failure.
    fn name(&self) -> &'static str;

    /// Sees one event after the other. `Err`: how it is broken.
    fn see(&mut self, _record: &Record, _said: &Said, _facts: &Facts) -> Result<(), String> {
        Ok(())
    }

    /// After the last event: everything that is broken.
    fn finish(&mut self, _said: &Said, _facts: &Facts) -> Vec<String> {
        Vec::new()
    }
}

fn invariants() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(intents::OneExecution::default()),
        Box::new(budgets::WithinBudgets),
        Box::new(attempts::Attempts),
        Box::new(windows::InWindows),
        Box::new(orders::Paused::default()),
        Box::new(orders::Silenced::default()),
        Box::new(orders::Approved::default()),
        Box::new(told::ToldOnce::default()),
        Box::new(told::EndsHealed::default()),
    ]
}

/// Everything that is broken.
pub(crate) fn all(log: &[Record], facts: &Facts) -> Vec<String> {
    let (mut said, mut invariants, mut broken) = (Said::default(), invariants(), Vec::new());
    for (number, record) in log.iter().enumerate() {
        said.number = number;
        said.see(&record.event);
        for invariant in &mut invariants {
            if let Err(how) = invariant.see(record, &said, facts) {
                broken.push(format!("{}: {how} (record {number}: {})", invariant.name(), record.event.name()));
            }
        }
    }
    for invariant in &mut invariants {
        broken.extend(invariant.finish(&said, facts).into_iter().map(|how| format!("{}: {how}", invariant.name())));
    }
    broken
}

/// What must happen at least once in many seeds, so that the invariants have something to see.
pub(crate) const EXPECTED: &[&str] = &[
    "decided approved",
    "decided held awaits-approval",
    "decided held clock-in-doubt",
    "decided held cooling",
    "decided held exhausted",
    "decided held outside-window",
    "decided held over-budget",
    "decided held paused",
    "incident opened",
    "incident closed",
    "intent",
    "outcome done",
    "outcome done after a crash",
    "outcome failed after a crash",
    "approval approved",
    "approval rejected",
    "approval-ended",
    "clock-jumped",
    "clock-believed",
    "paused",
    "pause-ended",
    "silenced",
    "stopped",
    "verified",
];

/// The kind of an event, a little closer than its name.
pub(crate) fn name(event: &Event) -> String {
    let word = |value: serde_json::Value| match value {
        serde_json::Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
        value => value.as_str().unwrap_or_default().to_owned(),
    };
    let json = |value: &dyn erased::Json| word(value.json());
    match event {
        Event::Decided { verdict: Verdict::Held(held), .. } => format!("decided held {}", json(held)),
        Event::Decided { verdict, .. } => format!("decided {}", json(verdict)),
        Event::Incident { change, .. } => format!("incident {}", json(change)),
        Event::Outcome { outcome, after_crash, .. } => {
            format!("outcome {outcome}{}", if *after_crash { " after a crash" } else { "" })
        }
        Event::Approval { decision, .. } => format!("approval {decision}"),
        event => event.name().to_owned(),
    }
}

mod erased {
    pub(super) trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}
