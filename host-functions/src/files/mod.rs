//! `ansai:files`: files below granted roots.

use ansai_core::scope::{Field, FieldKind};
use ansai_core::{Interface, InterfaceKind, Sensitivity};

use crate::registry::Entry;

const ROOTS: Field =
    Field { name: "roots", kind: FieldKind::Roots, default: 0, about: "directories, with all that is below them" };

/// The interface.
pub static FILES_PROBE: Entry = Entry {
    interface: Interface {
        name: "ansai:files/files-probe",
        version: "0.1.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        words: "see names, sizes and ages of files",
        fields: &[ROOTS],
    },
    functions: &[],
};

/// The interface.
pub static FILES_ACTIONS: Entry = Entry {
    interface: Interface {
        name: "ansai:files/files-actions",
        version: "0.1.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        words: "propose to remove, compress and rotate files",
        fields: &[
            ROOTS,
            Field {
                name: "min_age_hours",
                kind: FieldKind::LeastHours,
                default: 24,
                about: "younger files are never touched (by mtime, atime and ctime)",
            },
            Field { name: "max_files", kind: FieldKind::MostCount, default: 10_000, about: "files in one step" },
            Field { name: "max_bytes", kind: FieldKind::MostBytes, default: 10 << 30, about: "bytes in one step" },
            Field {
                name: "undo_hours",
                kind: FieldKind::OperatorHours,
                default: 24,
                about: "how long removed files wait in quarantine where the level allows; 0 for never",
            },
            Field {
                name: "hold_below_percent",
                kind: FieldKind::OperatorPercent,
                default: 90,
                about: "removed files are unlinked at once where the file system would stay fuller than this",
            },
        ],
    },
    functions: &[],
};
