//! The host of a simulation.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ansai_core::host_clock::ClockReading;
use ansai_core::scope::{Roots, TypedField};
use ansai_core::{Interface, InterfaceKind, InterfaceName, Measure, Refusal, Sensitivity};
use ansai_kit::action::{Action, Item, Proposed};
use ansai_kit::backend::{Answer, Backend};
use ansai_kit::call::Call;
use ansai_kit::evaluation_state::EvaluationState;
use ansai_kit::host::Host;
use ansai_kit::host_access::{EvaluationStart, HostAccess, HostBackend, QuarantineOrigin};
use ansai_kit::host_clock;
use ansai_kit::registry::{Function, InterfaceDef, Registry};
use serde_json::value::RawValue;

use super::action::{self, Named};
use super::world::World;
use crate::virtual_time;

/// No policy imports it, so nothing is in a quarantine.
static NO_EXPIRY: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:simulation/expiry-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "nothing",
        fields: &[],
    },
    doctor: &[],
    functions: &[],
};
const NO_ROOTS: &TypedField<Roots> = &TypedField::set("roots", "directories of a quarantine");

/// A simulated host: no probe reads this machine, and no step changes it.
pub struct SimulatedHost {
    host: Host,
    actions: Registry,
    _named: Named,
}

impl SimulatedHost {
    /// With this world, and the actions of these interfaces. `root` names the host; nothing is read or written there.
    pub fn new(root: &Path, real: &Registry, world: Arc<World>) -> SimulatedHost {
        let host = Host::at(root);
        let named = Named::new(&host.root().display().to_string(), world);
        SimulatedHost { host, actions: action::registry(real), _named: named }
    }
}

impl HostAccess for SimulatedHost {
    fn host(&self) -> &Host {
        &self.host
    }

    fn facts(&self) -> Vec<Measure> {
        vec![Measure::text("host-name", "simulated")]
    }

    fn action(&self, name: &str) -> Option<(&'static InterfaceDef, &'static Function, &'static dyn Action)> {
        self.actions.action(name)
    }

    fn quarantine_expiry(&self) -> &'static InterfaceDef {
        &NO_EXPIRY
    }

    fn quarantine_roots(&self) -> &'static TypedField<Roots> {
        NO_ROOTS
    }

    fn quarantine_origin(&self) -> &'static dyn QuarantineOrigin {
        &NoQuarantine
    }

    fn clock(&self) -> ClockReading {
        virtual_time::reading().unwrap_or_else(host_clock::read)
    }

    fn call_deadline(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn backend(&self, start: EvaluationStart) -> Box<dyn HostBackend> {
        Box::new(SimulatedBackend { proposed: Vec::new(), state: start.state })
    }
}

struct NoQuarantine;

impl QuarantineOrigin for NoQuarantine {
    fn steps(&self, _: &RawValue) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }

    fn is_part(&self, _: &RawValue, _: &RawValue) -> bool {
        false
    }

    fn is_of(&self, _: &RawValue, _: &str, _: &Proposed, _: &[Item]) -> bool {
        false
    }
}

/// Holds what was proposed. It answers no call.
pub(super) struct SimulatedBackend {
    pub(super) proposed: Vec<Arc<Proposed>>,
    pub(super) state: EvaluationState,
}

impl Backend for SimulatedBackend {
    fn ask<'a>(&'a mut self, _: Call<'a>) -> Answer<'a> {
        Answer::Now(Ok(Err(Refusal::Unsupported("a simulated host has nothing to look at".into()))))
    }
}

impl HostBackend for SimulatedBackend {
    fn finish(self: Box<Self>) -> (Vec<Arc<Proposed>>, EvaluationState) {
        (self.proposed, self.state)
    }
}
