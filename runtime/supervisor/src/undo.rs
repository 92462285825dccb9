//! Undoing a step: by the host when a later one failed, or by a person.

use std::io::ErrorKind;

use ansai_audit::Reader;
use ansai_core::event::Record;
use ansai_core::{Event, Outcome, Refusal};
use ansai_kit::action::{Applied, StepContext};

use crate::clock;
use crate::plans::{PlanFile, PlanFileError};
use crate::report::StepReport;
use crate::supervisor::{Inner, Supervisor};

/// Why nothing was undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The plan is not known, or its files are not readable.
    #[error(transparent)]
    Plan(#[from] PlanFileError),
    /// It has no such step.
    #[error("plan {plan} has {steps} steps, and none is number {step}")]
    NoStep {
        /// The plan.
        plan: String,
        /// How many it has.
        steps: usize,
        /// What was asked for.
        step: u32,
    },
    /// It was not begun, or it only looked.
    #[error("step {0} changed nothing")]
    NothingDone(u32),
    /// A second time would undo what came after.
    #[error("step {0} was undone already")]
    UndoneAlready(u32),
    /// What was done is not what the audit log says: then undoing could do harm.
    #[error("the record of step {0} is not the one that the audit log holds")]
    Altered(u32),
    /// The audit log cannot be read.
    #[error("audit log: {0}")]
    Audit(String),
    /// Refused by the action or by the log.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Supervisor {
    /// Undoes a plan, newest step first, or one step of it. `by` is a person, for the record. Each report's
    /// outcome is `reverted`, or says why not.
    pub fn undo(&self, plan: &str, step: Option<u32>, by: &str) -> Result<Vec<StepReport>, UndoError> {
        let file = self.0.plans.get(plan)?;
        let count = file.steps.len();
        if let Some(step) = step.filter(|step| *step as usize >= count) {
            return Err(UndoError::NoStep { plan: plan.to_owned(), steps: count, step });
        }
        let wanted = (0..count).rev().filter_map(|index| u32::try_from(index).ok());
        let wanted: Vec<u32> = wanted.filter(|number| step.is_none_or(|step| step == *number)).collect();
        let mut reports = Vec::with_capacity(wanted.len());
        for number in wanted {
            let Some(proposed) = file.steps.get(number as usize) else { continue };
            let mut report = StepReport {
                action: proposed.action.clone(),
                reason: proposed.reason(),
                preview: proposed.preview.clone(),
                outcome: None,
                detail: String::new(),
                measures: Vec::new(),
            };
            match self.0.undo_step(&file, number, by) {
                Ok(applied) => {
                    let reverted = applied.outcome == Outcome::Done;
                    report.outcome = Some(if reverted { Outcome::Reverted } else { applied.outcome });
                    report.detail = applied.detail;
                    report.measures = applied.measures;
                }
                // In the middle of a whole plan that is no obstacle.
                Err(error @ (UndoError::NothingDone(_) | UndoError::UndoneAlready(_))) if step.is_none() => {
                    report.detail = error.to_string()
                }
                Err(error) => {
                    report.outcome = Some(Outcome::Refused);
                    report.detail = error.to_string();
                }
            }
            reports.push(report);
        }
        self.keep_head();
        Ok(reports)
    }
}

impl Inner {
    /// Undoes one step and records it.
    pub(crate) fn undo_step(&self, file: &PlanFile, number: u32, by: &str) -> Result<Applied, UndoError> {
        let step = file.steps.get(number as usize).ok_or_else(|| UndoError::NoStep {
            plan: file.plan.clone(),
            steps: file.steps.len(),
            step: number,
        })?;
        let (_, _, action) = self
            .shared
            .registry
            .action(&step.action)
            .ok_or_else(|| Refusal::Unsupported(format!("there is no action {}", step.action)))?;
        let Recorded { items: recorded, is_undone } = self.recorded(&file.plan, number)?;
        if is_undone {
            return Err(UndoError::UndoneAlready(number));
        }
        let (items, sha256) = match self.plans.items(&file.plan, number) {
            Err(PlanFileError::Io { error, .. }) if recorded.is_none() && error.kind() == ErrorKind::NotFound => {
                return Err(UndoError::NothingDone(number));
            }
            items => items?,
        };
        if recorded.as_deref() != Some(sha256.as_str()) {
            return Err(UndoError::Altered(number));
        }
        // Undoing restores what was; it needs no grant of today, but the scope of the plan's instance if it has one.
        let scope = match self.authority.effective_grants(&file.instance) {
            Ok(force) => crate::executor::scope_of(&force, step).unwrap_or_default(),
            Err(_) => std::sync::Arc::default(),
        };
        let step_id = format!("{}-{number}", file.plan);
        let doing = StepContext {
            host: &self.shared.host,
            scope: &scope,
            now: clock::now(),
            step_id: &step_id,
            arguments: &step.arguments,
            targets: &step.targets,
            stop: &self.stop,
        };
        let undone = |outcome, detail: &str| Event::Undone {
            plan: file.plan.clone(),
            step: number,
            outcome,
            detail: detail.to_owned(),
            by: by.to_owned(),
        };
        self.durable(undone(Outcome::Unknown, "begins"))?;
        let applied = action.undo(&doing, &items)?;
        self.durable(undone(applied.outcome, &applied.detail))?;
        Ok(applied)
    }

    fn recorded(&self, plan: &str, number: u32) -> Result<Recorded, UndoError> {
        let text = |error: &dyn std::fmt::Display| UndoError::Audit(error.to_string());
        let mut found = Recorded::default();
        for entry in Reader::open(&self.audit_dir).map_err(|error| text(&error))? {
            let entry = entry.map_err(|error| text(&error))?;
            let Ok(record) = serde_json::from_slice::<Record>(&entry.payload) else { continue };
            match record.event {
                Event::Outcome { plan: of, step, items_sha256: Some(sha256), .. } if of == plan && step == number => {
                    found.items = Some(sha256);
                }
                Event::Undone { plan: of, step, outcome, .. } if of == plan && step == number => {
                    found.is_undone |= outcome == Outcome::Done;
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

/// What the audit log holds of a step.
#[derive(Default)]
struct Recorded {
    /// The hash of its items: of the last outcome that has one.
    items: Option<String>,
    /// Undone to the end. One that was interrupted, or failed, may be tried again.
    is_undone: bool,
}
