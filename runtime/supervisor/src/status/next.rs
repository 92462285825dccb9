//! What comes next for an incident.

use std::collections::{BTreeMap, BTreeSet};

use ansai_core::approval::ApprovalState;
use ansai_core::control::NextStep;
use ansai_core::incident::Permission;
use ansai_core::order::Orders;
use ansai_core::{Incident, InstanceName, Mode, Timestamp};

use crate::clock;
use crate::instance::Instance;
use crate::pass::Lanes;
use crate::permits::{Opening, opening};
use crate::state::{State, StateError};
use crate::supervisor::Supervisor;

/// What is known of the near future: much of a running supervisor, little of a state that no run has open.
pub(crate) struct Outlook<'a> {
    pub(crate) now: Timestamp,
    pub(crate) orders: Orders,
    pub(crate) is_in_doubt: bool,
    running: Option<Running<'a>>,
}

struct Running<'a> {
    state: &'a State,
    lanes: &'a Lanes,
    healing: BTreeSet<String>,
    /// With their modes.
    instances: BTreeMap<&'a InstanceName, (&'a Instance, Option<Mode>)>,
    /// When each was evaluated last.
    last: BTreeMap<String, Timestamp>,
}

impl<'a> Outlook<'a> {
    /// Of a supervisor that runs.
    pub(crate) fn running(supervisor: &'a Supervisor) -> Result<Outlook<'a>, StateError> {
        let rooms = &supervisor.0;
        let mode = |name| rooms.passes.authority.grants_of_a_pass(name).ok().map(|grants| grants.mode);
        let instances = rooms.instances.iter().map(|one| (&one.name, (one, mode(&one.name)))).collect();
        let (state, healing) = (&*rooms.state, rooms.incidents.healing.ids());
        let lanes = &rooms.passes.lanes;
        let running = Running { state, lanes, healing, instances, last: state.all_evaluated()? };
        let (now, is_in_doubt) = (clock::now(), supervisor.clock_doubt().is_some());
        Ok(Outlook { now, orders: supervisor.orders(), is_in_doubt, running: Some(running) })
    }

    /// Of a state that no run has open.
    pub(crate) fn stored(state: &State) -> Result<Outlook<'static>, StateError> {
        let (now, mut orders) = (clock::now(), state.orders()?);
        orders.pauses.retain(|one| one.order.is_in_force(now, false));
        orders.silences.retain(|one| one.order.is_in_force(now, false));
        orders.storm = state.breaker()?.storm().cloned();
        orders.fights = state.fights()?.into_iter().map(|held| held.fight).collect();
        let faults = state.faults()?;
        orders.quarantines = faults.iter().filter_map(|(_, stored)| stored.quarantine().cloned()).collect();
        Ok(Outlook { now, orders, is_in_doubt: false, running: None })
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The mode of an instance that runs.
    pub(crate) fn mode(&self, instance: &InstanceName) -> Option<Mode> {
        self.running.as_ref()?.instances.get(instance)?.1
    }

    /// When an instance that runs was evaluated last, and when it is due again by the schedule.
    pub(crate) fn due(&self, instance: &Instance) -> (Option<Timestamp>, Timestamp) {
        let running = self.running.as_ref();
        let last = running.and_then(|running| running.last.get(instance.name.as_str()).copied());
        if let Some(next) = running.and_then(|running| running.lanes.of(&instance.name).board.read().next) {
            return (last, next.max(self.now));
        }
        (last, last.map_or(self.now, |last| (last + instance.every).max(self.now)))
    }

    /// What comes next for an incident, and when.
    pub(crate) fn next(&self, incident: &Incident) -> NextStep {
        let running = self.running.as_ref();
        if running.is_some_and(|running| running.healing.contains(&incident.id)) {
            return NextStep::Healing;
        }
        if let Some(next) = NextStep::of_orders(incident, &self.orders, self.now, self.is_in_doubt) {
            return next;
        }
        if let Some(next) = NextStep::of_course(incident) {
            return next;
        }
        let found = running.and_then(|running| Some((running, running.instances.get(&incident.instance)?)));
        let Some((running, (instance, mode))) = found else {
            return NextStep::of_held(incident, self.now).unwrap_or(NextStep::Evaluate { at: None });
        };
        let evaluate = NextStep::Evaluate { at: Some(self.due(instance).1) };
        if incident.unknown.is_some() {
            return evaluate;
        }
        if let Ok(Some(waits)) = running.state.approval_of(&incident.id)
            && waits.state == ApprovalState::Open
            && !waits.is_overdue(self.now)
        {
            let (plan, until) = (waits.plan, waits.until);
            return match waits.announced {
                true => NextStep::Waits { held: Box::new(Permission::Announced { plan, until }) },
                false => NextStep::Approval { plan, until },
            };
        }
        match (mode, incident.may_begin(&instance.retry_policy, self.now)) {
            (Some(Mode::Observe), _) => NextStep::Observe,
            (_, Permission::Exhausted(attempts)) => NextStep::Person { attempts },
            (_, Permission::Cooling(until)) => NextStep::Cooling { until },
            _ => match opening(&instance.maintenance, incident.finding.severity(), self.now) {
                Ok(Opening::From(opens)) => NextStep::Window { opens },
                _ => NextStep::of_held(incident, self.now).unwrap_or(evaluate),
            },
        }
    }
}
