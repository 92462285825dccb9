//! `ansai:service`: services of systemd, over D-Bus.
//!
//! `systemd` has the calls, `state` reads what systemd answers, `rules` says what a step may do to a service. Each action
//! has a file. `memory` limits the memory of services.

mod actions;
mod dependants;
mod doctor;
pub mod fields;
mod memory;
pub(crate) mod name;
mod probe;
mod rules;
mod state;
pub(crate) mod systemd;
mod wire;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::function::Probe;
use ansai_kit::registry::{Body, Function, InterfaceDef};

pub use actions::SERVICE_ACTIONS;
pub use memory::{MIN_BYTES, SERVICE_MEMORY_ACTIONS};

/// The interface `ansai:service/service-probe`.
pub static SERVICE_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:service/service-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see the states of services",
        fields: fields::PROBE,
    },
    doctor: &[doctor::bus],
    functions: &[
        Function {
            name: "look",
            checks: &[Check::of("/name", &fields::UNITS)],
            body: Body::Probe(&Probe(probe::look)),
        },
        Function { name: "list-units", checks: &[], body: Body::Probe(&Probe(probe::list_units)) },
        Function {
            name: "list-dependants",
            checks: &[Check::of("/name", &fields::UNITS)],
            body: Body::Probe(&Probe(dependants::list_dependants)),
        },
    ],
};
