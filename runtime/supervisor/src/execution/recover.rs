//! After a restart, resolves steps that started and have no outcome. No step is repeated. The action determines what
//! was done; what it cannot determine stays `unknown`.
//!
//! What the state directory has of a step is compared with its intent in the audit log first, and the grants of now must
//! permit the step: to determine what was done can put files back. Without them, the step waits.

use std::sync::Arc;

use ansai_core::{InstanceName, Lasting, Mode, Outcome, Refusal};
use ansai_kit::action::Applied;

use super::executor::Executor;
use super::guarded_steps::Ending;
use super::plans::PlanFile;
use super::step::Step;
use super::watch::{MayCancel, Watched, watch};
use crate::ids::StepId;
use crate::recording::{OpenIntent, open_intents};
use crate::state::{Interrupted, UnderWay};

/// An interrupted step that runs in the background, or did so when ansai ended.
pub(crate) struct Attached {
    interrupted: Interrupted,
    open: OpenIntent,
    /// The incident of its plan.
    pub(crate) incident: Option<String>,
}

impl Attached {
    /// Whose plan it is a step of.
    pub(crate) fn instance(&self) -> &InstanceName {
        &self.open.intent.instance
    }
}

/// Which steps are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All, at the start.
    All,
    /// Those that waited until ansai may act.
    Pending,
}

/// Why what a step did is not determined.
enum Unresolved {
    /// ansai may not act now.
    Waits(Refusal),
    /// It cannot be determined.
    Unknown { why: String, reason: Option<Refusal> },
}

/// What became of a step.
enum Resolved {
    /// `None` if it runs and ansai stops.
    Applied(Option<Applied>),
    /// It goes back by itself. All of it is recorded.
    Guarded { is_over: bool },
}

impl Unresolved {
    fn unknown(why: impl std::fmt::Display) -> Unresolved {
        Unresolved::Unknown { why: why.to_string(), reason: None }
    }

    fn altered(refusal: Refusal) -> Unresolved {
        Unresolved::Unknown { why: refusal.to_string(), reason: Some(refusal) }
    }
}

impl Executor {
    /// Gives every interrupted step an outcome, apart from those that ran in the background. Returns these: they may
    /// still run for hours, and are for [`Executor::attach`].
    pub(crate) async fn recover(self: &Arc<Self>, which: Which) -> Vec<Attached> {
        let mut attached = Vec::new();
        let is_wanted = |step: &Interrupted| which == Which::All || self.pending.has(&step.plan, step.step);
        let steps = match self.state.interrupted_steps() {
            Ok(steps) => steps.into_iter().filter(is_wanted).collect::<Vec<_>>(),
            Err(error) => {
                tracing::error!("interrupted steps cannot be read, ansai tries again at its next start: {error}");
                return attached;
            }
        };
        if steps.is_empty() {
            return attached;
        }
        let mut open = match open_intents(&self.audit_dir) {
            Ok(open) => open,
            Err(error) => {
                tracing::error!("interrupted steps stay open until the audit log can be read: {error}");
                return attached;
            }
        };
        for interrupted in steps {
            let (plan, step) = (interrupted.plan.clone(), interrupted.step);
            // Without an intent, nothing was done; with an outcome, the result is known. Both need no resolution.
            let Some(open) = open.remove(&(plan.clone(), step)) else {
                self.clone().finish(interrupted).await;
                continue;
            };
            let is_background = open.running.is_some();
            let file = if is_background { self.plans.get(&plan).ok() } else { None };
            let incident = file.and_then(|(file, _)| file.incident);
            let step = Attached { interrupted, open, incident };
            match is_background {
                true => attached.push(step),
                false => _ = self.clone().attach(step).await,
            }
        }
        attached
    }

    /// Ends an interrupted step that was over before.
    async fn finish(self: Arc<Self>, interrupted: Interrupted) {
        let Interrupted { plan, step, under_way } = interrupted;
        let told = plan.clone();
        let finished = tokio::task::spawn_blocking(move || {
            let under_way = under_way.ok();
            if let Some(UnderWay { instance, guard: Some(_), .. }) = &under_way {
                self.forget_guard(StepId { plan: &plan, step, instance });
            }
            let instance = under_way.map(|under_way| under_way.instance);
            self.finish_step(&plan, step, instance.as_ref(), Ending::Free);
        });
        if let Err(error) = finished.await {
            tracing::error!(plan = told, step, "recovery panicked, ansai tries again at its next start: {error}");
        }
    }

    /// Finds out what became of an interrupted step and records it; waits for the step while it runs. False if its
    /// outcome is still open, because ansai stops first or cannot tell.
    pub(crate) async fn attach(self: Arc<Self>, step: Attached) -> bool {
        let Attached { interrupted, open, .. } = step;
        let (plan, number) = (interrupted.plan.clone(), interrupted.step);
        let resolved = tokio::task::spawn_blocking(move || self.resolve_and_record(interrupted, open)).await;
        resolved.unwrap_or_else(|error| {
            tracing::error!(plan, step = number, "recovery panicked, ansai tries again at its next start: {error}");
            false
        })
    }

