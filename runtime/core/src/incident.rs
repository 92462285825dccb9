//! Incidents, and the rules that make it safe to act on them: an incident closes only on an explicit `healthy` or `gone`,
//! attempts are counted and spaced, and the counters are data, so they survive a restart.

mod course;
mod escalation;
mod ladder;
mod progress;

use serde::{Deserialize, Serialize};

pub use self::course::{Course, Wait};
pub use self::escalation::{Escalation, Reason, Tried, TriedStep};
pub use self::ladder::{FlapLimit, Ladder, MOST_STAGES, PERSON, Stage};
pub use self::progress::Progress;
use crate::fight::Fight;
use crate::hold::Hold;
use crate::order::Pause;
use crate::storm::Storm;
use crate::{Attempt, InstanceName, Millis, Observation, OverBudget, Severity, Status, Timestamp};

/// How often, and at what interval, a finding may be treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Milliseconds from the start of one attempt to the start of the next.
    pub cooldown: Millis,
    /// Attempts per incident. After the last one, ansai notifies a person.
    pub max_attempts: u32,
    /// Time between acting and verifying.
    pub settle: Millis,
    /// Time during which verification is repeated until the finding is healthy. Zero: it is verified once.
    pub verify_within: Millis,
    /// How long a finding must hold before it is an incident that is told and healed.
    pub hold_for: Millis,
    /// How long it must stay healthy before the incident closes.
    pub clear_for: Millis,
    /// How often it may come back after it was healed.
    pub flaps: FlapLimit,
    /// The stages of the escalation.
    pub ladder: Ladder,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let (settle, verify_within) = (Millis::ZERO, Millis::ZERO);
        let (hold_for, clear_for) = (Millis::ZERO, Millis::ZERO);
        let (flaps, ladder) = (FlapLimit::default(), Ladder::default());
        let cooldown = Millis::new(10 * 60_000);
        RetryPolicy { cooldown, max_attempts: 3, settle, verify_within, hold_for, clear_for, flaps, ladder }
    }
}

/// A finding and its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Unique on this host: instance, key and time of opening.
    pub id: String,
    /// The instance's name.
    pub instance: InstanceName,
    /// The latest observation that was not healthy. Its key is the incident's key.
    pub finding: Observation,
    /// Worst severity since it opened.
    pub worst: Severity,
    /// When it opened.
    pub opened: Timestamp,
    /// The last evaluation before it opened, which did not find it: it began after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_before: Option<Timestamp>,
    /// When it was last confirmed unhealthy.
    pub confirmed: Timestamp,
    /// The reason why the state is unknown, while it is.
    pub unknown: Option<String>,
    /// Attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Number of started attempts. It is counted before acting, so that a crash does not lose one.
    pub begun: u32,
    /// When the latest attempt started.
    pub last_begun: Option<Timestamp>,
    /// Whether it is held under the incident of its cause.
    #[serde(default, skip_serializing_if = "Hold::is_unused")]
    pub hold: Hold,
    /// Its times, its stage, and whether it is left to a person.
    #[serde(default, skip_serializing_if = "Course::is_unused")]
    pub course: Course,
}

/// How an evaluation changed an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Change {
    Opened,
    Changed,
    Unchanged,
    BecameUnknown,
    Closed,
    /// It closed because the observed thing no longer exists.
    Gone,
    /// It made room for a more severe one: too many of its instance are open. Its finding stays as it is.
    Displaced,
}

impl Change {
    /// Whether the incident is over.
    pub fn is_closing(self) -> bool {
        matches!(self, Change::Closed | Change::Gone | Change::Displaced)
    }
}

