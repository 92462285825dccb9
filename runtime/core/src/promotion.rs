//! What an action of an instance has achieved, and whether that is enough to let it do more by itself.

use serde::{Deserialize, Serialize};

use crate::order::Person;
use crate::{Bytes, InstanceName, Millis, Mode, Timestamp};

/// What is counted is counted for so long.
pub const COUNTED: Millis = Millis::from_hours(90 * 24);
/// The longest note of a feedback, in bytes.
pub const MOST_NOTE: usize = 1_000;

/// Fewer incidents in which an action was proposed are no record.
const INCIDENTS: u64 = 3;
/// Days since the first proposal, before a person is asked.
const DAYS_TO_APPROVE: u64 = 7;
/// Days since the first proposal, before nobody is asked.
const DAYS_TO_ENFORCE: u64 = 14;
/// Plans that were applied and verified, before nobody is asked.
const VERIFIED: u64 = 5;
/// Of those, the share after which the finding was healthy, in percent.
const HEALED_PERCENT: u64 = 80;
/// Of the incidents, the share that people called false alarms, in percent.
const FALSE_ALARM_PERCENT: u64 = 10;
const DAY_MS: u64 = 86_400_000;

/// What one action of an instance did within [`COUNTED`]. Each number but the first two counts plans: two steps of the
/// same action in one plan count once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Achieved {
    /// When it was first proposed, to the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Incidents for which it was proposed.
    pub proposed: u64,
    /// A person approved it.
    pub approved: u64,
    /// A person rejected it.
    pub rejected: u64,
    /// It was applied.
    pub applied: u64,
    /// It was applied, and verification told whether the finding is healthy.
    pub verified: u64,
    /// It was applied, and the finding was healthy afterwards.
    pub healed: u64,
    /// It was undone, by a person or after a failure.
    pub undone: u64,
    /// Its incidents that a person called a false alarm.
    pub false_alarms: u64,
    /// Its incidents that a person called helpful.
    pub helpful: u64,
    /// What it freed.
    pub freed_bytes: Bytes,
    /// How long it interrupted services, as its previews said.
    pub interrupted: Millis,
}

impl Achieved {
    /// How often it helped.
    pub fn effectiveness(&self) -> Effectiveness {
        Effectiveness { healed: self.healed, verified: self.verified }
    }

    /// The record of both together: the actions of one interface are granted together.
    #[must_use]
    pub fn with(&self, other: &Achieved) -> Achieved {
        Achieved {
            since: [self.since, other.since].into_iter().flatten().min(),
            proposed: self.proposed + other.proposed,
            approved: self.approved + other.approved,
            rejected: self.rejected + other.rejected,
            applied: self.applied + other.applied,
            verified: self.verified + other.verified,
            healed: self.healed + other.healed,
            undone: self.undone + other.undone,
            false_alarms: self.false_alarms + other.false_alarms,
            helpful: self.helpful + other.helpful,
            freed_bytes: Bytes::new(self.freed_bytes.get().saturating_add(other.freed_bytes.get())),
            interrupted: Millis::new(self.interrupted.get().saturating_add(other.interrupted.get())),
        }
    }

