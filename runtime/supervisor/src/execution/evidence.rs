//! What a step captured goes to the store before its outcome is recorded with the hashes.

use ansai_core::event::EvidenceRef;
use ansai_kit::action::Applied;

use super::executor::Executor;
use super::masking;
use crate::ids::StepId;

impl Executor {
    /// Keeps what a step captured, and removes what an earlier run kept of it without a record: nothing shows that nobody
    /// changed it. What cannot be kept is told in the detail, and changes no outcome.
    pub(super) fn keep_evidence(&self, step: StepId<'_>, applied: &mut Applied, after_crash: bool) -> Vec<EvidenceRef> {
        let StepId { plan, step: number, instance } = step;
        if after_crash && let Err(error) = self.evidence.remove_of_step(plan, number) {
            tracing::error!(%instance, plan, step = number, "evidence without a record stays: {error}");
        }
        let captured = std::mem::take(&mut applied.evidence);
        if captured.is_empty() {
            return Vec::new();
        }
        // Without the grants, nobody knows which secrets to mask; without one of the secrets, it would be kept in clear.
        let redactor = self.authority.effective_grants(instance);
        let redactor = redactor.and_then(|grants| masking::redactor(&grants.reach).map_err(|error| error.to_string()));
        let (items, lost) = match redactor {
            Ok(redactor) => {
                let incident = self.plans.get(plan).ok().and_then(|(file, _)| file.incident);
                let kept = self.evidence.keep(step, incident.as_deref(), &captured, &redactor);
                (kept.items, kept.lost)
            }
            Err(error) => (Vec::new(), vec![error]),
        };
        if !lost.is_empty() {
            applied.detail = format!("{}; not all that it captured is kept: {}", applied.detail, lost.join("; "));
        }
        items
    }
}
