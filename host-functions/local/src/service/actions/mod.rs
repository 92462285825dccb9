//! `ansai:service/service-actions`.

mod capture;
mod check_active;
mod job;
mod reload;
mod reset_failed;
mod restart;
mod start;
mod target;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};

use super::fields;

const UNIT: &[Check] = &[Check::of("/unit", &fields::UNITS)];

/// The interface `ansai:service/service-actions`.
pub static SERVICE_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:service/service-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to start, restart and reload services, and to keep their logs as evidence",
        fields: fields::ACTIONS,
    },
    doctor: &[],
    functions: &[
        Function { name: "start", checks: UNIT, body: Body::Action(&start::Start) },
        Function { name: "restart", checks: UNIT, body: Body::Action(&restart::Restart) },
        Function { name: "reload", checks: UNIT, body: Body::Action(&reload::Reload) },
        Function { name: "reset-failed", checks: UNIT, body: Body::Action(&reset_failed::ResetFailed) },
        Function { name: "capture", checks: UNIT, body: Body::Action(&capture::Capture) },
        Function { name: "check-active", checks: UNIT, body: Body::Action(&check_active::CheckActive) },
    ],
};
