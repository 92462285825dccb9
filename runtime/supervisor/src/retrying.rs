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
    /// counted of them is forgotten. Answers their ids. Blocks while one of their instances is evaluated. Those of an
    /// instance that is evaluated for too long stay as they are.
    ///
    /// # Errors
    /// None is left to a person, all of their instances are being evaluated, or it cannot be recorded or stored.
    pub fn retry(&self, what: &Retry, by: &Person) -> Result<Vec<String>, OrderError> {
        let name = what.name.as_str();
        let is_wanted = |incident: &Incident| {
            let names = [incident.id.as_str(), &incident.finding.key, incident.instance.as_str()];
            incident.course.escalated.is_some() && names.contains(&name)
        };
        let found: Vec<Incident> = self.0.state.all_incidents()?.into_iter().filter(is_wanted).collect();
        let instances: BTreeSet<&InstanceName> = found.iter().map(|incident| &incident.instance).collect();
        let (began, mut done, mut busy) = (std::time::Instant::now(), Vec::new(), None);
        for instance in instances {
            let lane = self.0.passes.lanes.of(instance);
            // A pass that runs would write the incident as it has read it.
            let Some(alone) = lane.alone(began) else {
                busy = busy.or_else(|| Some(instance.clone()));
                continue;
            };
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
        answer(done, busy, name)
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

/// What a person is told. What was changed counts, also if another instance was being evaluated.
fn answer(done: Vec<String>, busy: Option<InstanceName>, name: &str) -> Result<Vec<String>, OrderError> {
    match busy {
        _ if !done.is_empty() => Ok(done),
        Some(instance) => Err(OrderError::BeingEvaluated(instance)),
        None => Err(OrderError::NothingToRetry(inert(name, 200))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: an error, although an incident was changed and is healed again.
    #[test]
    fn what_was_changed_is_told_also_if_another_instance_is_being_evaluated() {
        let busy = Some(InstanceName::from_static("two"));
        assert!(matches!(answer(vec!["one/k/1".into()], busy.clone(), "k"), Ok(ids) if ids == ["one/k/1"]));
        assert!(matches!(answer(vec![], busy, "k"), Err(OrderError::BeingEvaluated(one)) if one.as_str() == "two"));
        assert!(matches!(answer(vec![], None, "k"), Err(OrderError::NothingToRetry(_))));
    }
}
