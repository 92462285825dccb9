//! The undo of a plan of which a step failed. The failed step stays in the state until the undo is over, so that the
//! next start finishes an undo that a crash interrupted.

use ansai_core::{Event, InstanceName, Lasting, OnFailure, Outcome, Refusal, StepResult};
use ansai_kit::action::Proposed;

use super::executor::Executor;
use super::guarded_steps::Ending;
use super::guards::with_note;
use super::outcome::BY_HOST;
use super::plans::PlanFile;
use super::undo::UndoError;
use super::undo_records::UndoRecords;
use crate::clock;
use crate::ids::StepId;
use crate::report::undo_text;
use crate::state::UnderWay;

/// Whether a step that ended like this ends its plan. What nobody knows does, also if the step may fail.
pub(super) fn ends_plan(proposed: &Proposed, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Done | Outcome::Running | Outcome::Provisional => false,
        Outcome::Failed | Outcome::Refused => !proposed.may_fail,
        _ => true,
    }
}

/// Whether undo may restore something. A check changes nothing.
fn is_undoable(proposed: &Proposed) -> bool {
    proposed.preview.reversible.is_any() && proposed.preview.items > 0
}

/// What became of a step of an earlier run.
enum Finished {
    /// It is over, with the undo of its plan.
    Ended,
    /// Its outcome is not recorded.
    Open,
    /// Its plan must be undone, and ansai may not act now.
    Waits { instance: InstanceName, reason: Refusal },
}

impl PlanFile {
    /// Whether the host undoes the plan because a step of it ended like this.
    pub(super) fn is_undone_after(&self, number: u32, outcome: Outcome) -> bool {
        let Some(proposed) = self.steps.get(number as usize) else { return false };
        // A first step that was refused has changed nothing, and there is none before it.
        let changed = number > 0 || outcome != Outcome::Refused;
        self.on_failure == OnFailure::UndoApplied && changed && ends_plan(proposed, outcome)
    }
}

impl Executor {
    /// Keeps a step that was refused before its intent in the state, for the undo of its plan.
    pub(super) fn keep_for_undo(&self, step: StepId<'_>, proposed: &Proposed) {
        let under_way = UnderWay {
            instance: step.instance.clone(),
            action: proposed.action.clone(),
            handle: None,
            until: None,
            guard: None,
        };
        if let Err(error) = self.state.begin_step(step.plan, step.step, &under_way) {
            tracing::error!(plan = step.plan, "the undo of this plan would not outlive a crash: {error}");
        }
    }

    /// Undoes a plan because its step `failed` ended it, and adds to the results how that went.
    pub(super) fn undo_failed(&self, file: &PlanFile, failed: u32, results: &mut [StepResult]) {
        match self.undo_records(&file.plan) {
            Ok(records) => _ = self.undo_recorded(file, failed, records, results, Ending::Free),
            // The failed step stays in the state, and the next start tries again.
            Err(error) => {
                for (number, proposed) in file.numbered().rev() {
                    let result = results.get_mut(number as usize);
                    if let Some(result) = result.filter(|one| {
                        matches!(one.outcome, Outcome::Done | Outcome::Provisional) && is_undoable(proposed)
                    }) {
                        self.record_not_undone(file.step_id(number), &error, BY_HOST);
                        undo_text::undone(&mut result.outcome, &mut result.detail, Outcome::Refused, &error);
                    }
                }
            }
        }
    }

