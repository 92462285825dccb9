//! `ansai:container/container-actions`.

mod capture;
mod check_healthy;
mod restart;
mod target;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};

use super::{TARGET, fields};

/// The name is the argument itself, so it is bounded before anything is asked.
const NAMED: &[Check] = &[Check::of("/target", &fields::TARGETS), Check::of("/name", &fields::CONTAINERS)];

/// The interface `ansai:container/container-actions`.
pub static CONTAINER_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:container/container-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose to restart containers, and to keep their logs as evidence",
        fields: fields::ACTIONS,
    },
    doctor: &[],
    functions: &[
        Function { name: "restart", checks: TARGET, body: Body::Action(&restart::Restart) },
        Function { name: "capture", checks: TARGET, body: Body::Action(&capture::Capture) },
        Function { name: "check-healthy", checks: NAMED, body: Body::Action(&check_healthy::CheckHealthy) },
    ],
};
