//! The stages of an incident: which one a plan is for, when the next one begins, and when only a person is left.

use std::time::{Duration, Instant};

use ansai_core::incident::{Change, Permission, Reason};
use ansai_core::{Event, Incident, Timestamp};

use super::Passes;
use super::heal::{NoPlan, PlanRequest};
use super::lane::Lane;
use crate::clock;
use crate::execution::Approved;
use crate::instance::Instance;
use crate::storm::TrialPlan;

/// How long a person who changes an incident waits for an evaluation of its instance.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

impl Lane {
    /// Waits until no evaluation of the instance runs, and keeps it so until the returned value is dropped. Blocks for at
    /// most half a minute after `began`, so that a person with many instances waits no longer than with one.
    pub(crate) fn alone(&self, began: Instant) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        loop {
            match self.evaluating.try_lock() {
                Ok(guard) => return Some(guard),
                Err(_) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(_) => return None,
            }
        }
    }
}

impl Passes {
    /// Asks for a plan at the stage of the incident. A stage without a plan is left at once; after the last one, the
    /// incident is left to a person.
    pub(super) async fn plan_at_stage(
        &self,
        request: &PlanRequest<'_>,
        incident: &mut Incident,
    ) -> Result<Option<(Approved, Option<TrialPlan>)>, NoPlan> {
        let retry = &request.instance.retry_policy;
        if !request.is_first || !request.grants.mode.may_act() {
            return self.plan(request, incident).await;
        }
        if incident.course.escalated.is_none() && !self.is_continued(request.instance, request.grants, incident) {
            self.climb(request.instance, incident);
        }
        loop {
            incident.course.nothing_here = false;
            let planned = self.plan(request, incident).await;
            if matches!(planned, Ok(Some(_))) {
                return planned;
            }
            let is_open = incident.course.escalated.is_none();
            let nothing_here = matches!(planned, Ok(None)) && incident.course.nothing_here;
            if is_open && nothing_here && !retry.ladder.is_empty() && !incident.is_at_person(retry) {
                let (from, now) = (incident.stage(retry).to_owned(), clock::now());
                incident.leave_stage(retry, Reason::NothingToDo);
                self.left_stage(request.instance, incident, from, Reason::NothingToDo, now);
                continue;
            }
            // A fault of the policy, not of the host, and none that the next pass makes good.
            let is_fault = planned.as_ref().err().is_some_and(|error| !error.is_owed && error.kind.is_some());
            if is_fault
                && !matches!(
                    incident.course.held,
                    Some(Permission::AwaitsApproval { .. } | Permission::Announced { .. })
                )
            {
                // What an earlier plan waited for holds nothing any more: otherwise the ladder would never move.
                self.remember_held(incident, None);
            }
            if is_open && (is_fault || matches!(planned, Ok(None))) {
                self.begin_stage_time(request.instance, incident);
            }
            let is_owed = planned.as_ref().err().is_some_and(|error| error.is_owed);
            if !is_owed && self.is_for_person(request.instance, incident) {
                self.escalate(incident);
            }
            return planned;
        }
    }

    /// A policy that only waits, or fails, uses up the time of its stage too. What the host holds does not: a window may be
    /// hours away.
    fn begin_stage_time(&self, instance: &Instance, incident: &mut Incident) {
        let has_time = !instance.retry_policy.ladder.is_empty();
        if has_time && incident.course.held.is_none() && incident.course.stage_since.is_none() {
            let now = clock::now();
            incident.course.stage_since = Some(now);
            self.incidents.store(incident, Change::Unchanged, now);
        }
    }

    /// Leaves the stages that are over.
    fn climb(&self, instance: &Instance, incident: &mut Incident) {
        let now = clock::now();
        let is_time_known = self.executor.clocks.doubt().is_none();
        let retry = &instance.retry_policy;
        let since = incident.course.stage_since;
        let left = incident.climb(retry, is_time_known, now);
        if left.is_empty() && incident.course.stage_since != since {
            // The clock was set back. Otherwise the stage would have its time again at every pass.
            self.incidents.store(incident, Change::Unchanged, now);
        }
        for (from, reason) in left {
            self.left_stage(instance, incident, from, reason, now);
        }
    }

    fn left_stage(&self, instance: &Instance, incident: &Incident, from: String, reason: Reason, now: Timestamp) {
        let event = Event::Stage {
            incident: incident.id.clone(),
            instance: incident.instance.clone(),
            key: incident.finding.key.clone(),
            from,
            to: incident.stage(&instance.retry_policy).to_owned(),
            reason,
        };
        self.journal.note(now, event);
        self.incidents.store(incident, Change::Unchanged, now);
    }

    /// Whether nothing is left that ansai may try. What waits for a person, a window or room in a budget is not over.
    fn is_for_person(&self, instance: &Instance, incident: &Incident) -> bool {
        let is_over = matches!(incident.course.held, None | Some(Permission::Exhausted(_)));
        is_over && incident.course.escalated.is_none() && incident.is_at_person(&instance.retry_policy)
    }

    fn escalate(&self, incident: &mut Incident) {
        let now = clock::now();
        incident.escalate(incident.reason(), now);
        // Durable: after a restart it is still left to a person.
        self.incidents.store(incident, Change::Unchanged, now);
        incident.course.is_untold = false;
    }

    /// Remembers what a plan waits for, so that the status can say it. The same again is not stored again.
    pub(super) fn remember_held(&self, incident: &mut Incident, held: Option<Permission>) {
        let is_same = match (&held, &incident.course.held) {
            (Some(held), Some(earlier)) => held.says_the_same(earlier),
            (held, earlier) => held == earlier,
        };
        if !is_same {
            incident.course.held = held;
            self.incidents.store(incident, Change::Unchanged, clock::now());
        }
    }

    /// Looks again when the minimum time of an incident, or the time for which it must stay healthy, is over: the schedule
    /// may be hours away.
    pub(super) fn ask_in_time(&self, instance: &Instance, incident: &Incident, now: Timestamp) {
        let wait = incident.course.minimum.or(incident.course.clearing);
        let left = wait.and_then(|wait| wait.until.checked_since(now));
        self.lanes.of(&instance.name).ask(left);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ansai_core::InstanceName;

    use super::super::lane::Lanes;
    use super::*;

    const ONE: InstanceName = InstanceName::from_static("one");

    /// Would break: half a minute for each instance that is being evaluated.
    #[test]
    fn after_its_time_a_wait_still_gets_what_is_free_at_once() {
        let lane = Lanes::new([&ONE]).of(&ONE);
        let began = Instant::now().checked_sub(PATIENCE).unwrap();
        let evaluating = lane.evaluating.try_lock().unwrap();
        assert!(lane.alone(began).is_none());
        drop(evaluating);
        assert!(lane.alone(began).is_some());
    }
}
