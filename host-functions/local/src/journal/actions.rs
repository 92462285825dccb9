//! `ansai:journal/journal-actions`.

use ansai_core::scope::{Field, FieldKind};
use ansai_core::{Interface, InterfaceKind, Sensitivity};

use super::vacuum::Vacuum;
use ansai_kit::authorize::{Check, Rule};
use ansai_kit::registry::{Body, Function, InterfaceDef};

/// The interface `ansai:journal/journal-actions`.
pub static JOURNAL_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: "ansai:journal/journal-actions",
        version: "0.1.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to remove the oldest archived journal files",
        fields: &[Field {
            name: "min_keep_bytes",
            kind: FieldKind::LeastBytes,
            default: 16 << 20,
            about: "the journal is never made smaller than this on purpose",
        }],
    },
    doctor: &[],
    functions: &[Function {
        name: "vacuum",
        checks: &[Check { argument: "/keep-bytes", rule: Rule::AtLeast("min_keep_bytes") }],
        body: Body::Action(&Vacuum),
    }],
};
