//! `ansai:container`: containers, images and volumes of Docker and Podman.
//!
//! `api` speaks HTTP over the socket of the engine and reads what it answers; `probe` shows it. `actions` treats one
//! container, `cleanup` removes what no container uses. No guest ever has the socket: whoever has it is root.
//!
//! It is here and not in `ansai-reach`, because the socket belongs to root and the engine changes this machine.

mod actions;
mod api;
mod cleanup;
pub mod fields;
mod identity;
mod listing;
mod probe;
mod wire;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity, Subject};
use ansai_kit::authorize::Check;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::{Remote, Server};

pub use actions::CONTAINER_ACTIONS;
pub use cleanup::CONTAINER_CLEANUP_ACTIONS;

/// The kind of these targets. Their address is `unix:/PATH` of the socket.
pub const KIND: &str = "container";

const TARGET: &[Check] = &[Check::of("/target", &fields::TARGETS)];

/// The interface `ansai:container/container-probe`.
pub static CONTAINER_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:container/container-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        // The engine is a server, and labels are content.
        sensitivity: Sensitivity::Outgoing,
        ability: "see containers, images and volumes",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[
        Function {
            name: "look",
            checks: TARGET,
            body: Body::Remote(&Remote { server: |one: &probe::One| target(&one.target), call: probe::look }),
        },
        Function {
            name: "list-containers",
            checks: TARGET,
            body: Body::Remote(&Remote { server: |list: &probe::List| target(&list.target), call: probe::containers }),
        },
        Function {
            name: "list-images",
            checks: TARGET,
            body: Body::Remote(&Remote { server: |list: &probe::List| target(&list.target), call: listing::images }),
        },
        Function {
            name: "list-volumes",
            checks: TARGET,
            body: Body::Remote(&Remote { server: |list: &probe::List| target(&list.target), call: listing::volumes }),
        },
    ],
};

fn target(name: &str) -> Server {
    Server::Target(name.to_owned())
}

/// Something of an engine. A name has no slash.
fn subject(kind: &str, target: &str, name: &str) -> Subject {
    Subject::new(kind, format!("{target}/{name}"))
}
