//! Undo by a person, while ansai runs, and what it would do.

use ansai_audit::Ballast;
use ansai_core::control::{ShownStep, UndoPreview, UndoTarget, UndoneStep};
use ansai_core::order::Person;
use ansai_core::text::inert;
use ansai_kit::host_access::HostAccess;
use ansai_storage::{Directory, Location};

use crate::authority::Authority;
use crate::clock;
use crate::execution::undo::UndoError;
use crate::execution::{PlanFileError, Plans, UndoLook};
use crate::recording::heads::LOG;
use crate::report::StepReport;
use crate::state::State;
use crate::supervisor::Supervisor;

impl Supervisor {
    /// Undoes a plan or a step of it beside everything else: what a step or another plan has in use is refused. Blocks,
    /// as long as it takes; the run does not end before.
    ///
    /// # Errors
    /// See [`UndoError`].
    pub fn undo_now(&self, target: &UndoTarget, by: &Person) -> Result<Vec<UndoneStep>, UndoError> {
        let rooms = &self.0;
        let _running = rooms.tasks.begin();
        if rooms.stop.is_asked() {
            return Err(UndoError::Stopping);
        }
        let reports = rooms.executor.undo(&target.plan, target.step, &by.to_string());
        self.keep_head();
        Ok(reports?.into_iter().map(StepReport::into_undone).collect())
    }

    /// What [`Supervisor::undo_now`] would do.
    ///
    /// # Errors
    /// See [`UndoError`].
    pub fn undo_preview(&self, target: &UndoTarget) -> Result<UndoPreview, UndoError> {
        let executor = &self.0.executor;
        let look = UndoLook {
            host: &*executor.host,
            authority: &*executor.authority,
            state: &executor.state,
            plans: &executor.plans,
            audit_dir: &executor.audit_dir,
            running: Some((&executor.leases, &executor.guarded)),
            now: clock::now(),
        };
        look.preview(target)
    }
}

/// What an undo would do in a state directory that no run has open. Nothing is written, and no lock is needed.
///
/// # Errors
/// See [`UndoError`].
pub fn undo_preview_of(
    directory: &Directory,
    host: &dyn HostAccess,
    authority: &dyn Authority,
    target: &UndoTarget,
) -> Result<UndoPreview, UndoError> {
    let Some(state) = State::left_in(directory)? else {
        return Err(UndoError::Unknown(inert(&target.plan, 100)));
    };
    let open = |name: &str| Directory::open(directory.path_of(name)).map_err(PlanFileError::from);
    // Never released: nothing is written.
    let ballast = Ballast::new(Location::new(directory, "ballast"), 0);
    let plans = Plans::to_read(open("plans")?, ballast);
    let audit_dir = open(LOG)?;
    let (state, plans, audit_dir) = (&state, &plans, &audit_dir);
    UndoLook { host, authority, state, plans, audit_dir, running: None, now: clock::now() }.preview(target)
}

impl StepReport {
    /// As the control socket carries it.
    pub fn into_undone(self) -> UndoneStep {
        let StepReport { planned, outcome, detail, measures, after_undo, .. } = self;
        UndoneStep { step: ShownStep::bounded(planned), outcome, detail, measures, after_undo }
    }

    /// As it came from the control socket.
    pub fn of_undone(undone: UndoneStep) -> StepReport {
        let UndoneStep { step, outcome, detail, measures, after_undo } = undone;
        StepReport { outcome, detail, measures, after_undo, ..StepReport::new(step.named()) }
    }
}
