//! The state of a host, as `ansai status` shows it.

use serde::{Deserialize, Serialize};

use super::Expiry;
use crate::incident::{Escalation, Permission};
use crate::order::{Orders, Pause, Silence};
use crate::{Incident, InstanceName, Millis, Mode, Severity, Share, Timestamp, Unit};

/// The state of everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Version of ansai that made it.
    pub ansai: String,
    /// When it was made.
    pub at: Timestamp,
    /// Whether a daemon made it. Otherwise it is what the last run left: nothing is being healed, and nothing is due.
    pub is_running: bool,
    /// The worst of all incidents.
    pub overall: Overall,
    /// By how many milliseconds the time of day jumped, while it is in doubt.
    pub clock_doubt_ms: Option<i64>,
    /// Open incidents: what is worst first, the oldest first.
    pub incidents: Vec<IncidentStatus>,
    /// How many more are open than `incidents` lists.
    pub more_incidents: usize,
    /// How many of all open incidents are silenced.
    pub silenced_incidents: usize,
    /// How many of all others are within their minimum time, and so no incidents yet.
    pub pending_incidents: usize,
    /// The instances, by name.
    pub instances: Vec<InstanceStatus>,
    /// Why the configuration permits nothing now: it is not valid, cannot be read, or another user can change it.
    #[serde(default)]
    pub configuration: Option<String>,
    /// What did not load, with the reason.
    pub not_loaded: Vec<String>,
    /// Pauses and silences.
    pub orders: Orders,
    /// Interrupted steps of an earlier run that wait.
    pub pending_steps: usize,
    /// Bounds of grants that are used at least in part.
    pub budgets: Vec<BudgetUse>,
    /// Budgets of the host and of instances for everything together, used or not; empty if no daemon runs.
    #[serde(default)]
    pub totals: Vec<TotalUse>,
    /// What keeps guest code and clients apart from this host; empty if no daemon runs.
    #[serde(default)]
    pub separations: Vec<SeparationStatus>,
    /// What ansai relies on and what ends soon, has ended or is missing.
    #[serde(default)]
    pub expiring: Vec<Expiry>,
    /// New versions that run in observe mode beside pinned ones; empty if no daemon runs.
    #[serde(default)]
    pub shadows: Vec<ShadowStatus>,
    /// The quarantines of all instances; absent if no daemon runs, or as long as it has not finished looking.
    pub quarantine: Option<Quarantined>,
}

impl StatusReport {
    /// Not healthy while a person has to look at what ansai stopped by itself.
    #[must_use]
    pub fn with_stops(mut self) -> StatusReport {
        if self.orders.storm.is_some() || !self.orders.fights.is_empty() || self.configuration.is_some() {
            self.overall = Overall::Unhealthy;
        }
        self
    }
}

/// A new version that runs in observe mode beside the pinned one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowStatus {
    /// The instance.
    pub instance: InstanceName,
    /// The new version.
    pub version: String,
    /// The pinned version.
    pub beside: String,
    /// So long both have run side by side.
    pub watched_ms: Millis,
    /// After so long the new version takes over.
    pub lasts_ms: Millis,
    /// How often both were compared.
    pub compared: u64,
    /// How many findings they decide differently about.
    pub differences: u64,
    /// Why the new version was not evaluated the last time, or does not take over yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What keeps a kind of process apart from this host, as the process that was started last has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeparationStatus {
    /// What is kept apart, such as `guest code`.
    pub what: String,
    /// Whether it is.
    pub state: SeparationState,
    /// What is missing and why.
    pub why: Option<String>,
}

/// Whether separations are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeparationState {
    /// All of them.
    InForce,
    /// Some of them.
    Partly,
    /// None of them.
    Missing,
    /// No process for it was needed yet, or it is done in the process of ansai.
    NotStarted,
}

/// The worst state of any incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// No incident is open, apart from silenced ones.
    Healthy,
    /// At least one incident is unknown, or an instance did not load.
    Unknown,
    /// At least one incident is open.
    Unhealthy,
}

/// An open incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentStatus {
    /// Its id.
    pub incident: String,
    /// The instance.
    pub instance: InstanceName,
    /// Its key, for `ansai silence`.
    pub key: String,
    /// Its severity.
    pub severity: Option<Severity>,
    /// What the policy says.
    pub summary: String,
    /// Why its state is unknown, while it is.
    pub unknown: Option<String>,
    /// When it opened.
    pub opened: Timestamp,
    /// When it was last confirmed.
    pub confirmed: Timestamp,
    /// Attempts that were begun.
    pub attempts: u32,
    /// What comes next.
    pub next: NextStep,
    /// Its stage; empty without a ladder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stage: String,
    /// How often it came back after it was healed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flaps: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What comes next for an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum NextStep {
    /// A task heals it now.
    Healing,
    /// It is silenced.
    Silenced(Box<Silence>),
    /// Its instance is paused.
    Paused(Box<Pause>),
    /// It waits for another incident, which is its cause.
    Held {
        /// The id of that incident.
        under: String,
    },
    /// It must hold until then before it is an incident.
    Pending {
        /// When its minimum time is over.
        until: Timestamp,
    },
    /// It is healthy, and closes then if it stays so.
    Clearing {
        /// When the time is over.
        until: Timestamp,
    },
    /// It is left to a person.
    Escalated {
        /// Since when, and why.
        escalation: Escalation,
        /// Attempts that were begun.
        attempts: u32,
    },
    /// Its plan waits.
    Waits {
        /// For what.
        held: Box<Permission>,
    },
    /// It waits because too much breaks at once.
    Storm,
    /// A person has to approve or reject a plan.
    Approval {
        /// The plan.
        plan: String,
        /// When it expires.
        until: Timestamp,
    },
    /// All attempts were used: a person has to act.
    Person {
        /// So many.
        attempts: u32,
    },
    /// The next attempt may begin then.
    Cooling {
        /// Not before.
        until: Timestamp,
    },
    /// A maintenance window has to open first.
    Window {
        /// When the next one opens.
        opens: Timestamp,
    },
    /// Nothing is applied: the instance observes.
    Observe,
    /// It is evaluated again; the time is known while the daemon runs.
    Evaluate {
        /// When the next evaluation is due.
        at: Option<Timestamp>,
    },
}

