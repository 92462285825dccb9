//! The state of a host on one page: from a running supervisor, or from what the last run left.

mod budgets;
pub(crate) mod next;
mod quarantine;
mod stored;

use std::cmp::Reverse;

use ansai_core::control::{IncidentStatus, InstanceStatus, NextStep, Overall, ShareUse, StatusReport};
use ansai_core::text::prose;
use ansai_core::{Incident, InstanceName, Timestamp};

use self::next::Outlook;
pub(crate) use self::quarantine::QuarantineSize;
pub use self::stored::status_of;
use crate::state::{Overview, State, StateError};
use crate::supervisor::Supervisor;

/// Incidents that a report lists.
const MOST_INCIDENTS: usize = 500;
/// Characters of a sentence of a policy.
pub(crate) const MOST_TEXT: usize = 300;
/// Shares that are listed for each instance.
const MOST_SHARES: usize = 2;

impl Supervisor {
    /// The state of everything now.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn status(&self) -> Result<StatusReport, StateError> {
        let rooms = &self.0;
        let outlook = Outlook::running(self)?;
        let found =
            rooms.state.overview(&outlook.orders, outlook.now, outlook.is_in_doubt, MOST_INCIDENTS, |_| true)?;
        let statuses = rooms.instances.iter().map(|instance| {
            let (last, next) = outlook.due(instance);
            InstanceStatus {
                instance: instance.name.clone(),
                version: Some(instance.version.clone()),
                mode: outlook.mode(&instance.name),
                every: instance.timing.cron.is_none().then_some(instance.every),
                cron: instance.timing.cron.as_ref().map(ToString::to_string),
                skipped: rooms.passes.lanes.of(&instance.name).board.read().skipped,
                faults: rooms.passes.faults.in_a_row(&instance.name),
                last,
                next: Some(next),
                incidents: found.by_instance.get(instance.name.as_str()).copied().unwrap_or(0),
                shares: self.shares_of(&instance.name),
            }
        });
        let mut statuses: Vec<InstanceStatus> = statuses.collect();
        statuses.sort_by(|a, b| a.instance.cmp(&b.instance));
        Ok(StatusReport {
            is_running: true,
            clock_doubt_ms: self.clock_doubt(),
            instances: statuses,
            configuration: self.halted().map(|why| prose(&why, MOST_TEXT)),
            orders: outlook.orders.clone(),
            pending_steps: self.pending().len(),
            budgets: self.budgets()?,
            totals: rooms.executor.budgets.totals_used()?,
            quarantine: self.quarantine(),
            ..report(&found, &outlook)
        }
        .with_stops())
    }

    /// The shares that an instance has used most.
    fn shares_of(&self, instance: &InstanceName) -> Vec<ShareUse> {
        let mut used = self.0.passes.evaluator.meters.used(instance);
        used.retain(|one| one.percent > 0);
        used.sort_by_key(|one| Reverse(one.percent));
        used.truncate(MOST_SHARES);
        used
    }
}

/// A report with these incidents only.
fn report(found: &Overview, outlook: &Outlook<'_>) -> StatusReport {
    let overall = match found {
        Overview { is_unhealthy: true, .. } => Overall::Unhealthy,
        Overview { is_unknown: true, .. } => Overall::Unknown,
        // What an instance that kept failing would see is unknown.
        _ if !outlook.orders.quarantines.is_empty() => Overall::Unknown,
        _ => Overall::Healthy,
    };
    StatusReport {
        ansai: env!("CARGO_PKG_VERSION").to_owned(),
        at: outlook.now,
        is_running: false,
        overall,
        clock_doubt_ms: None,
        incidents: found.first.iter().map(|one| status(one, outlook.next(one))).collect(),
        more_incidents: found.count.saturating_sub(found.first.len()),
        silenced_incidents: found.silenced,
        pending_incidents: found.pending,
        instances: Vec::new(),
        configuration: None,
        not_loaded: Vec::new(),
        orders: Default::default(),
        pending_steps: 0,
        budgets: Vec::new(),
        totals: Vec::new(),
        shadows: Vec::new(),
        separations: Vec::new(),
        expiring: Vec::new(),
        quarantine: None,
    }
}

/// An incident in a list.
pub(crate) fn status(incident: &Incident, next: NextStep) -> IncidentStatus {
    IncidentStatus {
        incident: incident.id.clone(),
        instance: incident.instance.clone(),
        key: incident.finding.key.clone(),
        severity: incident.finding.severity(),
        summary: prose(&incident.finding.summary, MOST_TEXT),
        unknown: incident.unknown.as_deref().map(|why| prose(why, MOST_TEXT)),
        opened: incident.opened,
        confirmed: incident.confirmed,
        attempts: incident.begun,
        next,
        stage: incident.course.stage_name.clone(),
        flaps: incident.course.flaps,
    }
}

impl State {
    /// The report of a state that no run has open.
    fn report(&self) -> Result<StatusReport, StateError> {
        let outlook = Outlook::stored(self)?;
        let found = self.overview(&outlook.orders, outlook.now, false, MOST_INCIDENTS, |_| true)?;
        let faults = self.faults()?;
        let instance = |(name, last): (String, Timestamp)| {
            let incidents = found.by_instance.get(&name).copied().unwrap_or(0);
            let instance: InstanceName = name.parse().ok()?;
            let (version, mode, every, next, shares) = (None, None, None, None, Vec::new());
            let (cron, skipped, last) = (None, 0, Some(last));
            let faults = faults.iter().find(|(name, _)| *name == instance).map_or(0, |(_, stored)| stored.in_a_row());
            Some(InstanceStatus {
                instance,
                version,
                mode,
                every,
                cron,
                skipped,
                faults,
                last,
                next,
                incidents,
                shares,
            })
        };
        let instances = self.all_evaluated()?.into_iter().filter_map(instance).collect();
        let (budgets, pending_steps) = (self.budgets_used()?, self.interrupted_steps()?.len());
        let report = report(&found, &outlook);
        Ok(StatusReport { instances, orders: outlook.orders, budgets, pending_steps, ..report }.with_stops())
    }
}