    /// False if the step goes on while ansai stops, or waits.
    fn resolve_and_record(&self, interrupted: Interrupted, open: OpenIntent) -> bool {
        let Interrupted { plan, step, under_way } = interrupted;
        let instance = open.intent.instance.clone();
        let id = StepId { plan: &plan, step, instance: &instance };
        let has_outcome = open.outcome.is_some();
        let resolved = under_way.map_err(Unresolved::unknown).and_then(|under_way| {
            match self.goes_back(id, &under_way, &open)? {
                Some(file) => Ok(Resolved::Guarded { is_over: self.recover_guarded(&file, open) }),
                None => self.resolve(id, &under_way, open).map(Resolved::Applied),
            }
        });
        let applied = match resolved {
            Ok(Resolved::Guarded { is_over }) => return is_over,
            Ok(Resolved::Applied(Some(applied))) => applied,
            Ok(Resolved::Applied(None)) => return false,
            Err(Unresolved::Waits(reason)) => {
                self.wait(id, reason);
                return false;
            }
            Err(Unresolved::Unknown { why, .. }) if has_outcome => {
                // A step that goes back by itself. Its guard does that, and nobody looks.
                self.record_by_guard(
                    id,
                    Outcome::Unknown,
                    format!("interrupted, and what became of it is unknown: {why}"),
                );
                self.finish_step(&plan, step, Some(&instance), Ending::Free);
                return true;
            }
            Err(Unresolved::Unknown { why, reason }) => {
                Applied { reason, ..Applied::unknown(format!("interrupted, and what was done is unknown: {why}")) }
            }
        };
        self.pending.remove(&plan, step);
        if applied.outcome == Outcome::Unknown {
            let detail = &applied.detail;
            tracing::warn!(%instance, plan, step, "the outcome of an interrupted step is unknown: {detail}");
        }
        let file = self.plans.get(&plan).ok().map(|(file, _)| file);
        let undo_follows = file.as_ref().is_some_and(|file| file.is_undone_after(step, applied.outcome));
        if let Some(proposed) = file.as_ref().and_then(|file| file.steps.get(step as usize)) {
            self.settle(id, proposed, &applied);
        }
        self.record_outcome(id, applied, true, undo_follows);
        if undo_follows {
            self.finish_step(&plan, step, Some(&instance), Ending::Free);
        }
        true
    }

    /// The file of a step that goes back by itself.
    fn goes_back(
        &self,
        id: StepId<'_>,
        under_way: &UnderWay,
        open: &OpenIntent,
    ) -> Result<Option<PlanFile>, Unresolved> {
        let (file, sha256) = self.plans.get(id.plan).map_err(Unresolved::unknown)?;
        let proposed = file.unaltered(&sha256, &open.intent).map_err(Unresolved::altered)?;
        let lasts = proposed.preview.lasting == Lasting::ForGood;
        open.is_of(under_way).map_err(Unresolved::altered)?;
        Ok((!lasts).then_some(file))
    }

    /// Determines what one step did, or waits for it if it is still running. `None` if it is running and ansai stops.
    fn resolve(&self, id: StepId<'_>, under_way: &UnderWay, open: OpenIntent) -> Result<Option<Applied>, Unresolved> {
        let (file, sha256) = self.plans.get(id.plan).map_err(Unresolved::unknown)?;
        let proposed = file.unaltered(&sha256, &open.intent).map_err(Unresolved::altered)?;
        open.is_of(under_way).map_err(Unresolved::altered)?;
        let authorized = self.authorized(id.instance, proposed, Mode::Approve);
        let Some((handle, until)) = open.running else {
            let (action, in_force) = authorized.map_err(Unresolved::Waits)?;
            let resolved = Step::new(self, id, proposed, action, in_force).resolve();
            return resolved.map(Some).map_err(Unresolved::unknown);
        };
        let (interface, _, action) = self.action(&proposed.action).map_err(Unresolved::Waits)?;
        // To look at it needs no grant.
        let (in_force, refusal) = match authorized {
            Ok((_, in_force)) => (in_force, None),
            Err(refusal) => (self.in_force(id.instance, interface), Some(refusal)),
        };
        let may_cancel = if refusal.is_none() { MayCancel::Yes } else { MayCancel::No };
        let step = Step::new(self, id, proposed, action, in_force);
        let step = step.acting(open.durable).map_err(Unresolved::unknown)?;
        match (watch(&step, &handle, until, &self.stop, may_cancel), refusal) {
            (Watched::Ended(applied), _) => Ok(Some(applied)),
            (Watched::Overdue, Some(refusal)) => Err(Unresolved::Waits(refusal)),
            (Watched::Left | Watched::Overdue, _) => Ok(None),
        }
    }
}
