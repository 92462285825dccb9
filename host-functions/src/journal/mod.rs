//! `ansai:journal`.

use ansai_core::{Interface, InterfaceKind, Sensitivity};

use crate::registry::Entry;

/// The interface.
pub static JOURNAL_PROBE: Entry = Entry {
    interface: Interface {
        name: "ansai:journal/journal-probe",
        version: "0.1.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        words: "",
        fields: &[],
    },
    functions: &[],
};

/// The interface.
pub static JOURNAL_ACTIONS: Entry = Entry {
    interface: Interface {
        name: "ansai:journal/journal-actions",
        version: "0.1.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        words: "",
        fields: &[],
    },
    functions: &[],
};
