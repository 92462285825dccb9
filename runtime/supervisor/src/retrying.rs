//! Heals incidents again that were left to a person, from their first stage.

use std::collections::BTreeSet;

use ansai_core::control::Retry;
use ansai_core::order::Person;
use ansai_core::text::inert;
use ansai_core::{Event, Incident, InstanceName};
use tokio::time::Instant;

use crate::clock;
use crate::orders::OrderError;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Has incidents healed again that are left to a person: that of this id, or all of this key or instance. What was
    /// counted of them is forgotten. Answers their ids. Blocks while one of their instances is evaluated.
    ///
    /// # Errors
    /// None is left to a person, or it cannot be recorded or stored.
    pub fn retry(&self, what: &Retry, by: &Person) -> Result<Vec<String>, OrderError> {
        let name = what.name.as_str();
        let is_wanted = |incident: &Incident| {
            let names = [incident.id.as_str(), &incident.finding.key, incident.instance.as_str()];
            incident.course.escalated.is_some() && names.contains(&name)
        };
        let found: Vec<Incident> = self.0.state.all_incidents()?.into_iter().filter(is_wanted).collect();
        let instances: BTreeSet<&InstanceName> = found.iter().map(|incident| &incident.instance).collect();
        let mut done = Vec::new();
        for instance in instances {
            let lane = self.0.passes.lanes.of(instance);
            // A pass that runs would write the incident as it has read it.
            let alone = lane.alone().ok_or_else(|| OrderError::BeingEvaluated(instance.clone()))?;
            let healing = self.0.incidents.healing.ids();
            for mut incident in self.0.state.incidents(instance)? {
                if is_wanted(&incident) && !healing.contains(&incident.id) {
                    self.begin_again(&mut incident, by)?;
                    done.push(incident.id);
                }
            }
            drop(alone);
            lane.follow_up.ask(Instant::now());
        }
        if done.is_empty() { Err(OrderError::NothingToRetry(inert(name, 200))) } else { Ok(done) }
    }

    /// Recorded first, so that nothing is tried without a record of why.
    fn begin_again(&self, incident: &mut Incident, by: &Person) -> Result<(), OrderError> {
        let now = clock::now();
        let event = Event::Retried {
            incident: incident.id.clone(),
            instance: incident.instance.clone(),
            key: incident.finding.key.clone(),
            by: by.clone(),
        };
        self.0.journal.durable(now, event)?;
        self.0.incidents.forget_flaps(incident, now)?;
        incident.begin_again();
        self.0.state.put_incident(incident)?;
        Ok(())
    }
}