/// Whether an attempt may start now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// An attempt may start.
    Granted,
    /// Not before this instant.
    Cooling(Timestamp),
    /// All attempts were used.
    Exhausted(u32),
    /// It was healed and came back so many times within this time.
    Flapping {
        /// So many times.
        times: u32,
        /// Within this time.
        within: Millis,
    },
    /// The same steps freed nothing the last time; not again before this instant.
    Futile(Timestamp),
    /// The time of day jumped by so many milliseconds, so what is old is unknown.
    ClockInDoubt(i64),
    /// It needs more than the budget has left.
    OverBudget(Box<OverBudget>),
    /// Not before a person approves this plan, which expires.
    AwaitsApproval {
        /// The plan that waits.
        plan: String,
        /// When it expires.
        until: Timestamp,
    },
    /// Not before this time: the plan was announced, and a person may reject it until then.
    Announced {
        /// The plan that waits.
        plan: String,
        /// When it is applied.
        until: Timestamp,
    },
    /// Not before a maintenance window opens, at this time.
    OutsideWindow(Timestamp),
    /// A person has rejected this plan. No other one is proposed before this instant, unless the finding gets worse.
    Rejected {
        /// The plan that was rejected.
        plan: String,
        /// When the policy is asked again.
        until: Timestamp,
    },
    /// A person paused the instance, or all of them.
    Paused(Box<Pause>),
    /// Too much breaks at once: only plans for emergencies begin, or one plan at a time.
    Storm(Box<Storm>),
    /// Another instance and this one undo what the other does.
    Fight(Box<Fight>),
}

impl Permission {
    /// Whether it says the same as an earlier one, although it was calculated again.
    pub fn says_the_same(&self, earlier: &Permission) -> bool {
        match (self, earlier) {
            (Permission::OverBudget(one), Permission::OverBudget(earlier)) => one.says_the_same(earlier),
            (one, earlier) => one == earlier,
        }
    }
}

impl Incident {
    /// Opens an incident for a finding; `None` if the observation is not unhealthy.
    pub fn open(instance: &InstanceName, finding: &Observation, now: Timestamp) -> Option<Incident> {
        Some(Incident {
            id: format!("{instance}/{}/{}", finding.key, now.as_millis()),
            instance: instance.clone(),
            worst: finding.severity()?,
            finding: finding.clone(),
            opened: now,
            healthy_before: None,
            confirmed: now,
            unknown: None,
            attempts: Vec::new(),
            begun: 0,
            last_begun: None,
            hold: Hold::default(),
            course: Course::default(),
        })
    }

    /// Updates the incident with the latest observation; `latest` is `None` if the answer did not mention the key, or
    /// there was no answer.
    pub fn observe(&mut self, latest: Option<&Observation>, why_missing: &str, now: Timestamp) -> Change {
        match latest.map(|observation| &observation.status) {
            Some(Status::Healthy) => Change::Closed,
            Some(Status::Gone) => {
                if let Some(observation) = latest {
                    self.finding.summary.clone_from(&observation.summary);
                }
                self.unknown = None;
                Change::Gone
            }
            Some(Status::Unhealthy(severity)) => {
                let before = (self.finding.severity(), self.unknown.take());
                if let Some(observation) = latest {
                    self.finding = observation.clone();
                }
                self.worst = self.worst.max(*severity);
                self.confirmed = now;
                if before == (Some(*severity), None) { Change::Unchanged } else { Change::Changed }
            }
            Some(Status::Unknown(why)) => self.becomes_unknown(why),
            None => self.becomes_unknown(why_missing),
        }
    }

    fn becomes_unknown(&mut self, why: &str) -> Change {
        let known = self.unknown.is_none();
        self.unknown = Some(why.to_owned());
        if known { Change::BecameUnknown } else { Change::Unchanged }
    }

    /// Whether an attempt may start now.
    pub fn may_begin(&self, retry_policy: &RetryPolicy, now: Timestamp) -> Permission {
        match self.course.escalated.as_ref().map(|escalated| &escalated.reason) {
            Some(Reason::Flapping { times, within }) => Permission::Flapping { times: *times, within: *within },
            _ => self.may_begin_as_decided(retry_policy, now),
        }
    }

    /// Whether an attempt may start now that a person decided on after the incident came back too often.
    pub fn may_begin_as_decided(&self, retry_policy: &RetryPolicy, now: Timestamp) -> Permission {
        let is_flapping = |escalated: &Escalation| matches!(escalated.reason, Reason::Flapping { .. });
        let is_left = self.course.escalated.as_ref().is_some_and(|escalated| !is_flapping(escalated));
        if is_left || self.is_at_person(retry_policy) {
            return Permission::Exhausted(self.begun);
        }
        // More than a cooldown ahead: the clock was set back since. That says nothing, and would hold it for years.
        let begun = self.last_begun.filter(|begun| *begun <= now + retry_policy.cooldown);
        match begun.map(|begun| begun + retry_policy.cooldown) {
            Some(free) if now < free => Permission::Cooling(free),
            _ => Permission::Granted,
        }
    }

