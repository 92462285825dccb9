//! `ansai:http`: requests to web servers that the operator named.
//!
//! `origin` reads the address of a target and `path` what a policy may ask for; `exchange` sends one request.

mod check;
mod exchange;
mod headers;
mod origin;
mod path;
mod probe;
mod search;
pub(crate) mod trust;
mod wire;

use ansai_core::scope::{Field, Targets, TypedField};
use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::dial::Endpoint;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::Batch;

/// The kind of targets.
pub(crate) const KIND: &str = "http";

/// The granted targets.
const TARGETS: TypedField<Targets> = TypedField::targets("targets", &[KIND], "web servers, by the names of targets");
const FIELDS: &[Field] = &[TARGETS.field()];

/// The server at the address of a target.
pub(crate) fn endpoint(address: &str) -> Option<Endpoint> {
    origin::read(address).ok().map(|origin| Endpoint::new(&origin.host, origin.port))
}

/// The interface `ansai:http/http-probe`.
pub static HTTP_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:http/http-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "see how web servers answer to GET and HEAD",
        fields: FIELDS,
    },
    doctor: &[],
    functions: &[Function {
        name: "look",
        checks: &[Check::of("/requests/*/target", &TARGETS)],
        body: Body::Remote(&Batch {
            parts: probe::parts,
            server: probe::server,
            call: probe::look,
            refused: probe::refused,
        }),
    }],
};

/// The interface `ansai:http/http-actions`.
pub static HTTP_ACTIONS: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:http/http-actions"),
        version: "0.2.0",
        kind: InterfaceKind::Actions,
        sensitivity: Sensitivity::Outgoing,
        ability: "propose checks that a web server answers",
        fields: FIELDS,
    },
    doctor: &[],
    functions: &[Function {
        name: "check",
        checks: &[Check::of("/request/target", &TARGETS)],
        body: Body::Action(&check::Check),
    }],
};
