//! `ansai:service/service-memory-actions`.
//!
//! `limits` has what systemd says and sets, `rules` says what a step may do, `put_back` has the command that restores a
//! limit although ansai is dead.

mod limits;
mod put_back;
mod reclaim;
mod rules;
mod set_high;
mod target;

use ansai_core::scope::{Bytes, TypedField};
use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};

use super::fields::UNITS;

/// What a service keeps at least.
pub const MIN_BYTES: TypedField<Bytes> =
    TypedField::at_least("min_bytes", 64 << 20, "memory that a service may always use");

/// The interface `ansai:service/service-memory-actions`.
pub static SERVICE_MEMORY_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:service/service-memory-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to limit the memory of services for a time, and to take back what they do not use",
        fields: &[UNITS.field(), MIN_BYTES.field()],
    },
    doctor: &[],
    functions: &[
        Function {
            name: "set-high",
            checks: &[Check::of("/unit", &UNITS), Check::of("/bytes", &MIN_BYTES)],
            body: Body::Action(&set_high::SetHigh),
        },
        Function { name: "reclaim", checks: &[Check::of("/unit", &UNITS)], body: Body::Action(&reclaim::Reclaim) },
    ],
};
