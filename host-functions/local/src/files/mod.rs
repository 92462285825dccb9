//! `ansai:files`: files below granted roots.
//!
//! Probes and actions use directory handles (`walk`), so that a path is resolved only once. `select` chooses what an
//! action may touch for the preview; the guard (`crate::safety`) checks each file again right before it is touched.
//! Each action has a file of its own.

mod compress;
mod deleted;
mod doctor;
mod expire;
mod file;
mod gzip;
mod listing;
mod metadata;
mod patterns;
mod place;
mod position;
mod probe;
mod quarantine;
mod reclaim;
mod remove;
mod report;
mod rotate;
mod select;
mod site;
mod targets;
mod walk;

use ansai_core::scope::{Field, FieldKind};
use ansai_core::{Interface, InterfaceKind, Sensitivity};

pub use expire::QUARANTINE_EXPIRY;

use ansai_kit::authorize::{Check, Rule};
use ansai_kit::function::Probe;
use ansai_kit::registry::{Body, Function, InterfaceDef};

const ROOTS: Field =
    Field { name: "roots", kind: FieldKind::Roots, default: 0, about: "directories, with all that is below them" };

const SELECTION: &[Check] =
    &[within("/what/root"), Check { argument: "/what/min-age-hours", rule: Rule::AtLeast("min_age_hours") }];

const fn within(argument: &'static str) -> Check {
    Check { argument, rule: Rule::Within("roots") }
}

/// The interface `ansai:files/files-probe`.
pub static FILES_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: "ansai:files/files-probe",
        version: "0.1.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see names, sizes and ages of files",
        fields: &[ROOTS],
    },
    doctor: &[],
    functions: &[
        Function {
            name: "largest-directories",
            checks: &[within("/root")],
            body: Body::Scan(&Probe(probe::largest_directories)),
        },
        Function { name: "list-files", checks: &[within("/what/root")], body: Body::Scan(&Probe(probe::list_files)) },
        Function {
            name: "measure-files",
            checks: &[within("/what/root")],
            body: Body::Scan(&Probe(probe::measure_files)),
        },
        Function { name: "list-deleted-open", checks: &[], body: Body::Probe(&Probe(deleted::list_deleted_open)) },
        Function { name: "list-held", checks: &[], body: Body::Probe(&Probe(reclaim::list_held)) },
    ],
};

/// The interface `ansai:files/files-actions`.
pub static FILES_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: "ansai:files/files-actions",
        version: "0.1.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to remove, compress and rotate files",
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
    doctor: &[doctor::open_files, doctor::openat2, doctor::leases],
    functions: &[
        Function { name: "remove", checks: SELECTION, body: Body::Action(&remove::Remove) },
        Function { name: "compress", checks: SELECTION, body: Body::Action(&compress::Compress) },
        Function { name: "rotate", checks: SELECTION, body: Body::Action(&rotate::Rotate) },
        Function { name: "reclaim-held", checks: &[], body: Body::Action(&reclaim::ReclaimHeld) },
    ],
};
