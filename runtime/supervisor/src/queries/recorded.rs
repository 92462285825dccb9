//! The incidents that a host had, as a simulation repeats them.

use std::collections::BTreeMap;

use ansai_core::control::{ClosedIncident, IncidentEnd};
use ansai_core::{Incident, InstanceName, Severity, Subject, Timestamp};

use super::{QueryError, Stored};

/// What is known of an incident, open or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedIncident {
    /// The instance.
    pub instance: InstanceName,
    /// Its key.
    pub key: String,
    /// What it is about.
    pub about: Subject,
    /// The worst severity that it had.
    pub worst: Severity,
    /// When it opened.
    pub opened: Timestamp,
    /// When and how it ended; `None` while it is open.
    pub closed: Option<(Timestamp, IncidentEnd)>,
}

impl Stored {
    /// All incidents that were open at some time since then, in the order in which they opened. What is within its minimum
    /// time is not one of them.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn recorded(&self, since: Timestamp) -> Result<Vec<RecordedIncident>, QueryError> {
        let open = self.state.all_incidents()?.into_iter().filter(|one| !one.course.is_pending());
        let mut all: BTreeMap<String, RecordedIncident> = open.map(of_open).collect();
        // After the open ones: a daemon may close one of them meanwhile.
        self.state.each_closed(since, |one| {
            let (id, recorded) = of_closed(one);
            all.insert(id, recorded);
        })?;
        let mut all: Vec<RecordedIncident> = all.into_values().collect();
        all.sort_by_key(|one| one.opened);
        Ok(all)
    }
}

fn of_open(incident: Incident) -> (String, RecordedIncident) {
    let Incident { id, instance, finding, worst, opened, .. } = incident;
    (id, RecordedIncident { instance, key: finding.key, about: finding.about, worst, opened, closed: None })
}

fn of_closed(incident: ClosedIncident) -> (String, RecordedIncident) {
    let ClosedIncident { incident: id, instance, key, about, worst, opened, closed, end, .. } = incident;
    (id, RecordedIncident { instance, key, about, worst, opened, closed: Some((closed, end)) })
}
