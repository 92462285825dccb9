//! `ansai:mysql`: tables of MySQL and MariaDB, and these engines behind `ansai:database`.

mod client;
mod control;
mod engine;
mod fields;
mod long;
mod look;
mod optimize;
mod replicas;
mod session;
mod sessions;
mod space;
mod statements;
mod table;
mod tables;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::Remote;

pub(crate) use client::{FORM, KIND};
pub(crate) use engine::Mysql;
pub use fields::{DATABASES, MAX_BYTES, MAX_MINUTES};
pub(crate) use long::has_statements;
pub(crate) use session::Identity;
pub(crate) use space::known as known_space;

use self::fields::TARGETS;
use self::optimize::Optimize;
use crate::database::List;

/// The interface `ansai:mysql/mysql-probe`.
pub static MYSQL_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:mysql/mysql-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "see the tables of MySQL and MariaDB databases",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[Function {
        name: "list-tables",
        checks: &[Check::of("/target", &TARGETS)],
        body: Body::Remote(&Remote { server: List::server, call: tables::list_tables }),
    }],
};

/// The interface `ansai:mysql/mysql-actions`.
pub static MYSQL_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:mysql/mysql-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose to rebuild tables of MySQL and MariaDB databases",
        fields: fields::ACTIONS,
    },
    doctor: &[],
    functions: &[Function {
        name: "optimize",
        checks: &[Check::of("/target", &TARGETS), Check::of("/within", &MAX_MINUTES)],
        body: Body::Action(&Optimize),
    }],
};
