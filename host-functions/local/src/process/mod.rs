//! `ansai:process`: processes, and the control groups in which services run.
//!
//! `usage` reads control groups of both versions, `procfs` reads one process, `list` lists processes. `identity` recognizes
//! a process that a policy has seen earlier, and `signal` sends signals to it.

mod directory;
mod identity;
mod list;
mod procfs;
mod signal;
mod usage;
mod wire;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::function::Probe;
use ansai_kit::registry::{Body, Function, InterfaceDef};

use crate::service::fields::UNITS;
pub use signal::{PROCESS_ACTIONS, SIGNALS};
pub(crate) use usage::{Counted, Memory};

/// The interface `ansai:process/process-probe`.
pub static PROCESS_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:process/process-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see which processes run, for which users, and what they use",
        fields: &[],
    },
    doctor: &[],
    functions: &[Function { name: "list-processes", checks: &[], body: Body::Scan(&Probe(list::list_processes)) }],
};

/// The interface `ansai:process/cgroup-probe`.
pub static CGROUP_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:process/cgroup-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see how much memory and processor time services use",
        fields: &[UNITS.field()],
    },
    doctor: &[],
    functions: &[
        Function { name: "look", checks: &[Check::of("/about/name", &UNITS)], body: Body::Probe(&Probe(usage::look)) },
        Function { name: "list-usages", checks: &[], body: Body::Probe(&Probe(usage::list_usages)) },
    ],
};
