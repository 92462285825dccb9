//! Whether a plan that was approved is still the one that its policy proposes, under the same circumstances.

use ansai_core::approval::{Approval, Circumstances};
use ansai_core::event::{ApprovalDecision, ApprovalEnd, Verdict};
use ansai_core::{Decision, Event};
use ansai_kit::action::Proposed;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::authority::EffectiveGrants;
use crate::execution::{Executor, PlanFile};
use crate::instance::Instance;

/// What a plan depends on now, besides the host. The mode is no part of it: it decides itself whether a plan is applied.
pub(crate) fn circumstances(instance: &Instance, grants: &EffectiveGrants) -> Circumstances {
    let scopes: Vec<_> = grants.scopes.iter().map(|(name, scope)| (name.as_str(), scope)).collect();
    Circumstances {
        component: instance.policy.info().digest.clone(),
        settings: digest(&*instance.settings),
        grants: digest(&(scopes, &*grants.targets, &*grants.approve)),
    }
}

fn digest(value: &impl Serialize) -> String {
    // Maps with texts as keys are always JSON.
    hex::encode(Sha256::digest(serde_json::to_vec(value).unwrap_or_default()))
}

/// The first difference between two proposals; `None` if they do the same to the same things.
pub(crate) fn difference(stored: &PlanFile, decision: &Decision, steps: &[Proposed]) -> Option<ApprovalEnd> {
    if steps.is_empty() {
        return Some(ApprovalEnd::NoProposal);
    }
    if !matches!(decision, Decision::Apply(_) | Decision::ApplyThenReplan(_))
        || decision.on_failure() != stored.on_failure
    {
        return Some(ApprovalEnd::Decision);
    }
    let is_other = |(one, other): (&Proposed, &Proposed)| {
        one.action != other.action || one.preview.about != other.preview.about || one.may_fail != other.may_fail
    };
    if stored.steps.len() != steps.len() || stored.steps.iter().zip(steps).any(is_other) {
        return Some(ApprovalEnd::Steps);
    }
    (0_u32..).zip(stored.steps.iter().zip(steps)).find_map(|(number, (one, other))| match () {
        () if arguments(&one.arguments) != arguments(&other.arguments) => Some(ApprovalEnd::Arguments(number)),
        () if value(&one.targets) != value(&other.targets) => Some(ApprovalEnd::Targets(number)),
        () if one.touches() != other.touches() || one.canonical != other.canonical || one.table != other.table => {
            Some(ApprovalEnd::Targets(number))
        }
        // What a person was told.
        () if one.preview.lasting != other.preview.lasting || one.preview.reversible != other.preview.reversible => {
            Some(ApprovalEnd::Targets(number))
        }
        () => None,
    })
}

fn value(text: &RawValue) -> Option<Value> {
    serde_json::from_str(text.get()).ok()
}

/// Without the reason: it is a sentence for people, with numbers that differ from pass to pass.
fn arguments(text: &RawValue) -> Option<Value> {
    let mut arguments = value(text)?;
    arguments.as_object_mut().map(|fields| fields.remove("reason"));
    Some(arguments)
}

impl Executor {
    /// The plan of an approval as it was shown, if its file is the approved one and the audit log has the approval, and no
    /// earlier use of it. Reads the whole log.
    ///
    /// # Errors
    /// Why the approval does not count.
    pub(crate) fn vouched_approval(&self, approval: &Approval) -> Result<PlanFile, ApprovalEnd> {
        let file = self.shown(approval)?;
        let mut is_approved = false;
        let records = self.records().map_err(|_| ApprovalEnd::NotRecorded)?;
        for record in records {
            let Ok(record) = record else { return Err(ApprovalEnd::NotRecorded) };
            if record.event.plan() != Some(approval.plan.as_str()) {
                continue;
            }
            match record.event {
                Event::Approval { decision, plan_sha256, .. } => {
                    let approves = decision == ApprovalDecision::Approved;
                    is_approved = approves && plan_sha256 == approval.plan_sha256;
                }
                Event::ApprovalEnded { .. } => is_approved = false,
                Event::Decided { verdict: Verdict::Approved, .. } | Event::Intent(_) => {
                    return Err(ApprovalEnd::Begun);
                }
                _ => {}
            }
        }
        if is_approved { Ok(file) } else { Err(ApprovalEnd::NotRecorded) }
    }

    /// The plan of an approval, if its file is still what a person was shown.
    pub(crate) fn shown(&self, approval: &Approval) -> Result<PlanFile, ApprovalEnd> {
        let (file, sha256) = self.plans.get(&approval.plan).map_err(|error| {
            tracing::warn!(plan = approval.plan, "the plan waits for approval, and its file cannot be read: {error}");
            ApprovalEnd::PlanFile
        })?;
        let is_same =
            sha256 == approval.plan_sha256 && file.plan == approval.plan && file.instance == approval.instance;
        if is_same { Ok(file) } else { Err(ApprovalEnd::PlanFile) }
    }
}
