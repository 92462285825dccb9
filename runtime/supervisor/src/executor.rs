//! The only code that changes the machine. Per step: authorize again with the grants of now, make the intent
//! durable, let the action check each target again and act, make the outcome durable.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Event, Measure, Mode, OnFailure, Outcome, Refusal, StepResult, Subject};
use ansai_kit::action::{Action, Applied, Begun, Item, OnStop, Progress, Proposed, StepContext};
use ansai_kit::authorize::authorize;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::authority::EffectiveGrants;
use crate::clock;
use crate::plans::PlanFile;
use crate::report::{PlanReport, StepReport};
use crate::supervisor::Inner;

/// Between two looks at a step that runs by itself.
const POLL: Duration = Duration::from_millis(200);

/// A plan that was approved.
pub(crate) struct Approved {
    pub(crate) file: PlanFile,
    pub(crate) on_failure: OnFailure,
}

/// A step under way, as the state holds it until its outcome is recorded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnderWay {
    pub(crate) instance: String,
    pub(crate) action: String,
    /// Set once the action runs by itself.
    pub(crate) handle: Option<Box<RawValue>>,
    pub(crate) until: Option<ansai_core::Instant>,
}

/// What became of a step that was begun.
enum Ended {
    With(Applied),
    /// ansai stops, the step goes on by itself: its outcome comes after the restart.
    Left,
}

impl Inner {
    /// Applies a plan, step by step; what became of each is in the report and in the audit log.
    pub(crate) async fn execute(self: Arc<Self>, approved: Approved, report: &mut PlanReport) {
        let subjects: BTreeSet<Subject> = approved.file.steps.iter().map(|s| s.preview.about.clone()).collect();
        let held = self.leases.take(subjects).await;
        let steps = report.steps.clone();
        let inner = self.clone();
        // Acting blocks: it is done beside the threads that evaluate.
        let applied = tokio::task::spawn_blocking(move || inner.apply_all(&approved, steps)).await;
        drop(held);
        match applied {
            Ok(steps) => report.steps = steps,
            Err(error) => report.error = Some(format!("the executor failed: {error}")),
        }
    }

