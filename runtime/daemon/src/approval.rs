//! Plans that wait for approval, of a daemon that is stopped or runs.

use std::path::Path;
use std::sync::Arc;

use ansai_core::Mode;
use ansai_supervisor::approvals::{self, Approval, ApprovalError, DecisionRequest};
use ansai_supervisor::authority::Fixed;
use ansai_supervisor::{OpenError, StoredPlan, stored_plan};

use crate::configuration::Configuration;
use crate::error::Error;
use crate::{idle, state};

/// The file of the state, and the directory of plans.
const DATABASE: &str = "state.db";
const PLANS: &str = "plans";

/// All plans that a person was asked about, the newest first. Changes nothing, and works while the daemon runs.
///
/// # Errors
/// The state cannot be read, or another user can change it.
pub fn plans(state_dir: &Path) -> Result<Vec<Approval>, Error> {
    let Some(directory) = state::existing(state_dir)? else { return Ok(Vec::new()) };
    if directory.metadata(DATABASE).is_err_and(|error| error.is_not_found()) {
        return Ok(Vec::new());
    }
    let failed = |error| Error::Open { state_dir: state_dir.to_owned(), error: OpenError::State(error) };
    approvals::approvals(&directory.path_of(DATABASE)).map_err(failed)
}

/// A plan that a person was asked about, with its steps. Changes nothing, and works while the daemon runs.
///
/// # Errors
/// There is no such plan, or its file is not as it was proposed.
pub fn plan(state_dir: &Path, id: &str) -> Result<(Approval, StoredPlan), Error> {
    let unknown = || ApprovalError::Unknown(ansai_core::text::inert(id, 100));
    let approval = plans(state_dir)?.into_iter().find(|one| one.plan == id).ok_or_else(unknown)?;
    match stored_plan(&state_dir.join(PLANS), id) {
        Ok(stored) if stored.sha256 == approval.plan_sha256 => Ok((approval, stored)),
        _ => Err(ApprovalError::Altered(approval.plan).into()),
    }
}

/// Approves or rejects a plan. No daemon may run with this state directory. Blocks; needs a tokio runtime.
///
/// # Errors
/// No such plan waits, its file was changed, or an ansai uses the state.
pub fn decide(
    configuration: Option<&Configuration>,
    state_dir: &Path,
    request: DecisionRequest,
) -> Result<Approval, Error> {
    let supervisor = idle::open(configuration, state_dir, Mode::Observe, Arc::new(Fixed::new([])))?;
    let decided = supervisor.decide(request);
    supervisor.close("the decision about a plan is recorded");
    Ok(decided?)
}