    /// What is missing before it may have a level; nothing for a level that does less.
    ///
    /// ```
    /// use ansai_core::promotion::Achieved;
    /// use ansai_core::{Mode, Timestamp};
    /// let now = Timestamp::from_millis(100 * 86_400_000);
    /// let since = Some(Timestamp::from_millis(90 * 86_400_000));
    /// let seen = Achieved { since, proposed: 3, ..Achieved::default() };
    /// assert!(seen.missing(Mode::Observe, Mode::Approve, now).is_empty());
    /// assert_eq!(seen.missing(Mode::Approve, Mode::Enforce, now).len(), 2);
    /// ```
    pub fn missing(&self, from: Mode, to: Mode, now: Timestamp) -> Vec<Missing> {
        let mut missing = Vec::new();
        if to <= from {
            return missing;
        }
        if from == Mode::Observe && to == Mode::Enforce {
            missing.push(Missing::Level);
        }
        if self.proposed < INCIDENTS {
            missing.push(Missing::Incidents { have: self.proposed, need: INCIDENTS });
        }
        let need = if to == Mode::Enforce { DAYS_TO_ENFORCE } else { DAYS_TO_APPROVE };
        let have = self.since.map_or(0, |since| (now - since).get() / DAY_MS);
        if have < need {
            missing.push(Missing::Days { have, need });
        }
        if self.false_alarms * 100 > self.proposed.max(self.false_alarms) * FALSE_ALARM_PERCENT {
            missing.push(Missing::FalseAlarms { have: self.false_alarms, incidents: self.proposed });
        }
        if to == Mode::Enforce {
            if self.verified < VERIFIED {
                missing.push(Missing::Verified { have: self.verified, need: VERIFIED });
            }
            if self.healed * 100 < self.verified * HEALED_PERCENT {
                missing.push(Missing::Healed { healed: self.healed, verified: self.verified });
            }
            if self.rejected > self.approved {
                missing.push(Missing::Rejected { rejected: self.rejected, approved: self.approved });
            }
        }
        missing
    }
}

/// How often a step helped within [`COUNTED`]: after so many of the times, the finding was healthy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effectiveness {
    /// The finding was healthy afterwards.
    pub healed: u64,
    /// It was applied, and verification told whether the finding is healthy.
    pub verified: u64,
}

/// `helped 4 of 5 times in 90 days`.
impl std::fmt::Display for Effectiveness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let days = COUNTED.get() / DAY_MS;
        match *self {
            Effectiveness { verified: 0, .. } => write!(f, "not tried in {days} days"),
            Effectiveness { healed, verified: 1 } => write!(f, "helped {healed} of 1 time in {days} days"),
            Effectiveness { healed, verified } => write!(f, "helped {healed} of {verified} times in {days} days"),
        }
    }
}

/// What a record lacks for a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the sentences below are the documentation")]
pub enum Missing {
    Level,
    Incidents { have: u64, need: u64 },
    Days { have: u64, need: u64 },
    FalseAlarms { have: u64, incidents: u64 },
    Verified { have: u64, need: u64 },
    Healed { healed: u64, verified: u64 },
    Rejected { rejected: u64, approved: u64 },
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Level => f.write_str("it skips the level approve"),
            Missing::Incidents { have, need } => write!(f, "proposed for {have} of {need} incidents"),
            Missing::Days { have, need } => write!(f, "on record for {have} of {need} days"),
            Missing::FalseAlarms { have, incidents } => {
                write!(f, "false alarms: {have} of {incidents} incidents, more than {FALSE_ALARM_PERCENT} %")
            }
            Missing::Verified { have, need } => write!(f, "applied and verified {have} of {need} times"),
            Missing::Healed { healed, verified } => {
                write!(f, "healed {healed} of {verified} times, less than {HEALED_PERCENT} %")
            }
            Missing::Rejected { rejected, approved } => {
                write!(f, "rejected {rejected} times, approved {approved} times")
            }
        }
    }
}

/// The record of one action of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// The instance.
    pub instance: InstanceName,
    /// The action: `ansai:files/files-actions.remove`.
    pub action: String,
    /// What it achieved.
    #[serde(flatten)]
    pub achieved: Achieved,
}

/// What a person says about an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// Nothing was wrong.
    FalseAlarm,
    /// It was right to tell or heal it.
    Helpful,
}

impl Judgement {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Judgement::FalseAlarm => "false-alarm",
            Judgement::Helpful => "helpful",
        }
    }
}

impl std::fmt::Display for Judgement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Judgement::FalseAlarm => "false alarm",
            Judgement::Helpful => "helpful",
        })
    }
}

/// What a person said about an incident. The last word counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The id of the incident, which may be closed.
    pub incident: String,
    /// Its instance.
    pub instance: InstanceName,
    /// Its key.
    pub key: String,
    /// What the person says.
    pub judgement: Judgement,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who.
    pub by: Person,
    /// When.
    pub judged: Timestamp,
}