    fn apply_all(&self, approved: &Approved, mut steps: Vec<StepReport>) -> Vec<StepReport> {
        let file = &approved.file;
        if let Err(error) = self.plans.put(file) {
            // No durable plan, no action.
            for step in &mut steps {
                refuse(step, format!("the plan cannot be written: {error}"));
            }
            return steps;
        }
        let (mut failed, mut left) = (false, false);
        for (index, (step, report)) in file.steps.iter().zip(&mut steps).enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            if failed || left || self.is_stopping() {
                // Not begun, so it has no outcome: nobody refused it.
                report.detail = match (failed, left) {
                    (true, _) => "an earlier step failed",
                    (_, true) => "an earlier step still runs",
                    _ => "ansai was asked to stop",
                }
                .into();
                continue;
            }
            match self.apply(file, number, step) {
                Ok(Ended::With(applied)) => take(report, applied),
                Ok(Ended::Left) => {
                    report.outcome = Some(Outcome::Unknown);
                    report.detail = "left running: its outcome is recorded when ansai runs again".into();
                    // It has not failed, so what came before it stays.
                    left = true;
                    continue;
                }
                Err(refusal) => {
                    refuse(report, refusal.to_string());
                    self.note_refused(file, number, &report.detail);
                }
            }
            failed |= !matches!(report.outcome, Some(Outcome::Done));
        }
        if failed && approved.on_failure == OnFailure::UndoApplied {
            self.undo_applied(file, &mut steps);
        }
        steps
    }

    /// One step. `Err` means that nothing was changed.
    fn apply(&self, file: &PlanFile, number: u32, step: &Proposed) -> Result<Ended, Refusal> {
        let (action, force) = self.authorized(file, step)?;
        let scope = scope_of(&force, step)?;
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
        let mut under_way =
            UnderWay { instance: file.instance.clone(), action: step.action.clone(), handle: None, until: None };
        self.put_step(&file.plan, number, &under_way)?;
        self.durable(intent(file, number, step))?;
        let begun = action.begin(&doing);
        let ended = match begun {
            Ok(Begun::Finished(applied)) => Ended::With(applied),
            Ok(Begun::Running { handle, limit }) => {
                let until = doing.now.saturating_add(limit);
                under_way.handle = Some(handle.clone());
                under_way.until = Some(until);
                // The handle must outlive a crash; where it cannot be kept the step is not let run.
                let kept = self.put_step(&file.plan, number, &under_way).and_then(|()| {
                    let handle = serde_json::from_str(handle.get()).unwrap_or_default();
                    self.durable(Event::Running { plan: file.plan.clone(), step: number, handle, until })
                });
                match kept {
                    Ok(()) => self.watch(action, &doing, &handle, until),
                    Err(_) => ended(action.cancel(&doing, &handle)),
                }
            }
            Err(refusal) => return Err(refusal),
        };
        match ended {
            Ended::With(applied) => Ok(Ended::With(self.outcome(&file.plan, number, applied))),
            Ended::Left => Ok(Ended::Left),
        }
    }

    /// Waits for a step that runs by itself.
    pub(crate) fn watch_running(
        &self,
        action: &dyn Action,
        doing: &StepContext<'_>,
        handle: &RawValue,
        until: ansai_core::Instant,
    ) -> Option<Applied> {
        match self.watch(action, doing, handle, until) {
            Ended::With(applied) => Some(applied),
            Ended::Left => None,
        }
    }

    fn watch(
        &self,
        action: &dyn Action,
        doing: &StepContext<'_>,
        handle: &RawValue,
        until: ansai_core::Instant,
    ) -> Ended {
        loop {
            match action.poll(doing, handle) {
                Progress::Running(_) => {}
                over => return ended(over),
            }
            if self.is_stopping() {
                match action.on_stop() {
                    OnStop::Leave => return Ended::Left,
                    OnStop::Cancel => return ended(action.cancel(doing, handle)),
                    OnStop::Finish => {}
                }
            }
            if clock::now() >= until {
                return ended(action.cancel(doing, handle));
            }
            std::thread::sleep(POLL);
        }
    }

    /// The grants of now, not those of the plan.
    fn authorized(&self, file: &PlanFile, step: &Proposed) -> Result<(&'static dyn Action, EffectiveGrants), Refusal> {
        let (entry, function, action) = self
            .shared
            .registry
            .action(&step.action)
            .ok_or_else(|| Refusal::Unsupported(format!("there is no action {}", step.action)))?;
        let force = self.authority.effective_grants(&file.instance).map_err(Refusal::Denied)?;
        if force.mode != Mode::Enforce {
            return Err(Refusal::Denied(format!("{} is not in enforce mode any more", file.instance)));
        }
        let scope = force.scopes.get(entry.interface.name).map(AsRef::as_ref);
        authorize(&file.instance, entry, function, scope, &step.arguments)?;
        Ok((action, force))
    }

    /// Records the outcome; answers it with what went wrong in recording.
    pub(crate) fn outcome(&self, plan: &str, number: u32, mut applied: Applied) -> Applied {
        let items_sha256 = if applied.items.is_empty() {
            None
        } else {
            match self.plans.put_items(plan, number, &applied.items) {
                Ok(sha256) => Some(sha256),
                Err(error) => {
                    applied.detail = format!("{}; what undo needs could not be kept: {error}", applied.detail);
                    None
                }
            }
        };
        let event = Event::Outcome {
            plan: plan.to_owned(),
            step: number,
            outcome: applied.outcome,
            detail: applied.detail.clone(),
            measures: applied.measures.clone(),
            items_sha256,
        };
        let recorded = self
            .durable(event)
            .and_then(|()| self.state.end_step(plan, number).map_err(|error| Refusal::Unavailable(error.to_string())));
        if let Err(error) = recorded {
            tracing::error!("{error}");
            applied.outcome = Outcome::Unknown;
            applied.detail = format!("{}; the outcome could not be recorded: {error}", applied.detail);
        }
        applied
    }

    /// Records that a step changed nothing. Only then is it no longer under way: an intent needs an outcome.
    fn note_refused(&self, file: &PlanFile, number: u32, detail: &str) {
        let event = Event::Outcome {
            plan: file.plan.clone(),
            step: number,
            outcome: Outcome::Refused,
            detail: detail.to_owned(),
            measures: Vec::new(),
            items_sha256: None,
        };
        let recorded = self.durable(event).map_err(|error| error.to_string());
        let ended = |()| self.state.end_step(&file.plan, number).map_err(|error| error.to_string());
        if let Err(error) = recorded.and_then(ended) {
            tracing::error!("{error}");
        }
    }

    fn undo_applied(&self, file: &PlanFile, steps: &mut [StepReport]) {
        for (index, report) in steps.iter_mut().enumerate().rev() {
            let done = report.outcome == Some(Outcome::Done) && report.preview.reversible;
            // A check touches nothing, so there is nothing to bring back.
            if !done || report.preview.items == 0 {
                continue;
            }
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            match self.undo_step(file, number, "the host") {
                Ok(applied) => {
                    report.detail = format!("{}; undone: {}", report.detail, applied.detail);
                    if applied.outcome == Outcome::Done {
                        report.outcome = Some(Outcome::Reverted);
                    }
                }
                Err(error) => report.detail = format!("{}; not undone: {error}", report.detail),
            }
        }
    }

    pub(crate) fn put_step(&self, plan: &str, number: u32, under_way: &UnderWay) -> Result<(), Refusal> {
        let value = serde_json::to_string(under_way).map_err(|error| Refusal::Other(error.to_string()))?;
        self.state.begin_step(plan, number, &value).map_err(|error| Refusal::Unavailable(error.to_string()))
    }

    pub(crate) fn durable(&self, event: Event) -> Result<(), Refusal> {
        match self.journal.durable(clock::now(), event) {
            Ok(_) => Ok(()),
            Err(error) => Err(Refusal::Unavailable(error.to_string())),
        }
    }
}

