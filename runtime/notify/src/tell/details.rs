//! What a message adds to a notice: from the incident as it is when the message is made.

use ansai_core::control::{AttemptStep, IncidentEnd, MomentKind, ShownStep};
use ansai_core::{Millis, Outcome};

use super::Teller;
use crate::message::{Kind, Moment, Notice, Step, StepState, Undo};

impl Teller {
    /// Adds what is known of the incident; what is unknown is left out. `in_full`: also whether it can be undone, for which
    /// the audit log is read.
    pub(super) fn add_details(&self, notice: &mut Notice, in_full: bool) {
        let Some(incident) = notice.incident.as_ref().map(|incident| incident.id.clone()) else { return };
        let Some(details) = self.facts.incident(&incident) else { return };
        notice.evidence = details.evidence;
        notice.subject = Some(details.about);
        if let Some(plan) = notice.id.strip_prefix("held-").or(notice.id.strip_prefix("announced-")) {
            notice.steps = self.facts.steps(plan).unwrap_or_default().into_iter().map(proposed).collect();
        } else if let Some((plan, steps)) = details.timeline.iter().rev().find_map(|moment| match &moment.what {
            MomentKind::Attempt { plan, steps, .. } => Some((plan, steps)),
            _ => None,
        }) {
            notice.steps = steps.iter().map(attempted).collect();
            let command = format!("ansai undo {plan}");
            let can_undo = in_full && notice.kind != Kind::Opened && self.facts.can_undo(plan);
            notice.undo = can_undo.then_some(Undo { command, until: None });
        }
        notice.timeline = details
            .timeline
            .iter()
            .filter_map(|one| words(&one.what).map(|what| Moment { at: one.at, what }))
            .collect();
    }
}

fn proposed(shown: ShownStep) -> Step {
    let ShownStep { step, names } = shown;
    let preview = step.preview;
    let names = if names.is_empty() { preview.sample } else { names };
    let frees = preview.frees_now_bytes.saturating_add(preview.frees_later_bytes);
    Step {
        state: StepState::Proposed,
        what: format!("{}: {}", verb(&step.action), step.reason),
        more_names: preview.items.saturating_sub(names.len() as u64),
        names,
        frees_bytes: (frees > 0).then_some(frees),
        interrupts: preview.interrupts.filter(|time| *time > Millis::ZERO),
        can_undo: preview.reversible.is_any(),
        why: None,
    }
}

fn attempted(step: &AttemptStep) -> Step {
    let state = match step.outcome {
        Outcome::Done | Outcome::Provisional => StepState::Done,
        Outcome::Failed | Outcome::Unknown => StepState::Failed,
        Outcome::Reverted => StepState::Undone,
        _ => StepState::Skipped,
    };
    let name = verb(&step.action);
    let is_done = state == StepState::Done;
    Step {
        state,
        what: if is_done { format!("{name}: {}", step.detail) } else { name.to_owned() },
        names: vec![step.about.to_string()],
        more_names: 0,
        frees_bytes: None,
        interrupts: None,
        can_undo: false,
        why: (!is_done).then(|| step.detail.clone()),
    }
}

/// The last word of an action: `remove`.
fn verb(action: &str) -> &str {
    action.rsplit_once('.').map_or(action, |(_, name)| name)
}

/// A moment in words; `None` for what the notice says itself.
fn words(what: &MomentKind) -> Option<String> {
    Some(match what {
        MomentKind::Opened { within: Some(within) } => format!("found; it began at most {within} before"),
        MomentKind::Opened { within: None } => "found".to_owned(),
        MomentKind::Told { .. } | MomentKind::Confirmed => return None,
        MomentKind::Asked { plan, decided: Some(decided), .. } => format!("plan {plan}: answered by {}", decided.by),
        MomentKind::Asked { plan, .. } => format!("plan {plan} waits for approval"),
        MomentKind::Attempt { number, verified, .. } => match verified {
            ansai_core::Status::Healthy => format!("attempt {number}: healthy afterwards"),
            ansai_core::Status::Unknown(why) => format!("attempt {number}: unknown afterwards: {why}"),
            _ => format!("attempt {number}: not healthy afterwards"),
        },
        MomentKind::Unknown { why } => format!("unknown: {why}"),
        MomentKind::Closed { end } => match end {
            IncidentEnd::Healed => "healed".to_owned(),
            IncidentEnd::HealedWithApproval => "healed after a person approved the plan".to_owned(),
            IncidentEnd::Recovered => "healthy again without a repair".to_owned(),
            IncidentEnd::Gone => "it no longer exists".to_owned(),
            IncidentEnd::Displaced => "a more severe incident took its place".to_owned(),
        },
    })
}
