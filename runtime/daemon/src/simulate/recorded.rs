//! Faults from the incidents that this host had.

use std::path::Path;

use ansai_core::control::IncidentEnd;
use ansai_core::{InstanceName, Millis, Timestamp};
use ansai_supervisor::clock;
use ansai_supervisor::queries::{RecordedIncident, Stored};
use ansai_supervisor::simulation::{Begins, Fault};

use super::BEGINS;
use crate::error::Error;
use crate::state;

/// The most incidents that are simulated, as many as a file may have faults: each pass looks at all of them.
const MOST: usize = 1_000;
const DAY: Millis = Millis::from_hours(24);

/// How many incidents are simulated, and how many are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordedCounts {
    /// Incidents that are faults of the simulation.
    pub recorded: usize,
    /// Incidents of instances that are not simulated.
    pub other_instances: usize,
    /// Older incidents beyond the most that are simulated.
    pub older: usize,
}

/// The incidents of a host as faults.
#[derive(Debug)]
pub struct Recorded {
    /// One for each incident.
    pub faults: Vec<Fault>,
    /// Midnight UTC of the day of the first one: then time of day and weekday are those that the incidents had.
    pub begins: Timestamp,
    /// How many there are.
    pub counts: RecordedCounts,
}

/// Faults from the incidents that these instances had in the last days. Days are those of UTC, and today is one of them.
/// The state directory is only read, without its lock. `None` if nothing ever ran there.
///
/// # Errors
/// The state cannot be read, another version of ansai wrote it, or another user can change it.
pub fn recorded_faults(state_dir: &Path, days: u64, instances: &[&InstanceName]) -> Result<Option<Recorded>, Error> {
    let Some(directory) = state::existing(state_dir)? else { return Ok(None) };
    let Some(stored) = Stored::open(&directory)? else { return Ok(None) };
    let now = clock::now();
    let before_today = Millis::new(DAY.get().saturating_mul(days.saturating_sub(1)));
    let since = midnight(now) - before_today;
    Ok(Some(faults(stored.recorded(since)?, since, now, instances)))
}

fn midnight(at: Timestamp) -> Timestamp {
    at - Millis::new(at.as_millis() % DAY.get())
}

fn faults(
    mut incidents: Vec<RecordedIncident>,
    since: Timestamp,
    now: Timestamp,
    instances: &[&InstanceName],
) -> Recorded {
    let all = incidents.len();
    incidents.retain(|one| instances.contains(&&one.instance));
    let other_instances = all.saturating_sub(incidents.len());
    // The oldest come first.
    let older = incidents.len().saturating_sub(MOST);
    let incidents = incidents.split_off(older);
    // The clock may have been wrong.
    let opened = |one: &RecordedIncident| one.opened.min(now).max(since);
    let begins = incidents.iter().map(opened).min().map_or(BEGINS, midnight);
    let faults: Vec<Fault> = incidents.into_iter().map(|one| fault(opened(&one), begins, one)).collect();
    let counts = RecordedCounts { recorded: faults.len(), other_instances, older };
    Recorded { faults, begins, counts }
}

/// What is known of an incident: whether a step helped, and how long it lasted without one. Where ansai did not heal it,
/// nobody knows that a step would have helped, so none does.
fn fault(opened: Timestamp, begins: Timestamp, incident: RecordedIncident) -> Fault {
    let RecordedIncident { instance, key, about, worst, closed, .. } = incident;
    let (lasts, helps) = match closed {
        Some((_, IncidentEnd::Healed | IncidentEnd::HealedWithApproval)) => (None, 100),
        // What became of a finding that was displaced is unknown.
        Some((closed, IncidentEnd::Recovered | IncidentEnd::Gone | IncidentEnd::Displaced)) => {
            (Some(closed - opened), 0)
        }
        None => (None, 0),
    };
    let begins = Begins::At(vec![opened - begins]);
    Fault { about, severity: worst, lasts, is_exact: true, helps, ..Fault::new(instance, key, begins) }
}

#[cfg(test)]
mod tests;
