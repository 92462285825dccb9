//! `ansai:packages`.

use ansai_core::{Interface, InterfaceKind, Sensitivity};

use crate::registry::Entry;

/// The interface.
pub static PACKAGES_PROBE: Entry = Entry {
    interface: Interface {
        name: "ansai:packages/packages-probe",
        version: "0.1.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        words: "",
        fields: &[],
    },
    functions: &[],
};

/// The interface.
pub static PACKAGES_ACTIONS: Entry = Entry {
    interface: Interface {
        name: "ansai:packages/packages-actions",
        version: "0.1.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        words: "",
        fields: &[],
    },
    functions: &[],
};
