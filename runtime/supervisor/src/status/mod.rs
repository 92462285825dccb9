//! The state of a host on one page: from a running supervisor, or from what the last run left.

mod stored;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ansai_core::approval::ApprovalState;
use ansai_core::control::{IncidentStatus, InstanceStatus, NextStep, Overall, ShareUse, StatusReport};
use ansai_core::incident::Permission;
use ansai_core::order::Orders;
use ansai_core::text::prose;
use ansai_core::{Incident, InstanceName, Mode, Timestamp};

pub use self::stored::status_of;
use crate::clock;
use crate::instance::Instance;
use crate::state::{State, StateError};
use crate::supervisor::Supervisor;

/// Incidents that a report lists.
const MOST_INCIDENTS: usize = 500;
/// Characters of a sentence of a policy.
const MOST_TEXT: usize = 300;
/// Shares that are listed for each instance.
const MOST_SHARES: usize = 2;

impl Supervisor {
    /// The state of everything now.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn status(&self) -> Result<StatusReport, StateError> {
        let rooms = &self.0;
        let (now, clock_doubt_ms) = (clock::now(), self.clock_doubt());
        let (incidents, last) = (rooms.state.all_incidents()?, rooms.state.all_evaluated()?);
        let healing = rooms.incidents.healing.ids();
        let orders = self.orders();
        let instances: BTreeMap<&InstanceName, (&Instance, Option<Mode>)> = rooms
            .instances
            .iter()
            .map(|one| (&one.name, (one, rooms.passes.authority.effective_grants(&one.name).ok().map(|it| it.mode))))
            .collect();
        let due = |instance: &Instance| {
            if let Some(next) = rooms.passes.lanes.of(&instance.name).board.read().next {
                return next.max(now);
            }
            let last = last.get(instance.name.as_str()).copied();
            last.map_or(now, |last| (last + instance.every).max(now))
        };
        let next = |incident: &Incident| {
            if healing.contains(&incident.id) {
                return NextStep::Healing;
            }
            if let Some(next) = NextStep::of_orders(incident, &orders, now, clock_doubt_ms.is_some()) {
                return next;
            }
            let Some((instance, mode)) = instances.get(&incident.instance) else {
                return NextStep::Evaluate { at: None };
            };
            let evaluate = NextStep::Evaluate { at: Some(due(instance)) };
            if let Some(next) = NextStep::of_course(incident) {
                return next;
            }
            if incident.unknown.is_some() {
                return evaluate;
            }
            if let Ok(Some(waits)) = rooms.state.approval_of(&incident.id)
                && waits.state == ApprovalState::Open
                && !waits.is_overdue(now)
            {
                return NextStep::Approval { plan: waits.plan, until: waits.until };
            }
            match (mode, incident.may_begin(&instance.retry_policy, now)) {
                (Some(Mode::Observe), _) => NextStep::Observe,
                (_, Permission::Exhausted(attempts)) => NextStep::Person { attempts },
                (_, Permission::Cooling(until)) => NextStep::Cooling { until },
                _ => NextStep::of_held(incident, now).unwrap_or(evaluate),
            }
        };
        let statuses = rooms.instances.iter().map(|instance| InstanceStatus {
            instance: instance.name.clone(),
            version: Some(instance.version.clone()),
            mode: instances.get(&instance.name).and_then(|(_, mode)| *mode),
            every: instance.timing.cron.is_none().then_some(instance.every),
            cron: instance.timing.cron.as_ref().map(ToString::to_string),
            skipped: rooms.passes.lanes.of(&instance.name).board.read().skipped,
            faults: rooms.passes.faults.in_a_row(&instance.name),
            last: last.get(instance.name.as_str()).copied(),
            next: Some(due(instance)),
            incidents: incidents.iter().filter(|one| one.instance == instance.name).count(),
            shares: self.shares_of(&instance.name),
        });
        let mut statuses: Vec<InstanceStatus> = statuses.collect();
        statuses.sort_by(|a, b| a.instance.cmp(&b.instance));
        let budgets = rooms.state.budgets_used()?;
        let report = report(&incidents, now, next);
        Ok(StatusReport {
            overall: overall(report.overall, &orders),
            is_running: true,
            clock_doubt_ms,
            instances: statuses,
            orders: orders.clone(),
            pending_steps: self.pending().len(),
            budgets,
            totals: rooms.executor.budgets.totals_used()?,
            ..report
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

/// What an instance would see that is quarantined is unknown.
fn overall(of_incidents: Overall, orders: &Orders) -> Overall {
    if orders.quarantines.is_empty() { of_incidents } else { of_incidents.max(Overall::Unknown) }
}

/// A report with these incidents only.
fn report(incidents: &[Incident], now: Timestamp, next: impl Fn(&Incident) -> NextStep) -> StatusReport {
    let mut all: Vec<IncidentStatus> = incidents.iter().map(|one| status(one, next(one))).collect();
    // What is not silenced first, then what is worst, then what is known, then what is oldest.
    let is_silenced = |one: &IncidentStatus| matches!(one.next, NextStep::Silenced(_));
    all.sort_by_key(|one| (is_silenced(one), Reverse(one.severity), one.unknown.is_some(), one.opened));
    let overall = |one: &IncidentStatus| match one {
        one if is_silenced(one) || matches!(one.next, NextStep::Pending { .. }) => Overall::Healthy,
        IncidentStatus { unknown: Some(_), .. } => Overall::Unknown,
        _ => Overall::Unhealthy,
    };
    let overall = all.iter().map(overall).max().unwrap_or(Overall::Healthy);
    let more_incidents = all.len().saturating_sub(MOST_INCIDENTS);
    all.truncate(MOST_INCIDENTS);
    StatusReport {
        ansai: env!("CARGO_PKG_VERSION").to_owned(),
        at: now,
        is_running: false,
        overall,
        clock_doubt_ms: None,
        incidents: all,
        more_incidents,
        instances: Vec::new(),
        not_loaded: Vec::new(),
        orders: Default::default(),
        pending_steps: 0,
        budgets: Vec::new(),
        totals: Vec::new(),
    }
}

fn status(incident: &Incident, next: NextStep) -> IncidentStatus {
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
        let now = clock::now();
        let (incidents, mut orders) = (self.all_incidents()?, self.orders()?);
        orders.storm = self.breaker()?.storm().cloned();
        orders.fights = self.fights()?.into_iter().map(|held| held.fight).collect();
        orders.pauses.retain(|one| one.order.is_in_force(now, false));
        orders.silences.retain(|one| one.order.is_in_force(now, false));
        let faults = self.faults()?;
        orders.quarantines = faults.iter().filter_map(|(_, stored)| stored.quarantine().cloned()).collect();
        let next = |incident: &Incident| {
            let step = NextStep::of_orders(incident, &orders, now, false).or_else(|| NextStep::of_course(incident));
            step.or_else(|| NextStep::of_held(incident, now)).unwrap_or(NextStep::Evaluate { at: None })
        };
        let instance = |(name, last): (String, Timestamp)| {
            let instance: InstanceName = name.parse().ok()?;
            let incidents = incidents.iter().filter(|one| one.instance == instance).count();
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
        let report = report(&incidents, now, next);
        let overall = overall(report.overall, &orders);
        Ok(StatusReport { overall, instances, orders, budgets, pending_steps, ..report }.with_stops())
    }
}
