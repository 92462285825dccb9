//! What people order holds: pauses, silences, approvals.

use std::collections::BTreeMap;

use ansai_core::event::{ApprovalDecision, Record, Verdict};
use ansai_core::{Event, InstanceName, Mode, Timestamp};

use super::{Facts, Invariant, Said};

/// No step begins while its instance is paused.
#[derive(Default)]
pub(super) struct Paused(BTreeMap<Option<InstanceName>, Timestamp>);

impl Invariant for Paused {
    fn name(&self) -> &'static str {
        "no step begins during a pause"
    }

    fn see(&mut self, record: &Record, _: &Said, _: &Facts) -> Result<(), String> {
        match &record.event {
            Event::Paused(pause) => drop(self.0.insert(pause.instance.clone(), pause.order.until)),
            Event::PauseEnded { instance, .. } => drop(self.0.remove(instance)),
            Event::Intent(intent) => {
                for who in [None, Some(intent.instance.clone())] {
                    if self.0.get(&who).is_some_and(|until| record.at < *until) {
                        return Err(format!("{} of {} began", intent.plan, intent.instance));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// No plan is approved for an incident that is silenced.
#[derive(Default)]
pub(super) struct Silenced(BTreeMap<(Option<InstanceName>, String), Timestamp>);

impl Invariant for Silenced {
    fn name(&self) -> &'static str {
        "no plan begins for a silenced incident"
    }

    fn see(&mut self, record: &Record, said: &Said, _: &Facts) -> Result<(), String> {
        match &record.event {
            Event::Silenced(silence) => {
                self.0.insert((silence.instance.clone(), silence.key.clone()), silence.order.until);
            }
            Event::SilenceEnded { instance, key, .. } => drop(self.0.remove(&(instance.clone(), key.clone()))),
            Event::Decided { plan, verdict: Verdict::Approved, .. } => {
                let (instance, incident) = &said.plans[plan];
                let key = &said.incidents[incident].1;
                if self.0.get(&(Some(instance.clone()), key.clone())).is_some_and(|until| record.at < *until) {
                    return Err(format!("{plan} for {incident}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// In mode `approve`, only what a person approved begins, and only once.
#[derive(Default)]
pub(super) struct Approved {
    approved: BTreeMap<String, Timestamp>,
    decided: BTreeMap<String, u32>,
}

impl Invariant for Approved {
    fn name(&self) -> &'static str {
        "only what a person approved begins, and once"
    }

    fn see(&mut self, record: &Record, _: &Said, facts: &Facts) -> Result<(), String> {
        match &record.event {
            Event::Approval { plan, decision: ApprovalDecision::Approved, until, .. } => {
                self.approved.insert(plan.clone(), *until);
            }
            Event::Approval { plan, decision: ApprovalDecision::Rejected, .. } | Event::ApprovalEnded { plan, .. } => {
                self.approved.remove(plan);
            }
            Event::Decided { plan, instance, verdict: Verdict::Approved, .. } => {
                if facts.rules[instance].mode != Mode::Approve {
                    return Ok(());
                }
                let times = self.decided.entry(plan.clone()).or_default();
                *times += 1;
                match self.approved.get(plan) {
                    _ if *times > 1 => return Err(format!("{plan} began twice")),
                    None => return Err(format!("{plan} began, and nobody approved it")),
                    Some(until) if record.at >= *until => return Err(format!("{plan} began after its approval ended")),
                    Some(_) => {}
                }
            }
            _ => {}
        }
        Ok(())
    }
}
