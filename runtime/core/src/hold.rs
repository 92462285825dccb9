//! Incidents that are held under the incident of their cause: they are told with it, and get no plan.

use serde::{Deserialize, Serialize};

use crate::codes::{self, Code};
use crate::{InstanceName, Millis, Subject, Timestamp};

/// Maximum number of incidents above a held one.
pub const MOST_ABOVE: usize = 8;
/// An incident is held for this long at most, counted from the first time. Then it is treated like any other one, also if
/// its cause never ends.
pub const LONGEST: Millis = Millis::from_hours(24);
/// Only the first causes that a finding names count.
pub const MOST_CAUSES: usize = 16;

/// The incident that another one is held under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldUnder {
    /// Its id.
    pub incident: String,
    /// Its instance.
    pub instance: InstanceName,
    /// Its key.
    pub key: String,
    /// The thing that both name: it is observed there, and the cause here.
    pub cause: Subject,
}

/// Why an incident is not held, although its finding names the subject of an open incident, or itself, as its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotHeld {
    /// It names its own subject.
    CauseItself,
    /// Its cause is held under it.
    CauseCircle,
    /// Too many incidents would be above it.
    CauseDepth,
    /// It was held for long enough.
    CauseLasts,
}

impl NotHeld {
    /// All reasons.
    pub const ALL: [NotHeld; 4] =
        [NotHeld::CauseItself, NotHeld::CauseCircle, NotHeld::CauseDepth, NotHeld::CauseLasts];

    /// The error code with the same word.
    pub fn code(self) -> Code {
        match self {
            NotHeld::CauseItself => codes::CAUSE_ITSELF,
            NotHeld::CauseCircle => codes::CAUSE_CIRCLE,
            NotHeld::CauseDepth => codes::CAUSE_DEPTH,
            NotHeld::CauseLasts => codes::CAUSE_LASTS,
        }
    }
}

impl std::fmt::Display for NotHeld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NotHeld::CauseItself => "it names itself as its cause",
            NotHeld::CauseCircle => "its cause is held under it",
            NotHeld::CauseDepth => "more than 8 incidents would be above it",
            NotHeld::CauseLasts => "it was held for 24 h",
        })
    }
}

/// Whether an incident is held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Under this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<HeldUnder>,
    /// It is not, for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotHeld>,
    /// When it was first held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl Hold {
    /// Whether the incident was never held, and nothing asked for it.
    pub fn is_unused(&self) -> bool {
        *self == Hold::default()
    }

    /// Whether it was held for the longest time. A clock that is set back extends it by less than the same again.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| (now - since).max(since - now) >= LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_the_code_of_its_word() {
        for why in NotHeld::ALL {
            assert_eq!(serde_json::to_value(why).ok(), Some(why.code().word().into()));
        }
    }

    #[test]
    fn it_ends_after_a_day_also_when_the_clock_went_back() {
        let since = Timestamp::from_millis(2 * LONGEST.get());
        let hold = Hold { since: Some(since), ..Hold::default() };
        let last = Timestamp::from_millis(3 * LONGEST.get() - 1);
        assert!(!hold.is_over(since) && !hold.is_over(last));
        assert!(hold.is_over(since + LONGEST) && hold.is_over(Timestamp::EPOCH));
        assert!(!Hold::default().is_over(since + LONGEST));
    }
}
