//! What people ask about plans that wait.

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::control::{NewDecision, ShownStep};
use ansai_core::order::Person;
use tokio::time::Instant;

use super::ApprovalError;
use crate::clock;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// All plans that a person was asked about and that are remembered: what waits comes first.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn approvals(&self) -> Result<Vec<Approval>, ApprovalError> {
        Ok(self.0.state.approvals()?)
    }

    /// One of them with its steps.
    ///
    /// # Errors
    /// There is no such plan, or its file is not as it was proposed.
    pub fn approval(&self, plan: &str) -> Result<(Approval, Vec<ShownStep>), ApprovalError> {
        let executor = &self.0.executor;
        let unknown = || ApprovalError::Unknown(ansai_core::text::inert(plan, 100));
        let approval = self.0.state.approval(plan)?.ok_or_else(unknown)?;
        let file = executor.shown(&approval).map_err(|_| ApprovalError::Altered(approval.plan.clone()))?;
        let now = clock::now();
        let mut steps: Vec<_> = file.steps.iter().map(|step| executor.planned(step, now)).collect();
        self.0.state.add_effectiveness(&approval.instance, &mut steps, now);
        Ok((approval, steps.into_iter().map(ShownStep::of).collect()))
    }

    /// Approves or rejects a plan that waits for it. An approved plan is applied by the next pass, which begins at once
    /// where this supervisor runs. Waits for the disk.
    ///
    /// # Errors
    /// No such plan waits, its file changed, or the decision cannot be recorded.
    pub fn decide(&self, new: &NewDecision, by: &Person) -> Result<Approval, ApprovalError> {
        let approval = self.0.executor.decide(new, by)?;
        if approval.state == ApprovalState::Approved {
            self.0.passes.lanes.of(&approval.instance).follow_up.ask(Instant::now());
        }
        Ok(approval)
    }
}
