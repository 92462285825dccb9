//! `[host.storm]`, `[host.budget]` and `[policy.NAME.budget]`: when healing stops, and what all actions together may use.

use ansai_core::storm::StormPolicy;
use ansai_core::{Millis, TotalBound, TotalBudget};

use crate::fields::Fields;
use crate::node::Node;
use crate::problem::Problems;

/// Bounds of the thresholds of a storm.
const THRESHOLD: (u64, u64) = (1, 10_000);
/// Bounds of the times of a storm, in milliseconds: a minute to a day.
const TIME: (u64, u64) = (60_000, 86_400_000);
/// A bound of a budget: 0 permits nothing.
const AMOUNT: (u64, u64) = (0, 1 << 60);
/// The longest interruption, in milliseconds: as long as the longest window.
const INTERRUPTION: (u64, u64) = (0, TotalBudget::MOST_HOURS * 3_600_000);

/// What bounds all instances of a host together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSafety {
    /// `[host.storm]`.
    pub storm: StormPolicy,
    /// `[host.budget]`.
    pub budget: TotalBudget,
}

impl Default for HostSafety {
    fn default() -> Self {
        HostSafety { storm: StormPolicy::default(), budget: TotalBudget::of_host() }
    }
}

/// Reads both tables of `[host]`.
pub(crate) fn of_host(fields: &Fields<'_>, problems: &mut Problems) -> HostSafety {
    let storm = fields.get("storm").map(|node| storm(node, problems)).unwrap_or_default();
    let budget = fields.get("budget").map(|node| budget(node, "`[host.budget]`", TotalBudget::of_host(), problems));
    HostSafety { storm, budget: budget.unwrap_or_else(TotalBudget::of_host) }
}

/// Reads the table of an instance.
pub(crate) fn of_instance(fields: &Fields<'_>, problems: &mut Problems) -> TotalBudget {
    let budget = fields.get("budget").map(|node| budget(node, "`budget`", TotalBudget::unlimited(), problems));
    budget.unwrap_or_else(TotalBudget::unlimited)
}

fn storm(node: &Node, problems: &mut Problems) -> StormPolicy {
    let default = StormPolicy::default();
    let keys = &["incidents", "failed_steps", "within", "quiet"];
    let Some(fields) = Fields::of(node, "`[host.storm]`", keys, problems) else { return default };
    let mut threshold = |key: &str, usual: u32| {
        let found = fields.number(key, THRESHOLD, problems);
        found.and_then(|number| u32::try_from(number).ok()).unwrap_or(usual)
    };
    let incidents = threshold("incidents", default.incidents);
    let failed_steps = threshold("failed_steps", default.failed_steps);
    let mut time = |key: &str, usual: Millis| fields.duration(key, TIME, problems).unwrap_or(usual);
    let within = time("within", default.within);
    StormPolicy { incidents, failed_steps, within, quiet: time("quiet", default.quiet) }
}

fn budget(node: &Node, place: &str, mut budget: TotalBudget, problems: &mut Problems) -> TotalBudget {
    const PER_HOURS: &str = "per_hours";
    let keys: Vec<&'static str> = TotalBound::ALL.iter().map(|bound| bound.key()).chain([PER_HOURS]).collect();
    let Some(fields) = Fields::of(node, place, &keys, problems) else { return budget };
    for bound in TotalBound::ALL {
        let limit = match bound {
            TotalBound::Files | TotalBound::Restarts => fields.number(bound.key(), AMOUNT, problems),
            TotalBound::Bytes => fields.size(bound.key(), AMOUNT, problems),
            TotalBound::Interruption => fields.duration(bound.key(), INTERRUPTION, problems).map(Millis::get),
        };
        if let Some(limit) = limit {
            budget.limits.insert(bound, limit);
        }
    }
    if let Some(hours) = fields.number(PER_HOURS, (1, TotalBudget::MOST_HOURS), problems) {
        budget.window = Millis::from_hours(hours);
    }
    budget
}