    /// Counts an attempt as started. Make this durable before the first step.
    pub fn begin(&mut self, now: Timestamp) {
        self.begun += 1;
        self.last_begun = Some(now);
        self.course.stage_since.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::Subject;

    static DISK: InstanceName = InstanceName::from_static("disk");

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    fn observation(status: Status) -> Observation {
        Observation {
            key: "/var".into(),
            about: Subject::new("filesystem", "/var"),
            status,
            summary: "full".into(),
            evidence: vec![],
            related: vec![],
            distance: None,
        }
    }

    #[test]
    fn closes_only_on_an_explicit_healthy() {
        let sick = observation(Status::Unhealthy(Severity::Warning));
        let mut incident = Incident::open(&DISK, &sick, at(1)).unwrap();
        assert_eq!(incident.observe(None, "not mentioned", at(2)), Change::BecameUnknown);
        assert_eq!(incident.observe(None, "not mentioned", at(3)), Change::Unchanged);
        assert_eq!(incident.unknown.as_deref(), Some("not mentioned"));
        let unknown = observation(Status::Unknown("I/O error".into()));
        assert_eq!(incident.observe(Some(&unknown), "", at(4)), Change::Unchanged);
        assert_eq!(incident.observe(Some(&sick), "", at(5)), Change::Changed);
        assert_eq!(incident.observe(Some(&sick), "", at(6)), Change::Unchanged);
        assert_eq!(incident.observe(Some(&observation(Status::Healthy)), "", at(7)), Change::Closed);
    }

    #[test]
    fn what_is_gone_closes_and_is_told() {
        let mut incident = Incident::open(&DISK, &observation(Status::Unhealthy(Severity::Warning)), at(1)).unwrap();
        assert_eq!(incident.observe(None, "not mentioned", at(2)), Change::BecameUnknown);
        let gone = Observation { summary: "/var is no longer mounted".into(), ..observation(Status::Gone) };
        let change = incident.observe(Some(&gone), "", at(3));
        assert_eq!((change, change.is_closing()), (Change::Gone, true));
        assert_eq!((incident.finding.summary.as_str(), incident.unknown), ("/var is no longer mounted", None));
        assert!(Incident::open(&DISK, &gone, at(4)).is_none());
    }

    #[test]
    fn attempts_are_spaced_and_counted() {
        let sick = observation(Status::Unhealthy(Severity::Critical));
        let retry_policy = RetryPolicy { cooldown: Millis::new(100), max_attempts: 2, ..RetryPolicy::default() };
        let mut incident = Incident::open(&DISK, &sick, at(0)).unwrap();
        assert_eq!(incident.may_begin(&retry_policy, at(0)), Permission::Granted);
        incident.begin(at(10));
        assert_eq!(incident.may_begin(&retry_policy, at(109)), Permission::Cooling(at(110)));
        assert_eq!(incident.may_begin(&retry_policy, at(110)), Permission::Granted);
        incident.begin(at(110));
        assert_eq!(incident.may_begin(&retry_policy, at(10_000)), Permission::Exhausted(2));
    }

    /// Would break: an incident that waits for years, because the clock was wrong when its last attempt began.
    #[test]
    fn a_clock_that_was_set_back_does_not_lengthen_the_cooldown() {
        let sick = observation(Status::Unhealthy(Severity::Critical));
        let retry_policy = RetryPolicy { cooldown: Millis::new(100), ..RetryPolicy::default() };
        let mut incident = Incident::open(&DISK, &sick, at(0)).unwrap();
        incident.begin(at(1_000_000));
        assert_eq!(incident.may_begin(&retry_policy, at(500)), Permission::Granted);
        assert_eq!(incident.may_begin(&retry_policy, at(999_899)), Permission::Granted);
        // A small correction: it waits, and not much longer.
        assert_eq!(incident.may_begin(&retry_policy, at(999_900)), Permission::Cooling(at(1_000_100)));
    }

    #[test]
    fn only_the_unhealthy_opens() {
        assert!(Incident::open(&DISK, &observation(Status::Healthy), at(1)).is_none());
        assert!(Incident::open(&DISK, &observation(Status::Unknown("?".into())), at(1)).is_none());
    }
}
