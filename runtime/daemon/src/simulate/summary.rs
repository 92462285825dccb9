//! What a simulation amounts to.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::event::Verdict;
use ansai_core::incident::{Change, Permission};
use ansai_core::{Decision, Event, InstanceName, Millis, Outcome, Status, Timestamp};
use serde::Serialize;

use super::{ByInstance, Simulation};

/// Counts of an instance, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Incidents that opened.
    pub incidents: u64,
    /// Incidents that were healthy when a plan was verified.
    pub healed: u64,
    /// Incidents that closed without that.
    pub passed: u64,
    /// Incidents that are open at the end.
    pub open: u64,
    /// Plans that were applied.
    pub plans: u64,
    /// Steps that acted.
    pub steps: u64,
    /// Steps that were skipped or refused.
    pub not_done: u64,
    /// Incidents about which a person was asked for approval.
    pub asked: u64,
    /// Incidents that ran out of attempts, came back too often, or for which the policy had no action: a person has to do
    /// something.
    pub left_to_person: u64,
}

/// What held plans back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Incidents that it held.
    pub incidents: u64,
    /// How long, all together, in milliseconds.
    pub total: Millis,
    /// How long one incident at most, in milliseconds.
    pub longest: Millis,
}

/// The counts of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfInstance {
    /// Its name.
    pub instance: InstanceName,
    /// Its counts.
    #[serde(flatten)]
    pub totals: Totals,
}

/// What would have happened.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// The seed.
    pub seed: u64,
    /// When it begins, in virtual time.
    pub begins: Option<Timestamp>,
    /// When it ends.
    pub ends: Option<Timestamp>,
    /// Faults that began.
    pub faults: u64,
    /// All instances together.
    pub totals: Totals,
    /// By the kind of the verdict: `cooling`, `outside-window`.
    pub held: BTreeMap<&'static str, Held>,
    /// By name; only those with an incident.
    pub instances: Vec<OfInstance>,
    /// Events that were not counted, because there were too many at once.
    pub missed: u64,
    #[serde(skip)]
    by_instance: ByInstance<Totals>,
    #[serde(skip)]
    open: BTreeMap<String, OpenIncident>,
    /// By plan: its incident.
    #[serde(skip)]
    plans: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default)]
struct OpenIncident {
    is_healed: bool,
    asked: bool,
    left: bool,
    /// What holds it, and since when.
    held: Option<(&'static str, Timestamp)>,
    /// What has held it.
    kinds: BTreeSet<&'static str>,
}

/// The word of what holds a plan, as events have it.
fn word(held: &Permission) -> &'static str {
    match held {
        Permission::Cooling(_) => "cooling",
        Permission::Exhausted(_) => "exhausted",
        Permission::Futile(_) => "futile",
        Permission::OverBudget(_) => "over-budget",
        Permission::AwaitsApproval { .. } => "awaits-approval",
        Permission::Announced { .. } => "announced",
        Permission::OutsideWindow(_) => "outside-window",
        Permission::Rejected { .. } => "rejected",
        Permission::Paused(_) => "paused",
        Permission::ClockInDoubt(_) => "clock-in-doubt",
        Permission::Storm(_) => "storm",
        Permission::Fight(_) => "fight",
        Permission::Flapping { .. } => "flapping",
        Permission::Granted => "granted",
    }
}

