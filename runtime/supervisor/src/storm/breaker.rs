//! The rules of the storm breaker, without clocks and disks.

use std::collections::VecDeque;

use ansai_core::host_clock::ClockReading;
use ansai_core::storm::{Storm, StormCause, StormPhase, StormPolicy};
use ansai_core::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

use crate::steady::{SteadyClock, passed};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// An incident opened.
    Opened,
    /// A step failed.
    Failed,
}

/// What became of the breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StormChange {
    /// Healing stopped, or one plan at a time begins.
    Storm(Storm),
    /// Healing is as before.
    Ended,
}

/// Counts what breaks. All times are those of a clock that nobody can set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    clock: SteadyClock,
    opened: VecDeque<Millis>,
    failed: VecDeque<Millis>,
    storm: Option<Storm>,
    /// When the last trouble exceeded a threshold, or when the trial began.
    quiet_since: Millis,
}

impl Breaker {
    /// Counts trouble.
    pub(crate) fn count(
        &mut self,
        trouble: Trouble,
        times: usize,
        reading: &ClockReading,
        policy: &StormPolicy,
    ) -> Option<StormChange> {
        let now = self.clock.read(reading);
        let ended = self.pass(now, policy);
        let (seen, most, why) = match trouble {
            Trouble::Opened => (&mut self.opened, policy.incidents, StormCause::Incidents),
            Trouble::Failed => (&mut self.failed, policy.failed_steps, StormCause::FailedSteps),
        };
        // More than the threshold is too much, however much more: no more have to be remembered.
        let most = most as usize;
        seen.extend(std::iter::repeat_n(now, times.min(most + 1)));
        while seen.len() > most + 1 || seen.front().is_some_and(|at| passed(now, *at) >= policy.within) {
            seen.pop_front();
        }
        let count = seen.len();
        let is_trial = self.storm.as_ref().is_some_and(|storm| storm.phase == StormPhase::Trial);
        let why = match () {
            () if count > most => why,
            () if is_trial && trouble == Trouble::Failed && times > 0 => StormCause::FailedTrial,
            () => return ended,
        };
        self.quiet_since = now;
        let since = match &self.storm {
            Some(storm) if storm.phase == StormPhase::Stopped => return ended,
            Some(storm) => storm.since,
            None => reading.wall,
        };
        let count = u32::try_from(count.max(times)).unwrap_or(u32::MAX);
        Some(self.enter(StormPhase::Stopped, why, count, since, policy))
    }

    /// Goes on to the next phase if it was quiet for long enough.
    pub(crate) fn look(&mut self, reading: &ClockReading, policy: &StormPolicy) -> Option<StormChange> {
        let now = self.clock.read(reading);
        self.pass(now, policy)
    }

    /// Ends the storm; `false` if there is none.
    pub(crate) fn end(&mut self) -> bool {
        self.opened.clear();
        self.failed.clear();
        self.storm.take().is_some()
    }

    /// The storm, if there is one.
    pub(crate) fn storm(&self) -> Option<&Storm> {
        self.storm.as_ref()
    }

    /// How long it has to stay quiet until the next phase.
    pub(crate) fn left(&mut self, reading: &ClockReading, policy: &StormPolicy) -> Millis {
        let now = self.clock.read(reading);
        passed(policy.quiet, passed(now, self.quiet_since))
    }

    fn pass(&mut self, now: Millis, policy: &StormPolicy) -> Option<StormChange> {
        let storm = self.storm.clone()?;
        if passed(now, self.quiet_since) < policy.quiet {
            return None;
        }
        match storm.phase {
            StormPhase::Stopped => {
                self.quiet_since = now;
                Some(self.enter(StormPhase::Trial, storm.why, storm.count, storm.since, policy))
            }
            StormPhase::Trial => {
                self.end();
                Some(StormChange::Ended)
            }
        }
    }

    fn enter(
        &mut self,
        phase: StormPhase,
        why: StormCause,
        count: u32,
        since: Timestamp,
        policy: &StormPolicy,
    ) -> StormChange {
        let (within, quiet) = (policy.within, policy.quiet);
        let storm = Storm { phase, why, count, within, since, quiet };
        self.storm = Some(storm.clone());
        StormChange::Storm(storm)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
