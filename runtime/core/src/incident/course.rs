//! How an incident goes on: from the first observation to its healing, stage by stage, or to a person. All of it is stored
//! with the incident, so a restart changes nothing.

use serde::{Deserialize, Serialize};

use super::{Change, Escalation, Incident, PERSON, Permission, Reason, RetryPolicy};
use crate::{Millis, Observation, Status, Timestamp};

#[cfg(test)]
mod tests;

/// A time that has to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// When it began.
    pub since: Timestamp,
    /// When it is over.
    pub until: Timestamp,
}

impl Wait {
    /// So long from now on; goes on with an earlier one, unless the clock was set back since.
    fn again(earlier: Option<Wait>, time: Millis, now: Timestamp) -> Wait {
        let since = earlier.map(|wait| wait.since).filter(|since| *since <= now).unwrap_or(now);
        Wait { since, until: since + time }
    }

    /// Whether it has passed.
    pub fn is_over(self, now: Timestamp) -> bool {
        now >= self.until
    }
}

/// Where an incident is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    /// The minimum time, while it is not over. Until then it is no incident: nobody is told, and nothing is healed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Wait>,
    /// The time for which it must stay healthy before it closes, since it is healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clearing: Option<Wait>,
    /// The number of its stage. Without a ladder always 0.
    pub stage: usize,
    /// The name of its stage; empty without a ladder. The configuration may change while an incident is open.
    pub stage_name: String,
    /// How many attempts had begun when it came to this stage.
    pub before_stage: u32,
    /// How many attempts had begun when it came to the first stage: zero, unless a person let it begin again.
    pub before_ladder: u32,
    /// When the first attempt of this stage began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_since: Option<Timestamp>,
    /// Why the last stage was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Reason>,
    /// Since when it is left to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalated: Option<Escalation>,
    /// How often it came back after it was healed, within the time of the limit.
    pub flaps: u32,
    /// What the latest plan waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Permission>,
    /// It was healthy and is not any more, since the last observation.
    #[serde(skip)]
    pub came_back: bool,
    /// The escalation is not recorded yet.
    #[serde(skip)]
    pub is_untold: bool,
    /// The policy proposed nothing for this stage.
    #[serde(skip)]
    pub nothing_here: bool,
}

impl Course {
    /// Whether it has left the beginning in no way: nothing is stored then.
    pub fn is_unused(&self) -> bool {
        *self == Course::default()
    }

    /// Whether it waits for its minimum time, and is no incident yet.
    pub fn is_pending(&self) -> bool {
        self.minimum.is_some()
    }
}

impl Incident {
    /// Begins the minimum time of an incident that was just opened, if there is one.
    pub fn starts(&mut self, retry: &RetryPolicy, now: Timestamp) -> Change {
        if retry.hold_for == Millis::ZERO {
            return Change::Opened;
        }
        self.course.minimum = Some(Wait::again(None, retry.hold_for, now));
        Change::Unchanged
    }

    /// Updates the incident with the latest observation, as [`Incident::observe`]; with the times that the operator set.
    pub fn follow(
        &mut self,
        latest: Option<&Observation>,
        why_missing: &str,
        retry: &RetryPolicy,
        now: Timestamp,
    ) -> Change {
        let status = latest.map(|one| &one.status);
        self.course.came_back = false;
        if status == Some(&Status::Healthy) && !self.course.is_pending() && retry.clear_for > Millis::ZERO {
            let clearing = Wait::again(self.course.clearing, retry.clear_for, now);
            if !clearing.is_over(now) {
                self.course.clearing = Some(clearing);
                self.course.held = None;
                return if self.unknown.take().is_some() { Change::Changed } else { Change::Unchanged };
            }
        }
        let change = self.observe(latest, why_missing, now);
        if change.is_closing() {
            return change;
        }
        // Also what is unknown is not healthy: the time begins again.
        let was_clearing = self.course.clearing.take().is_some();
        let Some(Status::Unhealthy(severity)) = status else { return change };
        self.course.came_back = was_clearing;
        let is_worse = |escalated: &Escalation| *severity > escalated.severity;
        let is_flapping = |escalated: &Escalation| matches!(escalated.reason, Reason::Flapping { .. });
        if self.course.escalated.as_ref().is_some_and(|escalated| !is_flapping(escalated)) {
            self.comes_back(retry);
        }
        // The operator permits more attempts now.
        let has_more = !self.is_at_person(retry);
        match &self.course.escalated {
            Some(escalated) if is_worse(escalated) => self.begin_again(),
            Some(escalated) if has_more && !is_flapping(escalated) => {
                self.course.escalated = None;
            }
            _ => {}
        }
        if let Some(minimum) = self.course.minimum {
            let minimum = Wait::again(Some(minimum), retry.hold_for, now);
            self.course.minimum = (!minimum.is_over(now)).then_some(minimum);
            return if self.course.is_pending() { Change::Unchanged } else { Change::Opened };
        }
        if was_clearing { Change::Changed } else { change }
    }

