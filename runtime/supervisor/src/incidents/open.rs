//! The open incidents of one instance during a pass: read from the state once, then updated.

use ansai_core::Incident;

/// Sorted by key, as in the state.
pub(crate) struct OpenIncidents(Vec<Incident>);

impl OpenIncidents {
    pub(crate) fn new(mut incidents: Vec<Incident>) -> OpenIncidents {
        incidents.sort_by(|one, other| one.finding.key.cmp(&other.finding.key));
        OpenIncidents(incidents)
    }

    pub(crate) fn all(&self) -> &[Incident] {
        &self.0
    }

    /// Replaces the incident with the same id.
    pub(crate) fn put(&mut self, incident: &Incident) {
        if let Some(known) = self.0.iter_mut().find(|known| known.id == incident.id) {
            known.clone_from(incident);
        }
    }

    pub(crate) fn close(&mut self, id: &str) {
        self.0.retain(|incident| incident.id != id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::{InstanceName, Observation, Severity, Status, Subject, Timestamp};

    use super::*;

    static I: InstanceName = InstanceName::from_static("i");

    fn incident(key: &str) -> Incident {
        let finding = Observation {
            key: key.into(),
            about: Subject::new("test", key),
            status: Status::Unhealthy(Severity::Notice),
            summary: String::new(),
            evidence: vec![],
            related: vec![],
            distance: None,
        };
        Incident::open(&I, &finding, Timestamp::EPOCH).unwrap()
    }

    #[test]
    fn incidents_are_sorted_replaced_and_closed() {
        let mut open = OpenIncidents::new(["b", "c", "a"].map(incident).into());
        let mut changed = incident("b");
        changed.begin(Timestamp::from_millis(7));
        open.put(&changed);
        open.put(&incident("d"));
        open.close(&incident("c").id);
        let keys: Vec<_> = open.all().iter().map(|one| (one.finding.key.as_str(), one.begun)).collect();
        assert_eq!(keys, [("a", 0), ("b", 1)]);
    }
}
