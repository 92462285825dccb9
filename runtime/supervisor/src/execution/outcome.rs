//! Records outcomes of steps, and why some steps have none.

use ansai_core::event::{Intent, SkipReason};
use ansai_core::{Event, Outcome, Refusal, StepResult};
use ansai_kit::action::{Applied, Proposed};

use super::executor::Executor;
use super::plans::PlanFile;
use super::unaltered::digest;
use super::undo::UndoError;
use crate::clock;
use crate::ids::StepId;

/// The name of the host as the one who undoes steps.
pub(super) const BY_HOST: &str = "the host";

impl Executor {
    /// Records the outcome of a step; returns it, with a note if recording failed. Then the step has ended, unless the undo
    /// of its plan follows: that ends it.
    pub(super) fn record_outcome(
        &self,
        step: StepId<'_>,
        mut applied: Applied,
        after_crash: bool,
        undo_follows: bool,
    ) -> Applied {
        let StepId { plan, step: number, instance } = step;
        let items_sha256 = if applied.items.is_empty() {
            None
        } else {
            let (sha256, refused) = self.plans.put_items(plan, number, &applied.items);
            if let Some(error) = refused {
                applied.detail = format!("{}; what it did is not written, so undo may refuse: {error}", applied.detail);
            }
            // Also if it is not written: a step without items has changed nothing.
            sha256
        };
        let evidence = self.keep_evidence(step, &mut applied, after_crash);
        let event = Event::Outcome {
            plan: plan.to_owned(),
            step: number,
            instance: instance.clone(),
            outcome: applied.outcome,
            reason: applied.reason.clone(),
            detail: applied.detail.clone(),
            measures: applied.measures.clone(),
            items_sha256,
            evidence,
            after_crash,
        };
        if let Err(error) = self.end(step, event, undo_follows) {
            (applied.outcome, applied.reason) = (Outcome::Unknown, None);
            applied.detail = format!("{}; the outcome is not recorded: {error}", applied.detail);
        }
        if !undo_follows {
            self.background.release(plan, number);
        }
        applied
    }

    /// Removes a step from the state, and releases what it touched if it ran without its plan.
    pub(super) fn end_step(&self, step: StepId<'_>) {
        let StepId { plan, step: number, instance } = step;
        if let Err(error) = self.state.end_step(plan, number) {
            tracing::error!(%instance, plan, step = number, "a step that has ended stays in the state: {error}");
        }
        self.background.release(plan, number);
    }

    /// Records that a step changed nothing. Only then is the step no longer running: an intent needs an outcome.
    pub(super) fn record_refused(&self, step: StepId<'_>, refusal: &Refusal, undo_follows: bool) -> Applied {
        let refused = Applied::refused(refusal);
        self.budgets.release(step.plan, Some(step.step));
        // A failure to record is logged. Even so, the step changed nothing.
        let _ = self.record_outcome(step, refused.clone(), false, undo_follows);
        refused
    }

    pub(super) fn record_skipped(&self, step: StepId<'_>, reason: SkipReason) {
        let (plan, instance) = (step.plan.to_owned(), step.instance.clone());
        self.journal.note(clock::now(), Event::Skipped { plan, step: step.step, instance, reason });
    }

    /// Records why a step was not undone. A refusal after the intent has already been recorded.
    pub(super) fn record_not_undone(&self, step: StepId<'_>, error: &UndoError, by: &str) {
        if !matches!(error, UndoError::Refused(_)) {
            let event = Event::Undone {
                plan: step.plan.to_owned(),
                step: step.step,
                instance: step.instance.clone(),
                outcome: Outcome::Refused,
                detail: error.to_string(),
                by: by.to_owned(),
            };
            self.journal.note(clock::now(), event);
        }
    }

    fn end(&self, step: StepId<'_>, event: Event, undo_follows: bool) -> Result<(), String> {
        let StepId { plan, step: number, instance } = step;
        let recorded = self.journal.durable(clock::now(), event).map_err(|error| error.to_string());
        let ended = recorded.and_then(|()| match undo_follows {
            true => Ok(()),
            false => self.state.end_step(plan, number).map_err(|error| error.to_string()),
        });
        if let Err(error) = &ended {
            tracing::error!(
                %instance,
                plan,
                step = number,
                "the outcome is not recorded, ansai looks for it after its next start: {error}"
            );
        }
        ended
    }
}

/// The intent of a step.
pub(super) fn intent(file: &PlanFile, plan_sha256: &str, number: u32, step: &Proposed) -> Intent {
    Intent {
        plan: file.plan.clone(),
        step: number,
        instance: file.instance.clone(),
        action: step.action.clone(),
        about: step.preview.about.clone(),
        arguments: serde_json::from_str(step.arguments.get()).unwrap_or_default(),
        targets: step.preview.items,
        targets_sha256: digest(&step.targets),
        plan_sha256: plan_sha256.to_owned(),
    }
}

/// The result of a step, as `context.attempts` returns it.
pub(super) fn step_result(step: &Proposed, applied: Applied) -> StepResult {
    StepResult {
        step: step.preview.step,
        action: step.action.clone(),
        arguments: StepResult::bounded_arguments(step.arguments.get()),
        about: step.preview.about.clone(),
        outcome: applied.outcome,
        reason: applied.reason,
        detail: applied.detail,
        measures: applied.measures,
    }
}
