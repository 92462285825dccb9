//! `ansai:journal/journal-vacuum-actions`.

use ansai_core::scope::{Bytes, TypedField};
use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};

use super::vacuum::Vacuum;
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The smallest journal that is left.
pub const MIN_KEEP_BYTES: TypedField<Bytes> =
    TypedField::at_least("min_keep_bytes", 16 << 20, "the journal is never made smaller than this on purpose");

/// The interface `ansai:journal/journal-vacuum-actions`.
pub static JOURNAL_VACUUM_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:journal/journal-vacuum-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to remove the oldest archived journal files",
        fields: &[MIN_KEEP_BYTES.field()],
    },
    doctor: &[],
    functions: &[Function {
        name: "vacuum",
        checks: &[Check::of("/keep-bytes", &MIN_KEEP_BYTES)],
        body: Body::Action(&Vacuum),
    }],
};
