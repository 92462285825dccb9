//! Plans that wait for approval, as the state directory has them while no daemon runs.

use std::path::Path;

use ansai_core::approval::Approval;
use ansai_core::control::ShownStep;
use ansai_core::event::PlannedStep;
use ansai_supervisor::approvals::{self, ApprovalError};
use ansai_supervisor::{OpenError, action_records_of, clock, stored_plan};

use crate::error::Error;
use crate::state;

/// The file of the state, and the directory of plans.
const DATABASE: &str = "state.db";
const PLANS: &str = "plans";

/// All plans that a person was asked about, the newest first. Changes nothing.
///
/// # Errors
/// The state cannot be read, or another user can change it.
pub(crate) fn plans(state_dir: &Path) -> Result<Vec<Approval>, Error> {
    let Some(directory) = state::existing(state_dir)? else { return Ok(Vec::new()) };
    if directory.metadata(DATABASE).is_err_and(|error| error.is_not_found()) {
        return Ok(Vec::new());
    }
    let failed = |error| Error::Open { state_dir: state_dir.to_owned(), error: OpenError::State(error) };
    approvals::approvals(&directory.path_of(DATABASE)).map_err(failed)
}

/// One of them with its steps. Changes nothing.
///
/// # Errors
/// There is no such plan, or its file is not as it was proposed.
pub(crate) fn plan(state_dir: &Path, id: &str) -> Result<(Approval, Vec<ShownStep>), Error> {
    let unknown = || ApprovalError::Unknown(ansai_core::text::inert(id, 100));
    let approval = plans(state_dir)?.into_iter().find(|one| one.plan == id).ok_or_else(unknown)?;
    let stored = match stored_plan(&state_dir.join(PLANS), id) {
        Ok(stored) if stored.sha256 == approval.plan_sha256 => stored,
        _ => return Err(ApprovalError::Altered(approval.plan).into()),
    };
    let (registry, now) = (ansai_host_functions::builtin(), clock::now());
    // A state of an earlier version has no records.
    let directory = state::existing(state_dir)?;
    let records = directory.map(|directory| action_records_of(&directory).unwrap_or_default()).unwrap_or_default();
    let helped = |action: &str| {
        let own = records.iter().find(|one| one.instance == approval.instance && one.action == action)?;
        Some(own.achieved.effectiveness()).filter(|found| found.verified > 0)
    };
    let steps = stored.steps.iter().map(|step| {
        let action = registry.action(&step.action).map(|(_, _, action)| action);
        let planned = step.planned(action, now);
        ShownStep::of(PlannedStep { effectiveness: helped(&planned.action), ..planned })
    });
    let steps = steps.collect();
    Ok((approval, steps))
}
