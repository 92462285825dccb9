//! `ansai:database`: servers, sessions, replicas and indexes of every engine.

pub(crate) mod engine;
mod fields;
pub(crate) mod indexes;
pub(crate) mod look;
pub(crate) mod masked;
pub(crate) mod names;
pub(crate) mod page;
mod postgresql;
pub(crate) mod replicas;
pub(crate) mod seen;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod signal;
pub(crate) mod statement;
mod statements;
pub(crate) mod text;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::{Remote, Server};
use serde::{Deserialize, Serialize};

use self::fields::TARGETS;
pub use fields::{APPLICATIONS, MIN_MINUTES, USERS};
pub use text::DATABASE_TEXT_PROBE;

const TARGET: &[Check] = &[Check::of("/target", &TARGETS)];

/// The interface `ansai:database/database-probe`.
pub static DATABASE_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:database/database-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "see connections, sessions, replicas and indexes of databases",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[
        Function {
            name: "look",
            checks: TARGET,
            body: Body::Remote(&Remote { server: |one: &One| Server::Target(one.target.clone()), call: engine::look }),
        },
        Function {
            name: "list-sessions",
            checks: TARGET,
            body: Body::Remote(&Remote { server: List::server, call: engine::list_sessions }),
        },
        Function {
            name: "list-replicas",
            checks: TARGET,
            body: Body::Remote(&Remote { server: List::server, call: engine::list_replicas }),
        },
        Function {
            name: "list-indexes",
            checks: TARGET,
            body: Body::Remote(&Remote { server: List::server, call: engine::list_indexes }),
        },
    ],
};

/// The interface `ansai:database/database-session-actions`.
pub static DATABASE_SESSION_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:database/database-session-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose to cancel statements and to end sessions of databases",
        fields: fields::SESSIONS,
    },
    doctor: &[],
    functions: &[
        Function { name: "cancel", checks: TARGET, body: Body::Action(&signal::Signal::Cancel) },
        Function { name: "terminate", checks: TARGET, body: Body::Action(&signal::Signal::Terminate) },
    ],
};

/// Arguments of a function about one server.
#[derive(Serialize, Deserialize)]
pub(crate) struct One {
    pub(crate) target: String,
}

/// Arguments of a list.
#[derive(Serialize, Deserialize)]
pub(crate) struct List {
    pub(crate) target: String,
    pub(crate) cursor: Option<String>,
}

impl List {
    pub(crate) fn server(&self) -> Server {
        Server::Target(self.target.clone())
    }
}
