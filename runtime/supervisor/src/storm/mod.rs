//! The storm breaker: when too much breaks at once, healing stops for all but emergencies, a person is told once, and
//! healing begins again carefully.

mod breaker;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ansai_core::incident::Permission;
use ansai_core::order::Person;
use ansai_core::storm::{Storm, StormPhase, StormPolicy};
use ansai_core::{Event, Millis, Severity};
use ansai_kit::host_access::HostAccess;

use self::breaker::StormChange;
pub(crate) use self::breaker::{Breaker, Trouble};
use crate::clock;
use crate::orders::OrderError;
use crate::permits::{Permit, PermitRequest, PermitSource};
use crate::recording::Journal;
use crate::state::{State, StateError};

/// While one plan at a time begins, a plan that could not begin is made again after this time.
const TRIAL_AGAIN: Millis = Millis::new(30_000);

/// The breaker of this host.
pub(crate) struct StormBreaker {
    host: Arc<dyn HostAccess>,
    state: Arc<State>,
    journal: Arc<Journal>,
    policy: StormPolicy,
    breaker: Mutex<Breaker>,
    /// Whether the one plan of a trial runs.
    trial_runs: Arc<AtomicBool>,
}

impl StormBreaker {
    /// As the last run left it.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn open(
        host: Arc<dyn HostAccess>,
        state: Arc<State>,
        journal: Arc<Journal>,
        policy: StormPolicy,
    ) -> Result<StormBreaker, StateError> {
        let breaker = Mutex::new(state.breaker()?);
        Ok(StormBreaker { host, state, journal, policy, breaker, trial_runs: Arc::default() })
    }

    /// Counts trouble, and stops healing if it is too much.
    pub(crate) fn count(&self, trouble: Trouble, times: usize) {
        if times > 0 {
            self.change(|breaker| breaker.count(trouble, times, &self.host.clock(), &self.policy));
        }
    }

    /// Goes on to the next phase if it was quiet for long enough.
    pub(crate) fn look(&self) {
        if self.lock().storm().is_some() {
            self.change(|breaker| breaker.look(&self.host.clock(), &self.policy));
        }
    }

    /// The storm, if there is one.
    pub(crate) fn storm(&self) -> Option<Storm> {
        self.lock().storm().cloned()
    }

    /// After which time a plan that the storm holds is made again.
    pub(crate) fn again(&self) -> Millis {
        let left = self.lock().left(&self.host.clock(), &self.policy);
        let is_stopped = self.storm().is_some_and(|storm| storm.phase == StormPhase::Stopped);
        if is_stopped { left.max(Millis::new(1_000)) } else { TRIAL_AGAIN }
    }

    /// Ends the storm because a person says so; the storm that ended, if there was one. Recorded first, so that no step
    /// begins without a record of why.
    ///
    /// # Errors
    /// The end cannot be recorded or stored.
    pub(crate) fn resume(&self, by: &Person) -> Result<Option<Storm>, OrderError> {
        let mut breaker = self.lock();
        let Some(storm) = breaker.storm().cloned() else { return Ok(None) };
        self.journal.durable(clock::now(), Event::StormEnded { by: Some(by.clone()) })?;
        let mut next = breaker.clone();
        next.end();
        self.state.put_breaker(&next)?;
        *breaker = next;
        Ok(Some(storm))
    }

    /// The source of permits for one plan.
    pub(crate) fn permit(&self) -> StormPermit<'_> {
        StormPermit { breaker: self, trial: RefCell::default() }
    }

    /// Changes the breaker. A stop is in force before it is recorded, an end is recorded before it is in force: whatever
    /// fails in between, ansai acts less, not more.
    fn change(&self, change: impl FnOnce(&mut Breaker) -> Option<StormChange>) {
        let mut breaker = self.lock();
        let mut next = breaker.clone();
        let change = change(&mut next);
        if change == Some(StormChange::Ended)
            && let Err(error) = self.journal.durable(clock::now(), Event::StormEnded { by: None })
        {
            return tracing::error!("the end of the storm is not recorded, ansai tries again: {error}");
        }
        let stored = match &change {
            // Only counted: durable with the next durable write.
            None => self.state.put_breaker_soon(&next),
            Some(_) => self.state.put_breaker(&next),
        };
        if let Err(error) = stored {
            tracing::error!("the storm breaker is not stored, a restart forgets this change: {error}");
        }
        *breaker = next;
        drop(breaker);
        if let Some(StormChange::Storm(storm)) = change {
            if storm.phase == StormPhase::Stopped {
                tracing::warn!("too much breaks at once: healing stopped for all but emergencies");
            }
            self.journal.note(clock::now(), Event::Storm(storm));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds plans during a storm, except for emergencies.
pub(crate) struct StormPermit<'a> {
    breaker: &'a StormBreaker,
    trial: RefCell<Option<TrialPlan>>,
}

impl StormPermit<'_> {
    /// What the plan has to keep until it has ended, if it begins as the one plan of a trial.
    pub(crate) fn into_trial(self) -> Option<TrialPlan> {
        self.trial.into_inner()
    }
}

impl PermitSource for StormPermit<'_> {
    fn ask(&self, request: &PermitRequest<'_>) -> Permit {
        // What has begun gets all its stages: half a repair may be worse than none.
        if !request.is_first {
            return Permit::Go;
        }
        self.breaker.look();
        let Some(storm) = self.breaker.storm() else { return Permit::Go };
        if request.incident.finding.severity() == Some(Severity::Emergency) {
            return Permit::Go;
        }
        if storm.phase == StormPhase::Trial
            && let Some(trial) = TrialPlan::begin(&self.breaker.trial_runs)
        {
            self.trial.replace(Some(trial));
            return Permit::Go;
        }
        Permit::Hold(Permission::Storm(Box::new(storm)))
    }
}

/// The one plan of a trial, until this is dropped.
#[must_use]
pub(crate) struct TrialPlan(Arc<AtomicBool>);

impl TrialPlan {
    /// `None` if another one runs.
    fn begin(runs: &Arc<AtomicBool>) -> Option<TrialPlan> {
        let is_first = !runs.swap(true, Ordering::SeqCst);
        is_first.then(|| TrialPlan(runs.clone()))
    }
}

impl Drop for TrialPlan {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod trial_tests {
    use super::*;

    #[test]
    fn one_plan_at_a_time() {
        let runs = Arc::new(AtomicBool::new(false));
        let first = TrialPlan::begin(&runs);
        assert!(first.is_some() && TrialPlan::begin(&runs).is_none());
        drop(first);
        assert!(TrialPlan::begin(&runs).is_some());
    }
}