/// How many incidents people judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackCounts {
    /// Nothing was wrong.
    pub false_alarms: u64,
    /// It was right to tell or heal them.
    pub helpful: u64,
}

/// A change of the level of an action that a person is about to write to the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The instance.
    pub instance: InstanceName,
    /// The interface of the action: `ansai:files/files-actions`.
    pub action: String,
    /// The level before.
    pub from: Mode,
    /// The level that the new configuration has.
    pub to: Mode,
    /// What the record lacked: then the person said `--anyway`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// SHA-256 of the new configuration file, hexadecimal.
    pub configuration_sha256: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000 * DAY_MS);

    fn days_ago(days: u64) -> Option<Timestamp> {
        Some(Timestamp::from_millis((1_000 - days) * DAY_MS))
    }

    fn good() -> Achieved {
        Achieved {
            since: days_ago(30),
            proposed: 10,
            approved: 10,
            applied: 10,
            verified: 10,
            healed: 8,
            ..Achieved::default()
        }
    }

    #[test]
    fn each_lack_is_named_and_at_its_bound() {
        let lacks = |achieved: Achieved, from, to| {
            achieved.missing(from, to, NOW).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let (observe, approve, enforce) = (Mode::Observe, Mode::Approve, Mode::Enforce);
        assert!(lacks(good(), approve, enforce).is_empty());
        assert!(lacks(Achieved::default(), enforce, observe).is_empty(), "less is always permitted");
        assert_eq!(lacks(good(), observe, enforce), ["it skips the level approve"]);
        for (achieved, expected) in [
            (Achieved { proposed: 2, ..good() }, "proposed for 2 of 3 incidents"),
            (Achieved { since: days_ago(13), ..good() }, "on record for 13 of 14 days"),
            (Achieved { since: None, ..good() }, "on record for 0 of 14 days"),
            (Achieved { false_alarms: 2, ..good() }, "false alarms: 2 of 10 incidents, more than 10 %"),
            (Achieved { verified: 4, healed: 4, ..good() }, "applied and verified 4 of 5 times"),
            (Achieved { healed: 7, ..good() }, "healed 7 of 10 times, less than 80 %"),
            (Achieved { rejected: 11, ..good() }, "rejected 11 times, approved 10 times"),
        ] {
            assert_eq!(lacks(achieved, approve, enforce), [expected]);
        }
        assert!(lacks(Achieved { false_alarms: 1, ..good() }, approve, enforce).is_empty());
        // To ask a person needs fewer days, and nothing applied.
        let observed = Achieved { since: days_ago(7), proposed: 3, ..Achieved::default() };
        assert!(lacks(observed.clone(), observe, approve).is_empty());
        assert_eq!(lacks(Achieved { since: days_ago(6), ..observed }, observe, approve).len(), 1);
    }

    #[test]
    fn a_clock_that_went_back_is_no_record() {
        let future = Achieved { since: Some(NOW + COUNTED), ..good() };
        assert!(!future.missing(Mode::Approve, Mode::Enforce, NOW).is_empty());
    }

    #[test]
    fn a_record_is_flat_and_comes_back() {
        let instance = InstanceName::from_static("one");
        let record = ActionRecord { instance, action: "a.b".into(), achieved: good() };
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!((json["healed"].as_u64(), json["action"].as_str()), (Some(8), Some("a.b")));
        assert_eq!(serde_json::from_value::<ActionRecord>(json).unwrap(), record);
    }

    #[test]
    fn both_together() {
        let two = good().with(&Achieved { since: days_ago(40), freed_bytes: Bytes::new(5), ..good() });
        assert_eq!((two.since, two.healed, two.freed_bytes.get()), (days_ago(40), 16, 5));
        assert_eq!(two.effectiveness().to_string(), "helped 16 of 20 times in 90 days");
        assert_eq!(Effectiveness { healed: 0, verified: 1 }.to_string(), "helped 0 of 1 time in 90 days");
        assert_eq!(Effectiveness::default().to_string(), "not tried in 90 days");
    }
}