impl NextStep {
    /// What comes next for an incident, as far as the incident and the orders tell.
    pub fn of_orders(incident: &Incident, orders: &Orders, now: Timestamp, is_in_doubt: bool) -> Option<NextStep> {
        let (instance, key) = (&incident.instance, &incident.finding.key);
        if let Some(silence) = orders.silence_of(instance, key, now, is_in_doubt) {
            return Some(NextStep::Silenced(Box::new(silence.clone())));
        }
        if let Some(under) = &incident.hold.under {
            return Some(NextStep::Held { under: under.incident.clone() });
        }
        if let Some(pause) = orders.pause_of(instance, now, is_in_doubt) {
            return Some(NextStep::Paused(Box::new(pause.clone())));
        }
        let waits = orders.storm.is_some() && incident.finding.severity() != Some(Severity::Emergency);
        waits.then_some(NextStep::Storm)
    }
}

impl NextStep {
    /// What comes next as far as the times and the stages of an incident tell.
    pub fn of_course(incident: &Incident) -> Option<NextStep> {
        let course = &incident.course;
        if let Some(wait) = course.minimum {
            return Some(NextStep::Pending { until: wait.until });
        }
        if let Some(wait) = course.clearing {
            return Some(NextStep::Clearing { until: wait.until });
        }
        let escalation = course.escalated.clone()?;
        Some(NextStep::Escalated { escalation, attempts: incident.begun })
    }

    /// What the latest plan of an incident waits for; `None` if that is over or has a step of its own.
    pub fn of_held(incident: &Incident, now: Timestamp) -> Option<NextStep> {
        let held = incident.course.held.as_ref()?;
        match held {
            Permission::Cooling(until) if now < *until => Some(NextStep::Cooling { until: *until }),
            Permission::OutsideWindow(until) if now < *until => Some(NextStep::Window { opens: *until }),
            Permission::Futile(until) | Permission::Rejected { until, .. } if now < *until => {
                Some(NextStep::Waits { held: Box::new(held.clone()) })
            }
            Permission::OverBudget(_) | Permission::ClockInDoubt(_) | Permission::Fight(_) => {
                Some(NextStep::Waits { held: Box::new(held.clone()) })
            }
            _ => None,
        }
    }
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Its name.
    pub instance: InstanceName,
    /// Version of its policy; `None` if no daemon runs.
    pub version: Option<String>,
    /// Its mode; `None` if that is unknown.
    pub mode: Option<Mode>,
    /// Time between two evaluations; `None` with `cron`, or if no daemon runs.
    pub every: Option<Millis>,
    /// The pattern by which it runs, with its time zone.
    #[serde(default)]
    pub cron: Option<String>,
    /// Runs that did not take place since ansai started: the one before still ran, or the host was suspended.
    #[serde(default)]
    pub skipped: u64,
    /// How many evaluations in a row have failed.
    #[serde(default)]
    pub faults: u32,
    /// When it was last evaluated.
    pub last: Option<Timestamp>,
    /// When the next evaluation is due by the schedule; `None` if no daemon runs.
    pub next: Option<Timestamp>,
    /// Open incidents.
    pub incidents: usize,
    /// Its shares that are used most, in percent.
    pub shares: Vec<ShareUse>,
}

/// How much of a share is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareUse {
    /// Which.
    pub share: Share,
    /// In percent.
    pub percent: u64,
    /// Whether the instance is suspended because of it.
    pub is_suspended: bool,
}

/// How much of a total budget is used within its window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalUse {
    /// The instance; `None` for the host.
    pub instance: Option<InstanceName>,
    /// The bound, such as `max_restarts`.
    pub bound: String,
    /// The unit of the numbers.
    pub unit: Unit,
    /// What was used.
    pub used: u64,
    /// What is permitted.
    pub limit: u64,
    /// The window.
    pub window: Millis,
}

/// How much of a bound of a grant is used within its window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetUse {
    /// The instance.
    pub instance: InstanceName,
    /// The action.
    pub action: String,
    /// What it acts on, such as `filesystem /var`.
    pub about: String,
    /// The bound, such as `max_files`.
    pub bound: String,
    /// What was used.
    pub used: u64,
    /// How much the grant permits within `window`; absent if no daemon runs, or if it is not granted any more.
    pub limit: Option<u64>,
    /// The time for which `limit` holds.
    pub window: Option<Millis>,
    /// The granted table that bounds it, counted from 1.
    pub table: u32,
}

/// Files that were removed and can still be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// When they were counted.
    pub at: Timestamp,
    /// How many.
    pub files: u64,
    /// How much space they take.
    pub bytes: u64,
    /// When the first of them expires.
    pub first_expires: Option<Timestamp>,
    /// Whether all quarantines could be read.
    pub complete: bool,
}
