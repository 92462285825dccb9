//! What an undo is about: for the undo, and for a look beforehand.

use ansai_core::Event;
use ansai_core::approval::ApprovalState;
use ansai_core::event::{PlannedStep, Verdict};
use ansai_kit::action::{Fate, Item, Proposed};
use ansai_kit::host_access::HostAccess;
use ansai_storage::Directory;

use super::lasting::while_acting;
use super::permitted::action_of;
use super::plans::{PlanFile, PlanFileError, Plans};
use super::undo::UndoError;
use super::undo_records::{UndoRecord, records_naming};
use crate::permits::Request;
use crate::state::State;

/// The file of a plan with its SHA-256; `None` if the plan was never applied.
pub(super) fn applied_plan(plans: &Plans, state: &State, plan: &str) -> Result<Option<(PlanFile, String)>, UndoError> {
    let found = match plans.get(plan) {
        Err(PlanFileError::Storage(error)) if error.is_not_found() => return Ok(None),
        found => found?,
    };
    // The file of a plan that waits for approval is there before it is applied.
    let waits = state.approval(plan)?.is_some_and(|known| known.state != ApprovalState::Begun);
    Ok((!waits).then_some(found))
}

/// Why a plan that the audit log knows was not applied, and its steps, or one of them, newest first.
pub(super) fn not_applied(
    audit_dir: &Directory,
    plan: &str,
    step: Option<u32>,
) -> Result<(String, Vec<(u32, PlannedStep)>), UndoError> {
    let (mut steps, mut why) = (None, "it was not applied".to_owned());
    for record in records_naming(audit_dir, plan)? {
        match record?.event {
            Event::Planned { plan: of, steps: planned, .. } if of == plan => steps = Some(planned),
            Event::Decided { plan: of, verdict, .. } if of == plan => match verdict {
                Verdict::Observed => "it was only observed, not applied".clone_into(&mut why),
                Verdict::Held(_) => "it was on hold, and not applied".clone_into(&mut why),
                Verdict::Refused(reason) => why = format!("it was refused, and not applied: {reason}"),
                Verdict::Approved | Verdict::NothingToDo => {}
            },
            _ => {}
        }
    }
    let planned = steps.ok_or_else(|| UndoError::Unknown(plan.to_owned()))?;
    check_step(plan, planned.len(), step)?;
    let wanted = (0_u32..).zip(planned).filter(|(number, _)| step.is_none_or(|step| step == *number));
    let mut wanted: Vec<(u32, PlannedStep)> = wanted.collect();
    wanted.reverse();
    Ok((why, wanted))
}

/// A plan with so many steps has this one.
pub(super) fn check_step(plan: &str, steps: usize, step: Option<u32>) -> Result<(), UndoError> {
    match step.filter(|step| *step as usize >= steps) {
        Some(step) => Err(UndoError::NoStep { plan: plan.to_owned(), steps, step }),
        None => Ok(()),
    }
}

/// What an undo uses: all that its steps touch, and the steps that act after it. A step whose time lasts has its effect already.
pub(super) fn undo_request(
    host: &dyn HostAccess,
    file: &PlanFile,
    step: Option<u32>,
    lasts: impl Fn(u32) -> bool,
) -> Request {
    let acts =
        |proposed: &Proposed| action_of(host, &proposed.action).is_ok_and(|(_, _, action)| action.acts_after_undo());
    let touches =
        file.numbered().filter(|(number, proposed)| step.is_none_or(|step| step == *number) || acts(proposed));
    let touches = touches.flat_map(|(number, proposed)| match lasts(number) {
        true => proposed.touches().into_owned(),
        false => while_acting(proposed),
    });
    Request::new(format!("the undoing of plan {}", file.plan), touches)
}

/// What a step did and an undo would restore, with its SHA-256.
///
/// # Errors
/// There is nothing to undo, or its record is not the one in the audit log.
pub(super) fn items_to_undo(
    plans: &Plans,
    plan: &str,
    number: u32,
    record: &UndoRecord,
) -> Result<(Vec<Item>, String), UndoError> {
    if record.is_undone {
        return Err(UndoError::AlreadyUndone(number));
    }
    let (items, items_sha256) = match plans.items(plan, number) {
        Err(PlanFileError::Storage(error)) if record.items_sha256.is_none() && error.is_not_found() => {
            return Err(UndoError::NothingDone(number));
        }
        items => items?,
    };
    if record.items_sha256.as_deref() != Some(items_sha256.as_str()) {
        return Err(UndoError::Altered(number));
    }
    if items.iter().all(|item| item.fate != Fate::Done) {
        return Err(UndoError::NothingDone(number));
    }
    Ok((items, items_sha256))
}
