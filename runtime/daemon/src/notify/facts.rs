//! What notifications may know of incidents and plans.

use ansai_core::Timestamp;
use ansai_core::control::{Expiry, HostReport, IncidentDetails, ReportFilter, ShownStep, UndoOutlook, UndoTarget};
use ansai_notify::tell::Facts;
use ansai_supervisor::{Supervisor, clock};

use crate::expiry::Expiries;

/// Asks the supervisor.
pub(super) struct Known {
    pub(super) supervisor: Supervisor,
    pub(super) expiries: Expiries,
}

impl Facts for Known {
    fn incident(&self, id: &str) -> Option<IncidentDetails> {
        self.supervisor.incident(id).ok()
    }

    fn steps(&self, plan: &str) -> Option<Vec<ShownStep>> {
        self.supervisor.approval(plan).ok().map(|(_, steps)| steps)
    }

    fn can_undo(&self, plan: &str) -> bool {
        let preview = self.supervisor.undo_preview(&UndoTarget { plan: plan.to_owned(), step: None });
        let restores = |outlook: &UndoOutlook| matches!(outlook, UndoOutlook::Restores | UndoOutlook::RestoresPartly);
        preview.is_ok_and(|preview| preview.steps.iter().any(|step| restores(&step.outlook)))
    }

    fn is_silenced(&self, instance: &str, key: &str) -> bool {
        let Ok(name) = instance.parse() else { return false };
        let (now, is_in_doubt) = (clock::now(), self.supervisor.clock_doubt().is_some());
        let orders = self.supervisor.orders();
        orders.silences.iter().any(|one| one.silences(&name, key) && one.order.is_in_force(now, is_in_doubt))
    }

    fn expiring(&self, now: Timestamp) -> Vec<Expiry> {
        // Each end is told once: a clock that is ahead would use up its notice.
        if self.supervisor.clock_doubt().is_some() {
            return Vec::new();
        }
        self.expiries.now(now)
    }

    fn halted(&self) -> Option<String> {
        self.supervisor.halted()
    }

    fn audit_head(&self) -> Option<String> {
        Some(self.supervisor.head().to_string())
    }

    fn report(&self, since: Timestamp) -> Result<Box<HostReport>, String> {
        let report = self.supervisor.report(&ReportFilter { since, instance: None });
        report.map(Box::new).map_err(|error| error.to_string())
    }
}
