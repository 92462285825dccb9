//! The event stream, in the journal: the lines that a terminal would get, with fields.

use std::collections::BTreeMap;

use ansai_core::Event;

use super::fields;
use super::journal::{Entry, Journal, Priority};

/// Plans whose incident is known. Only running plans have more events.
const MOST_PLANS: usize = 1_000;

/// Writes events to the journal.
pub(crate) struct EventLog {
    journal: &'static Journal,
    incidents: Incidents,
}

impl EventLog {
    pub(crate) fn new(journal: &'static Journal) -> EventLog {
        EventLog { journal, incidents: Incidents::default() }
    }

    /// Writes a line about an event; `false` if there is no journal at the moment.
    pub(crate) fn event(&mut self, event: &Event, line: &str) -> bool {
        self.journal.send(&entry(event, self.incidents.of(event), line))
    }

    /// Writes a line that is about no single event.
    pub(crate) fn line(&self, line: &str) -> bool {
        self.journal.send(&Entry::new(Priority::Warning, line))
    }
}

fn entry(event: &Event, incident: Option<&str>, line: &str) -> Entry {
    Entry::new(fields::priority(event), line)
        .field("ANSAI_EVENT", Some(event.name()))
        .field("ANSAI_INSTANCE", event.instance())
        .field("ANSAI_INCIDENT", incident)
        .field("ANSAI_PLAN", event.plan())
        .field("ANSAI_CODE", fields::code(event))
}

/// The incident of each plan: most events about a plan do not name it.
#[derive(Default)]
struct Incidents(BTreeMap<String, String>);

impl Incidents {
    fn of<'a>(&'a mut self, event: &'a Event) -> Option<&'a str> {
        let named = event.incident();
        if let (Some(incident), Some(plan)) = (named, event.plan()) {
            self.0.insert(plan.to_owned(), incident.to_owned());
            // An id begins with the time of the plan: the first one is the oldest.
            while self.0.len() > MOST_PLANS {
                self.0.pop_first();
            }
        }
        named.or_else(|| self.0.get(event.plan()?).map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use ansai_core::event::{SkipReason, Verdict};
    use ansai_core::plan::OnFailure;
    use ansai_core::{Decision, InstanceName};

    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");

    fn planned(plan: String, incident: &str) -> Event {
        Event::Planned {
            plan,
            incident: Some(incident.to_owned()),
            instance: ONE,
            decision: Decision::Apply(OnFailure::Stop),
            steps: vec![],
            recommendations: vec![],
            distance: None,
        }
    }

    #[test]
    fn what_follows_a_plan_has_its_incident_and_the_memory_is_bounded() {
        let mut incidents = Incidents::default();
        for number in 0..2 * MOST_PLANS {
            assert_eq!(incidents.of(&planned(format!("{number:06}"), "one/k/1")), Some("one/k/1"));
        }
        assert_eq!(incidents.0.len(), MOST_PLANS);
        let plan = |number: usize| format!("{number:06}");
        let decided = |plan| Event::Decided { plan, instance: ONE, verdict: Verdict::Approved, attempt: None };
        assert_eq!(incidents.of(&decided(plan(2 * MOST_PLANS - 1))), Some("one/k/1"));
        assert_eq!(incidents.of(&decided(plan(0))), None, "it was forgotten");
        let skipped = Event::Skipped { plan: plan(0), step: 0, instance: ONE, reason: SkipReason::Stopping };
        assert_eq!(incidents.of(&skipped), None);
        assert_eq!(incidents.of(&Event::Stopping { why: "SIGTERM".to_owned() }), None);
    }
}
