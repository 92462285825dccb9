//! `ansai:system`.

use ansai_core::{Interface, InterfaceKind, Sensitivity};

use crate::registry::Entry;

/// The interface.
pub static SYSTEM_PROBE: Entry = Entry {
    interface: Interface {
        name: "ansai:system/system-probe",
        version: "0.1.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        words: "",
        fields: &[],
    },
    functions: &[],
};