    /// Newest step first, then the acts after undo, oldest step first. Without results, the plan is of an earlier run: then
    /// what is not permitted now waits, and the failed step stays in the state. Answers why.
    fn undo_recorded(
        &self,
        file: &PlanFile,
        failed: u32,
        mut records: UndoRecords,
        results: &mut [StepResult],
        ending: Ending,
    ) -> Option<Refusal> {
        let mut waits = None;
        for (number, proposed) in file.numbered().rev() {
            // One that goes back by itself may have ended since the records were read: the undo of a later step takes a while.
            let may_end = ending == Ending::Free && proposed.preview.lasting != Lasting::ForGood;
            let one = may_end.then(|| self.guarded.ending());
            if one.is_some() && self.guarded.get(&file.plan, number).is_none() {
                // Where its end cannot be read, it is not undone once more.
                let Ok(known) = self.undo_records(&file.plan) else { continue };
                records = known;
            }
            let has_ended =
                matches!(records.of(number).outcome, Some(Outcome::Done | Outcome::Provisional | Outcome::Failed));
            if !has_ended || !is_undoable(proposed) {
                continue;
            }
            let (outcome, detail) = match self.undo_step(file, number, BY_HOST, &mut records) {
                Ok(applied) => (applied.outcome, applied.detail),
                Err(UndoError::AlreadyUndone(_)) if one.is_some() => (Outcome::Done, "its time was over".to_owned()),
                Err(UndoError::NothingDone(_) | UndoError::AlreadyUndone(_)) => continue,
                Err(UndoError::NotPermitted(refusal)) if results.is_empty() => {
                    waits.get_or_insert(refusal);
                    continue;
                }
                Err(error) => {
                    self.record_not_undone(file.step_id(number), &error, BY_HOST);
                    (Outcome::Refused, error.to_string())
                }
            };
            let note = if outcome == Outcome::Done { self.end_undone(file, number, failed) } else { None };
            if let Some(result) = results.get_mut(number as usize) {
                undo_text::undone(&mut result.outcome, &mut result.detail, outcome, with_note(detail, note));
            }
        }
        self.after_undo(file, BY_HOST, &mut records, |number, outcome, detail| {
            if let Some(result) = results.get_mut(number as usize) {
                undo_text::after_undo(&mut result.detail, outcome, detail);
            }
        });
        // Without a recorded outcome, the next start looks for it.
        let has_ended = records.of(failed).outcome.is_some() && self.guarded.get(&file.plan, failed).is_none();
        if has_ended && waits.is_none() && !self.pending.has(&file.plan, failed) {
            self.end_step(file.step_id(failed));
        }
        waits
    }

    /// Ends a step of an earlier run that is not running any more. If its failure ended its plan, finishes the undo first.
    pub(super) fn finish_step(&self, plan: &str, step: u32, instance: Option<&InstanceName>, ending: Ending) {
        let finished = self.plans.get(plan).map_err(UndoError::from).and_then(|(file, sha256)| {
            let records = self.undo_records(plan)?;
            records.vouch_for(&file, &sha256)?;
            if file.on_failure == OnFailure::Stop {
                return Ok(Finished::Ended);
            }
            let record = records.of(step);
            if record.outcome.is_some_and(|outcome| file.is_undone_after(step, outcome)) {
                if let Err(reason) = self.may_act(&file.instance) {
                    return Ok(Finished::Waits { instance: file.instance, reason });
                }
                if let Some(reason) = self.undo_recorded(&file, step, records, &mut [], ending) {
                    return Ok(Finished::Waits { instance: file.instance, reason });
                }
            }
            Ok(if record.is_open() { Finished::Open } else { Finished::Ended })
        });
        match finished {
            // The outcome could not be recorded, and the next start looks for it again.
            Ok(Finished::Open) => return,
            Ok(Finished::Waits { instance, reason }) => {
                return self.wait(StepId { plan, step, instance: &instance }, reason);
            }
            Ok(Finished::Ended) => {}
            Err(error @ UndoError::Audit(_)) => {
                tracing::error!(plan, step, "whether the plan must be undone is unknown until the next start: {error}");
                return;
            }
            Err(error) => {
                tracing::error!(plan, step, "whether the plan was undone is unknown: {error}");
                if let Some(instance) = instance {
                    self.note_unknown_undo(StepId { plan, step, instance }, &error);
                }
            }
        }
        if let Err(error) = self.state.end_step(plan, step) {
            tracing::error!(plan, step, "a step that has ended stays in the state: {error}");
        }
        self.pending.remove(plan, step);
        self.background.release(plan, step);
    }

    fn note_unknown_undo(&self, step: StepId<'_>, error: &UndoError) {
        let event = Event::Undone {
            plan: step.plan.to_owned(),
            step: step.step,
            instance: step.instance.clone(),
            outcome: Outcome::Unknown,
            detail: format!("interrupted, and whether the plan was undone is unknown: {error}"),
            by: BY_HOST.to_owned(),
        };
        self.journal.note(clock::now(), event);
    }
}
