//! The parts of events that are counted.

use ansai_core::event::{ApprovalDecision, Verdict};
use ansai_core::incident::{Change, Permission};
use ansai_core::{Event, InstanceName, Millis, Outcome, Status, Timestamp, Value};

/// The names of the events that may be counted, as records have them.
const NAMES: [&str; 7] = ["incident", "planned", "decided", "approval", "outcome", "verified", "undone"];
/// The name of an event comes first in its record, after the time.
const BEGIN: usize = 64;

/// What is counted of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    /// An incident opened.
    Opened { incident: String, instance: InstanceName, key: String },
    /// A plan was proposed for an incident. Each step has its action, and how long it would interrupt something.
    Planned { plan: String, incident: String, instance: InstanceName, steps: Vec<(String, Millis)> },
    /// The host does not apply the plan.
    NotApplied { plan: String },
    /// A person decided about the plan.
    Asked { plan: String, is_approved: bool },
    /// The time of the plan after its announcement is over: it is applied, and no person has approved it.
    Released { plan: String },
    /// A step acted, and freed so many bytes.
    Applied { plan: String, step: u32, freed_bytes: u64 },
    /// The finding was verified after the plan.
    Verified { plan: String, is_healthy: bool },
    /// A step was undone.
    Undone { plan: String, step: u32 },
}

/// A fact with its place in the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) fact: Fact,
}

impl Fact {
    /// What is counted of an event; `None` for most.
    pub(crate) fn of(event: &Event) -> Option<Fact> {
        match event {
            Event::Incident { incident, instance, key, change: Change::Opened, .. } => {
                Some(Fact::Opened { incident: incident.clone(), instance: instance.clone(), key: key.clone() })
            }
            Event::Planned { plan, incident: Some(incident), instance, steps, .. } if !steps.is_empty() => {
                let step = |step: &ansai_core::event::PlannedStep| {
                    (step.action.clone(), step.preview.interrupts.unwrap_or_default())
                };
                let steps = steps.iter().map(step).collect();
                Some(Fact::Planned {
                    plan: plan.clone(),
                    incident: incident.clone(),
                    instance: instance.clone(),
                    steps,
                })
            }
            Event::Decided { plan, verdict, .. } => match verdict {
                Verdict::Approved | Verdict::Held(Permission::AwaitsApproval { .. } | Permission::Announced { .. }) => {
                    None
                }
                _ => Some(Fact::NotApplied { plan: plan.clone() }),
            },
            Event::Approval { plan, by, .. } if by.is_host() => Some(Fact::Released { plan: plan.clone() }),
            Event::Approval { plan, decision, .. } => {
                Some(Fact::Asked { plan: plan.clone(), is_approved: *decision == ApprovalDecision::Approved })
            }
            // A step that failed has acted too. One that runs has its outcome later.
            Event::Outcome {
                plan,
                step,
                outcome: Outcome::Done | Outcome::Provisional | Outcome::Reverted | Outcome::Failed,
                measures,
                ..
            } => {
                let freed = measures.iter().find(|measure| measure.name == "freed-bytes");
                let freed_bytes = match freed.map(|measure| &measure.value) {
                    Some(Value::Count(bytes)) => *bytes,
                    _ => 0,
                };
                Some(Fact::Applied { plan: plan.clone(), step: *step, freed_bytes })
            }
            // Whether it helped is unknown if the state is, or if the thing is gone.
            Event::Verified { plan, status: Status::Healthy, .. } => {
                Some(Fact::Verified { plan: plan.clone(), is_healthy: true })
            }
            Event::Verified { plan, status: Status::Unhealthy(_), .. } => {
                Some(Fact::Verified { plan: plan.clone(), is_healthy: false })
            }
            Event::Undone { plan, step, outcome: Outcome::Done, .. } => {
                Some(Fact::Undone { plan: plan.clone(), step: *step })
            }
            _ => None,
        }
    }

    /// Whether a record may hold one, so that few are parsed.
    pub(crate) fn may_be_in(payload: &[u8]) -> bool {
        let begin = String::from_utf8_lossy(payload.get(..BEGIN).unwrap_or(payload));
        NAMES.iter().any(|name| begin.contains(&format!("\"event\":\"{name}\"")))
    }

    /// The plan, unless it is about an incident.
    pub(crate) fn plan(&self) -> Option<&str> {
        match self {
            Fact::Opened { .. } => None,
            Fact::Planned { plan, .. }
            | Fact::NotApplied { plan }
            | Fact::Asked { plan, .. }
            | Fact::Released { plan }
            | Fact::Applied { plan, .. }
            | Fact::Verified { plan, .. }
            | Fact::Undone { plan, .. } => Some(plan),
        }
    }
}
