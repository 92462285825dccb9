//! What the host knows about this evaluation.

use std::cell::OnceCell;

use crate::context::{self, Trigger, WallClock};
use crate::{Attempt, Observation, Value, log};

/// The host, for one evaluation. Its answers do not change while it lasts.
///
/// What a policy remembers is in [`store`](crate::store) and [`series`](crate::series), its probes and actions in the
/// module `imports` of its own crate.
#[derive(Debug)]
pub struct Host {
    open: OnceCell<Vec<Observation>>,
}

impl Host {
    pub(crate) fn of_this_evaluation() -> Host {
        Host { open: OnceCell::new() }
    }

    /// When the evaluation began, milliseconds since the Unix epoch. There is no other clock.
    pub fn now(&self) -> u64 {
        context::now()
    }

    /// The host's local time, for what people call night.
    pub fn local_time(&self) -> WallClock {
        context::local_time()
    }

    /// When this instance was last evaluated to an end, if it was.
    pub fn last_evaluated(&self) -> Option<u64> {
        context::last_evaluated()
    }

    /// Whether what is written to the store and the series will be kept: on a schedule and on an event it is, in a
    /// verification, by hand and in a replay it is not.
    pub fn keeps_what_is_stored(&self) -> bool {
        matches!(context::triggered_by(), Trigger::Schedule | Trigger::Event(_))
    }

    /// Observations that are open incidents now.
    pub fn open_incidents(&self) -> &[Observation] {
        self.open.get_or_init(context::open_incidents)
    }

    /// Whether there is an open incident with this key: what hysteresis needs, see [`Levels`](crate::Levels).
    pub fn is_open(&self, key: &str) -> bool {
        self.open_incidents().iter().any(|incident| incident.key == key)
    }

    /// In `plan`, what was tried for this finding, oldest first; empty in `detect`.
    pub fn attempts(&self) -> Vec<Attempt> {
        context::attempts()
    }

    /// The stage of the escalation ladder that this plan is for; empty where there is none.
    pub fn stage(&self) -> String {
        context::stage()
    }

    /// Whether the operator granted an interface, `ansai:files/files-actions` for instance, in whatever scope.
    pub fn is_granted(&self, interface: &str) -> bool {
        let scopes: Option<serde_json::Value> = serde_json::from_str(&context::scopes()).ok();
        scopes.is_some_and(|scopes| scopes.get(interface).is_some())
    }

    /// A fact about the host: `host-name`, `os-id`, `kernel`, `cpus`, … (see `host-facts` in the WIT).
    pub fn fact(&self, name: &str) -> Option<Value> {
        context::host_facts().into_iter().find(|fact| fact.name == name).map(|fact| fact.value)
    }

    /// A line for the operator's log.
    pub fn log(&self, message: &str) {
        log::write(log::Level::Info, message);
    }

    /// A line for the operator's log that somebody should look at.
    pub fn warn(&self, message: &str) {
        log::write(log::Level::Warn, message);
    }
}