impl Summary {
    /// Counts one event.
    pub(super) fn see(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::Incident { incident, instance, change, .. } => self.incident(at, incident, instance, *change),
            Event::Planned { plan, incident: Some(incident), instance, decision, .. } => {
                self.plans.insert(plan.clone(), incident.clone());
                if matches!(decision, Decision::GiveUp(_) | Decision::Recommend(_)) {
                    self.left(incident, instance);
                }
            }
            Event::Decided { plan, instance, verdict, .. } => self.decided(at, plan, instance, verdict),
            Event::Escalated { incident, instance, .. } => self.left(incident, instance),
            Event::Outcome { instance, outcome, .. } => {
                let totals = self.by_instance.entry(instance.clone()).or_default();
                match outcome {
                    Outcome::Refused | Outcome::Skipped => totals.not_done += 1,
                    _ => totals.steps += 1,
                }
            }
            Event::Skipped { instance, .. } => self.by_instance.entry(instance.clone()).or_default().not_done += 1,
            Event::Verified { incident, status: Status::Healthy, .. } => {
                if let Some(open) = self.open.get_mut(incident) {
                    open.is_healed = true;
                }
            }
            _ => {}
        }
    }

    fn incident(&mut self, at: Timestamp, incident: &str, instance: &InstanceName, change: Change) {
        let totals = self.by_instance.entry(instance.clone()).or_default();
        match change {
            Change::Opened => {
                totals.incidents += 1;
                self.open.insert(incident.to_owned(), OpenIncident::default());
            }
            change if change.is_closing() => {
                match self.open.get(incident).is_some_and(|open| open.is_healed) {
                    true => totals.healed += 1,
                    false => totals.passed += 1,
                }
                self.is_held(at, incident, None);
                self.open.remove(incident);
            }
            _ => {}
        }
    }

    fn decided(&mut self, at: Timestamp, plan: &str, instance: &InstanceName, verdict: &Verdict) {
        let Some(incident) = self.plans.get(plan).cloned() else { return };
        match verdict {
            Verdict::Approved => {
                self.by_instance.entry(instance.clone()).or_default().plans += 1;
                self.is_held(at, &incident, None);
            }
            Verdict::Held(held) => {
                self.is_held(at, &incident, Some(word(held)));
                match held {
                    Permission::Exhausted(_) => self.left(&incident, instance),
                    Permission::AwaitsApproval { .. } => {
                        if let Some(open) = self.open.get_mut(&incident).filter(|open| !open.asked) {
                            open.asked = true;
                            self.by_instance.entry(instance.clone()).or_default().asked += 1;
                        }
                    }
                    _ => {}
                }
            }
            _ => self.is_held(at, &incident, None),
        }
    }

    fn left(&mut self, incident: &str, instance: &InstanceName) {
        if let Some(open) = self.open.get_mut(incident).filter(|open| !open.left) {
            open.left = true;
            self.by_instance.entry(instance.clone()).or_default().left_to_person += 1;
        }
    }

    /// Something else holds an incident from now on, or nothing.
    fn is_held(&mut self, at: Timestamp, incident: &str, by: Option<&'static str>) {
        let Some(open) = self.open.get_mut(incident) else { return };
        if open.held.map(|(kind, _)| kind) == by {
            return;
        }
        if let Some((kind, since)) = open.held.take() {
            let time = at.checked_since(since).unwrap_or(Millis::ZERO);
            let held = self.held.entry(kind).or_default();
            held.incidents += u64::from(open.kinds.insert(kind));
            held.total = Millis::new(held.total.get().saturating_add(time.get()));
            held.longest = held.longest.max(time);
        }
        open.held = by.map(|kind| (kind, at));
    }

    /// Adds everything up.
    pub(super) fn ended(mut self, ends: Timestamp, simulation: &Simulation, faults: u64) -> Summary {
        let open: Vec<String> = self.open.keys().cloned().collect();
        for incident in &open {
            self.is_held(ends, incident, None);
            // The id begins with the name of the instance.
            let name = incident.split('/').next().and_then(|name| name.parse::<InstanceName>().ok());
            if let Some(name) = name {
                self.by_instance.entry(name).or_default().open += 1;
            }
        }
        for totals in self.by_instance.values() {
            self.totals.add(totals);
        }
        let of = |(instance, totals): (&InstanceName, &Totals)| OfInstance {
            instance: instance.clone(),
            totals: totals.clone(),
        };
        self.instances = self.by_instance.iter().map(of).collect();
        (self.seed, self.faults) = (simulation.seed, faults);
        (self.begins, self.ends) = (Some(simulation.begins), Some(ends));
        self
    }
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.incidents += other.incidents;
        self.healed += other.healed;
        self.passed += other.passed;
        self.open += other.open;
        self.plans += other.plans;
        self.steps += other.steps;
        self.not_done += other.not_done;
        self.asked += other.asked;
        self.left_to_person += other.left_to_person;
    }
}

#[cfg(test)]
mod tests {
    use super::super::BEGINS;
    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");

    fn at(minutes: u64) -> Timestamp {
        BEGINS + Millis::new(minutes * 60_000)
    }

