//! `ansai:postgresql`: tables of PostgreSQL, and the client that `ansai:database` uses too.

pub(crate) mod client;
mod fields;
mod long;
mod maintain;
pub(crate) mod relation;
mod tables;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::Remote;

pub(crate) use client::KIND;
pub(crate) use client::address::FORM;
pub use fields::{DATABASES, MAX_BYTES, MAX_MINUTES};
pub(crate) use long::has_statements;

use self::fields::TARGETS;
use self::maintain::{DropLeftover, Maintain, Reindex, Vacuum};
use crate::database::List;

const LONG: &[Check] = &[Check::of("/target", &TARGETS), Check::of("/within", &MAX_MINUTES)];

/// The interface `ansai:postgresql/postgresql-probe`.
pub static POSTGRESQL_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:postgresql/postgresql-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "see the tables of PostgreSQL databases",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[Function {
        name: "list-tables",
        checks: &[Check::of("/target", &TARGETS)],
        body: Body::Remote(&Remote { server: List::server, call: tables::list_tables }),
    }],
};

/// The interface `ansai:postgresql/postgresql-actions`.
pub static POSTGRESQL_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:postgresql/postgresql-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose to vacuum tables and to rebuild indexes of PostgreSQL databases",
        fields: fields::ACTIONS,
    },
    doctor: &[],
    functions: &[
        Function { name: "vacuum", checks: LONG, body: Body::Action(&Maintain(Vacuum)) },
        Function { name: "reindex", checks: LONG, body: Body::Action(&Maintain(Reindex)) },
        Function {
            name: "drop-leftover",
            checks: &[Check::of("/target", &TARGETS)],
            body: Body::Action(&Maintain(DropLeftover)),
        },
    ],
};
