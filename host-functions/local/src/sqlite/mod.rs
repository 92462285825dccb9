//! `ansai:sqlite`: SQLite database files.
//!
//! `header` reads the first 100 bytes, `place` finds the file and says as whom it may be opened, `holders` says who has it
//! open. Nothing here opens a database: [`child`] does, in a process of its own, as the owner of the file. `job` is what the
//! two say to each other, `run` starts it. Each action has a file.

mod actions;
pub mod child;
mod error;
pub mod fields;
mod header;
mod holders;
mod job;
mod kept;
mod look;
mod place;
mod run;
mod wire;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity, Subject};
use ansai_kit::authorize::Check;
use ansai_kit::function::Probe;
use ansai_kit::registry::{Body, Function, InterfaceDef};

pub use run::{CHILD, run_child_as};

const PATH: Check = Check::of("/path", &fields::ROOTS);
const INTO: &[Check] = &[PATH, Check::of("/into", &fields::ROOTS)];

/// The interface `ansai:sqlite/sqlite-probe`.
pub static SQLITE_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:sqlite/sqlite-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see sizes, free pages and damage of SQLite files, and who uses them",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[Function { name: "look", checks: &[PATH], body: Body::Scan(&Probe(look::look)) }],
};

/// The interface `ansai:sqlite/sqlite-actions`.
pub static SQLITE_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:sqlite/sqlite-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Metadata,
        ability: "propose to checkpoint, vacuum and copy SQLite files, and to recover rows into a copy",
        fields: fields::ACTIONS,
    },
    doctor: &[],
    functions: &[
        Function { name: "checkpoint", checks: &[PATH], body: Body::Action(&actions::Checkpoint) },
        Function { name: "vacuum", checks: &[PATH], body: Body::Action(&actions::Vacuum) },
        Function { name: "copy", checks: INTO, body: Body::Action(&actions::Copy) },
        Function { name: "recover-copy", checks: INTO, body: Body::Action(&actions::RecoverCopy) },
    ],
};

fn subject(path: &str) -> Subject {
    Subject::new("file", path)
}
