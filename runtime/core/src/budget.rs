//! Budgets: what the bounds of a grant permit within a window of time, over all plans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Millis, Subject, Timestamp, Unit};

/// Why a plan is on hold: it needs more of a bound than the window has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OverBudget {
    /// The bound in the grant: `max_files`.
    pub bound: String,
    /// The action whose budget it is: `ansai:files/files-actions.remove`.
    pub action: String,
    /// What the action is about.
    pub about: Subject,
    /// The unit of the numbers.
    pub unit: Unit,
    /// One of the things that are counted if there is no unit: `file`.
    pub noun: String,
    /// What is permitted within the window.
    pub limit: u64,
    /// The window.
    pub window: Millis,
    /// What was used within the window, or is reserved for a plan that runs.
    pub used: u64,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// What the plan needs.
    pub needed: u64,
    /// When the window has room for the plan; never if it needs more than is permitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// Whose budget it is.
    #[serde(default, skip_serializing_if = "BudgetOf::is_grant")]
    pub of: BudgetOf,
}

/// A time that is calculated from two clocks differs by some milliseconds each time: both are read one after the other and
/// rounded.
const SAME_TIME: Millis = Millis::new(1_000);

impl OverBudget {
    /// Whether it says the same, with the time as well as it is known.
    pub(crate) fn says_the_same(&self, other: &OverBudget) -> bool {
        let is_same_time = match (self.next, other.next) {
            (Some(one), Some(other)) => one.max(other).checked_since(one.min(other)) < Some(SAME_TIME),
            (one, other) => one == other,
        };
        is_same_time && OverBudget { next: other.next, ..self.clone() } == *other
    }
}

/// Whose budget a plan exceeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetOf {
    /// That of one granted table, for one action and one subject.
    #[default]
    Grant,
    /// That of an instance, for all its actions and subjects together.
    Instance,
    /// That of the host, for all instances together.
    Host,
}

impl BudgetOf {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_grant(&self) -> bool {
        *self == BudgetOf::Grant
    }
}

/// A bound of a total budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TotalBound {
    /// Files that are removed, compressed or rotated.
    Files,
    /// Their bytes.
    Bytes,
    /// Starts and restarts of services.
    Restarts,
    /// Milliseconds in which something is interrupted.
    Interruption,
}

impl TotalBound {
    /// All bounds.
    pub const ALL: [TotalBound; 4] =
        [TotalBound::Files, TotalBound::Bytes, TotalBound::Restarts, TotalBound::Interruption];

    /// Its key in the configuration, which is the name that grants use for the same bound.
    pub const fn key(self) -> &'static str {
        match self {
            TotalBound::Files => "max_files",
            TotalBound::Bytes => "max_bytes",
            TotalBound::Restarts => "max_restarts",
            TotalBound::Interruption => "max_interruption",
        }
    }

    /// The unit of its numbers.
    pub const fn unit(self) -> Unit {
        match self {
            TotalBound::Files | TotalBound::Restarts => Unit::None,
            TotalBound::Bytes => Unit::Bytes,
            TotalBound::Interruption => Unit::Milliseconds,
        }
    }

    /// One of the things that are counted if there is no unit.
    pub const fn noun(self) -> &'static str {
        match self {
            TotalBound::Files => "file",
            TotalBound::Restarts => "restart",
            TotalBound::Bytes => "byte",
            TotalBound::Interruption => "millisecond",
        }
    }
}

/// What all actions on all subjects together may use within a window: of one instance, or of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalBudget {
    /// What is permitted, by bound. A bound that is missing is not limited here; 0 permits nothing.
    pub limits: BTreeMap<TotalBound, u64>,
    /// The window.
    pub window: Millis,
}

impl TotalBudget {
    /// The longest window, in hours: so long is it kept what was used.
    pub const MOST_HOURS: u64 = 31 * 24;

    /// Limits nothing: what an instance has by default.
    pub const fn unlimited() -> TotalBudget {
        TotalBudget { limits: BTreeMap::new(), window: Millis::from_hours(24) }
    }

    /// What a host has by default, within 24 hours: far more than healing needs, and less than a policy that went wrong
    /// on many services would take.
    pub fn of_host() -> TotalBudget {
        let limits = [(TotalBound::Restarts, 50), (TotalBound::Interruption, 60 * 60_000)];
        TotalBudget { limits: limits.into(), ..TotalBudget::unlimited() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Would break: a hold that is stored again at each evaluation, and a time that changes while somebody looks at it.
    #[test]
    fn the_time_of_two_readings_is_the_same_and_all_else_is_not() {
        let at = |next: Option<u64>| OverBudget {
            bound: "max_files".into(),
            action: "ansai:files/files-actions.remove".into(),
            about: Subject::new("filesystem", "/"),
            unit: Unit::None,
            noun: "file".into(),
            limit: 10,
            window: Millis::from_hours(24),
            used: 10,
            used_at: None,
            needed: 1,
            next: next.map(Timestamp::from_millis),
            of: BudgetOf::Grant,
        };
        for (one, other, expected) in [
            (Some(10_000), Some(10_000), true),
            (Some(10_000), Some(10_001), true),
            (Some(10_999), Some(10_000), true),
            (Some(11_000), Some(10_000), false),
            (Some(10_000), None, false),
            (None, None, true),
        ] {
            assert_eq!(at(one).says_the_same(&at(other)), expected, "{one:?} {other:?}");
        }
        assert!(!at(None).says_the_same(&OverBudget { used: 9, ..at(None) }));
        assert!(!at(Some(1)).says_the_same(&OverBudget { needed: 2, ..at(Some(1)) }));
    }
}