    fn incident(change: Change) -> Event {
        Event::Incident {
            incident: "one/k/1".into(),
            instance: ONE,
            key: "k".into(),
            change,
            severity: None,
            summary: String::new(),
            held_under: None,
            silenced: false,
        }
    }

    fn planned() -> Event {
        Event::Planned {
            plan: "p".into(),
            incident: Some("one/k/1".into()),
            instance: ONE,
            decision: Decision::Apply(ansai_core::OnFailure::Stop),
            steps: Vec::new(),
            recommendations: Vec::new(),
            distance: None,
        }
    }

    fn decided(verdict: Verdict) -> Event {
        Event::Decided { plan: "p".into(), instance: ONE, verdict, attempt: None }
    }

    fn escalated() -> Event {
        Event::Escalated {
            incident: "one/k/1".into(),
            instance: ONE,
            key: "k".into(),
            severity: None,
            summary: String::new(),
            reason: ansai_core::incident::Reason::NothingToDo,
            attempts: 1,
            evidence: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// Would break: an incident that comes back too often, which no verdict tells.
    #[test]
    fn what_is_escalated_is_left_to_a_person() {
        let mut summary = Summary::default();
        summary.see(at(0), &incident(Change::Opened));
        summary.see(at(0), &planned());
        summary.see(at(0), &decided(Verdict::Held(Permission::Flapping { times: 3, within: Millis::from_hours(1) })));
        summary.see(at(0), &escalated());
        let simulation = Simulation { begins: BEGINS, time: Millis::ZERO, seed: 1, approve_after: None };
        let summary = summary.ended(at(60), &simulation, 1);
        assert_eq!(summary.totals.left_to_person, 1);
        assert_eq!(summary.held.keys().copied().collect::<Vec<_>>(), ["flapping"]);
    }

    /// Would break: times that are counted twice or not at all when what holds a plan changes.
    #[test]
    fn what_holds_a_plan_is_counted_until_something_else_does() {
        let mut summary = Summary::default();
        summary.see(at(0), &incident(Change::Opened));
        summary.see(at(0), &planned());
        for (minute, verdict) in [
            (0, Verdict::Held(Permission::OutsideWindow(at(60)))),
            (10, Verdict::Held(Permission::OutsideWindow(at(60)))),
            (60, Verdict::Held(Permission::Cooling(at(70)))),
            (70, Verdict::Approved),
        ] {
            summary.see(at(minute), &decided(verdict));
        }
        summary.see(at(90), &decided(Verdict::Held(Permission::Exhausted(1))));
        // It is left to a person once, however often that is told.
        summary.see(at(90), &escalated());
        let simulation = Simulation { begins: BEGINS, time: Millis::from_hours(2), seed: 7, approve_after: None };
        let summary = summary.ended(at(120), &simulation, 1);
        let minutes = |kind| summary.held.get(kind).map(|held| (held.incidents, held.total.get() / 60_000));
        assert_eq!(minutes("outside-window"), Some((1, 60)));
        assert_eq!((minutes("cooling"), minutes("exhausted")), (Some((1, 10)), Some((1, 30))));
        let Totals { incidents, open, plans, left_to_person, .. } = summary.totals;
        assert_eq!((incidents, open, plans, left_to_person), (1, 1, 1, 1));
    }

    #[test]
    fn healed_is_what_was_verified_and_everything_else_passed() {
        for (is_verified, expected) in [(true, (1, 0)), (false, (0, 1))] {
            let mut summary = Summary::default();
            summary.see(at(0), &incident(Change::Opened));
            if is_verified {
                let (plan, incident) = ("p".to_owned(), "one/k/1".to_owned());
                let status = Status::Healthy;
                let event = Event::Verified {
                    plan,
                    incident,
                    instance: ONE,
                    status,
                    distance: None,
                    progress: None,
                    evaluations: 1,
                };
                summary.see(at(1), &event);
            }
            summary.see(at(2), &incident(Change::Closed));
            let simulation = Simulation { begins: BEGINS, time: Millis::ZERO, seed: 1, approve_after: None };
            let Totals { healed, passed, .. } = summary.ended(at(3), &simulation, 1).totals;
            assert_eq!((healed, passed), expected);
        }
    }
}