fn ended(progress: Progress) -> Ended {
    match progress {
        Progress::Finished(applied) => Ended::With(applied),
        Progress::Lost(why) => Ended::With(unknown(why)),
        Progress::Running(_) => Ended::With(unknown("it would not be cancelled".into())),
    }
}

/// An outcome that cannot be told.
pub(crate) fn unknown(why: String) -> Applied {
    Applied { outcome: Outcome::Unknown, detail: why, measures: Vec::<Measure>::new(), items: Vec::<Item>::new() }
}

pub(crate) fn scope_of(force: &EffectiveGrants, step: &Proposed) -> Result<Arc<ansai_core::Scope>, Refusal> {
    let interface = step.action.rsplit_once('.').map_or(step.action.as_str(), |(interface, _)| interface);
    force.scopes.get(interface).cloned().ok_or_else(|| Refusal::Denied(format!("{interface} is not granted")))
}

fn intent(file: &PlanFile, number: u32, step: &Proposed) -> Event {
    use sha2::Digest as _;
    Event::Intent {
        plan: file.plan.clone(),
        step: number,
        action: step.action.clone(),
        about: step.preview.about.clone(),
        arguments: serde_json::from_str(step.arguments.get()).unwrap_or_default(),
        targets: step.preview.items,
        targets_sha256: hex::encode(sha2::Sha256::digest(step.targets.get())),
    }
}

fn refuse(report: &mut StepReport, why: String) {
    report.outcome = Some(Outcome::Refused);
    report.detail = why;
}

fn take(report: &mut StepReport, applied: Applied) {
    report.outcome = Some(applied.outcome);
    report.detail = applied.detail;
    report.measures = applied.measures;
}

/// As `context.attempts` shows it to the policy.
pub(crate) fn step_result(report: &StepReport) -> Option<StepResult> {
    Some(StepResult {
        action: report.action.clone(),
        about: report.preview.about.clone(),
        outcome: report.outcome?,
        detail: report.detail.clone(),
        measures: report.measures.clone(),
    })
}
