//! Compares what an earlier run left with the audit log: nobody acts by a plan file or a row of the state whose content the
//! log does not vouch for.

use ansai_core::Refusal;
use ansai_core::event::Intent;
use ansai_kit::action::Proposed;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::plans::PlanFile;
use crate::recording::OpenIntent;
use crate::state::UnderWay;

impl PlanFile {
    /// The step of an intent, if this file, with this SHA-256, is the one that the intent is about.
    ///
    /// # Errors
    /// `changed`, with what differs.
    pub(super) fn unaltered(&self, sha256: &str, intent: &Intent) -> Result<&Proposed, Refusal> {
        let proposed = self.steps.get(intent.step as usize);
        let proposed = proposed.ok_or_else(|| altered(intent, "the plan file has no such step"))?;
        let differs = match () {
            () if self.plan != intent.plan => Some("the plan file is of another plan"),
            () if self.instance != intent.instance => Some("the plan file is of another instance"),
            () if proposed.action != intent.action => Some("the plan file has another action"),
            () if digest(&proposed.targets) != intent.targets_sha256 => Some("the plan file has other targets"),
            () if sha256 != intent.plan_sha256 => Some("the plan file has another content"),
            () => None,
        };
        differs.map_or(Ok(proposed), |what| Err(altered(intent, what)))
    }
}

impl OpenIntent {
    /// Whether the row of the state is about this intent.
    ///
    /// # Errors
    /// `changed`, with what differs.
    pub(super) fn is_of(&self, under_way: &UnderWay) -> Result<(), Refusal> {
        let differs = match (&under_way.handle, &self.running) {
            _ if under_way.instance != self.intent.instance => Some("the state has another instance"),
            _ if under_way.action != self.intent.action => Some("the state has another action"),
            (Some(_), None) => Some("the state has a handle"),
            (Some(kept), Some((recorded, _))) if value(kept) != value(recorded) => Some("the state has another handle"),
            _ if self.guard.is_none() && under_way.guard.is_some() => Some("the state has a guard"),
            _ => None,
        };
        differs.map_or(Ok(()), |what| Err(altered(&self.intent, what)))
    }
}

fn value(text: &RawValue) -> Option<serde_json::Value> {
    serde_json::from_str(text.get()).ok()
}

fn altered(Intent { plan, step, .. }: &Intent, what: &str) -> Refusal {
    Refusal::Changed(format!("step {step} of plan {plan} is not as the audit log has it: {what}"))
}

/// SHA-256 of the targets of a step, hexadecimal.
pub(super) fn digest(targets: &RawValue) -> String {
    hex::encode(Sha256::digest(targets.get()))
}