    /// The stage that a plan is for, as the policy sees it: empty without a ladder.
    pub fn stage<'a>(&self, retry: &'a RetryPolicy) -> &'a str {
        match retry.ladder.get(self.stage_number(retry)) {
            _ if retry.ladder.is_empty() => "",
            Some(stage) => &stage.name,
            None => PERSON,
        }
    }

    /// Whether only a person is left.
    pub fn is_at_person(&self, retry: &RetryPolicy) -> bool {
        let used = self.begun.saturating_sub(self.course.before_ladder);
        used >= retry.max_attempts || !retry.ladder.is_empty() && retry.ladder.get(self.stage_number(retry)).is_none()
    }

    /// Leaves every stage that is over. `is_time_known`: the time of day is not in doubt. Answers the stages that were
    /// left, each with the reason.
    pub fn climb(&mut self, retry: &RetryPolicy, is_time_known: bool, now: Timestamp) -> Vec<(String, Reason)> {
        let mut left = Vec::new();
        if retry.ladder.is_empty() {
            return left;
        }
        self.course.stage = self.stage_number(retry);
        while let Some(stage) = retry.ladder.get(self.course.stage) {
            self.course.stage_name.clone_from(&stage.name);
            // The clock was set back: the stage has its time again.
            self.course.stage_since = self.course.stage_since.map(|since| since.min(now));
            let used = self.begun.saturating_sub(self.course.before_stage);
            let over = stage.within.zip(self.course.stage_since).filter(|(within, since)| now - *since >= *within);
            let reason = match over {
                _ if used >= stage.attempts => Reason::Attempts { used },
                Some((within, _)) if is_time_known => Reason::TimeOut { within },
                _ => break,
            };
            left.push((stage.name.clone(), reason.clone()));
            self.leave_stage(retry, reason);
        }
        left
    }

    /// Goes to the next stage, or to the person.
    pub fn leave_stage(&mut self, retry: &RetryPolicy, reason: Reason) {
        let next = self.stage_number(retry).saturating_add(1);
        self.course.stage = next;
        self.course.stage_name = retry.ladder.get(next).map_or(PERSON, |stage| &stage.name).to_owned();
        self.course.before_stage = self.begun;
        self.course.stage_since = None;
        self.course.left = Some(reason);
        self.course.nothing_here = false;
    }

    /// Leaves the incident to a person. The caller records it and stores the incident.
    pub fn escalate(&mut self, reason: Reason, now: Timestamp) {
        let severity = self.finding.severity().unwrap_or(self.worst);
        self.course.escalated = Some(Escalation { at: now, severity, reason });
        (self.course.is_untold, self.course.held) = (true, None);
    }

    /// Why only a person is left.
    pub fn reason(&self) -> Reason {
        let used = self.begun.saturating_sub(self.course.before_ladder);
        // Before the last stage, all attempts together ended it, and not what ended an earlier stage.
        self.course.left.clone().filter(|_| self.course.stage_name == PERSON).unwrap_or(Reason::Attempts { used })
    }

    /// Begins the ladder again: it got worse, or a person wants it.
    pub fn begin_again(&mut self) {
        let (minimum, clearing) = (self.course.minimum, self.course.clearing);
        let (before_stage, before_ladder, came_back) = (self.begun, self.begun, self.course.came_back);
        self.course = Course { minimum, clearing, before_stage, before_ladder, came_back, ..Course::default() };
    }

    /// Comes back from the person if the operator permits more now: to the last stage if that has more attempts, with those
    /// that were used there, or to a stage that is new.
    fn comes_back(&mut self, retry: &RetryPolicy) {
        let used_in_all = self.begun.saturating_sub(self.course.before_ladder);
        if self.course.stage_name != PERSON || used_in_all >= retry.max_attempts {
            return;
        }
        let last = self.course.stage.saturating_sub(1);
        match (&self.course.left, retry.ladder.get(last)) {
            (Some(Reason::Attempts { used }), Some(stage)) if stage.attempts > *used => {
                self.course.before_stage = self.begun.saturating_sub(*used);
                self.course.stage = last;
                self.course.stage_name.clone_from(&stage.name);
            }
            _ => {
                if let Some(stage) = retry.ladder.get(self.course.stage) {
                    self.course.stage_name.clone_from(&stage.name);
                }
            }
        }
    }

    /// The number of its stage: of that name, or the same number if the configuration has no stage of this name any more.
    fn stage_number(&self, retry: &RetryPolicy) -> usize {
        let Course { stage, stage_name, .. } = &self.course;
        if stage_name == PERSON {
            return retry.ladder.0.len();
        }
        retry.ladder.position(stage_name).unwrap_or((*stage).min(retry.ladder.0.len()))
    }
}
