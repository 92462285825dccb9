//! `ansai:files`: files below granted roots.
//!
//! Probes and actions use directory handles (`walk`), so that a path is resolved only once. `select` chooses what an
//! action may touch for the preview; the guard (`crate::safety`) checks each file again right before it is touched.
//! Each action has a file of its own.

mod compress;
mod deleted;
mod doctor;
mod expire;
pub mod fields;
mod file;
mod gzip;
mod listing;
mod live_log;
mod locate;
mod metadata;
mod patterns;
mod place;
mod position;
mod probe;
mod quarantine;
mod quarantined;
mod reclaim;
mod remove;
mod report;
mod rotate;
mod select;
mod site;
mod targets;
mod view;
mod walk;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};

use self::probe::Query;
pub use expire::{QUARANTINE_EXPIRY, QUARANTINE_ORIGIN};
pub use place::behind_link;
pub use quarantined::quarantined;

use ansai_kit::authorize::Check;
use ansai_kit::function::{Costly, Probe};
use ansai_kit::registry::{Body, Function, InterfaceDef};

const SELECTION: &[Check] = &[within("/what/root"), Check::of("/what/min-age-hours", &fields::MIN_AGE_HOURS)];

const fn within(argument: &'static str) -> Check {
    Check::of(argument, &fields::ROOTS)
}

/// The interface `ansai:files/files-probe`.
pub static FILES_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:files/files-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see names, sizes and ages of files",
        fields: &[fields::ROOTS.field()],
    },
    doctor: &[],
    functions: &[
        Function {
            name: "largest-directories",
            checks: &[within("/root")],
            body: Body::Scan(&Probe(probe::largest_directories)),
        },
        Function {
            name: "list-files",
            checks: &[within("/what/root")],
            body: Body::Scan(&Costly { probe: probe::list_files, cost: Query::cost }),
        },
        Function {
            name: "measure-files",
            checks: &[within("/what/root")],
            body: Body::Scan(&Costly { probe: probe::measure_files, cost: Query::cost }),
        },
        Function { name: "locate", checks: &[within("/root")], body: Body::Probe(&Probe(locate::locate)) },
        Function { name: "list-deleted-open", checks: &[], body: Body::Probe(&Probe(deleted::list_deleted_open)) },
        Function { name: "list-held", checks: &[], body: Body::Probe(&Probe(reclaim::list_held)) },
    ],
};

const ACTIONS: InterfaceName = InterfaceName::from_static("ansai:files/files-actions");

/// The interface `ansai:files/files-actions`.
pub static FILES_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: ACTIONS,
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to remove, compress and rotate files",
        fields: fields::ACTIONS,
    },
    doctor: &[doctor::open_files, doctor::openat2, doctor::leases],
    functions: &[
        Function { name: "remove", checks: SELECTION, body: Body::Action(&remove::Remove) },
        Function { name: "compress", checks: SELECTION, body: Body::Action(&compress::Compress) },
        Function { name: "rotate", checks: SELECTION, body: Body::Action(&rotate::Rotate) },
    ],
};

/// The interface `ansai:files/quarantine-actions`.
pub static QUARANTINE_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:files/quarantine-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to delete removed files before their quarantine expires",
        fields: fields::QUARANTINE,
    },
    doctor: &[],
    functions: &[Function { name: "reclaim", checks: &[], body: Body::Action(&reclaim::Reclaim) }],
};
