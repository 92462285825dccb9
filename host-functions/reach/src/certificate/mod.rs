//! `ansai:certificate/served-certificate-probe`, the certificates that servers present, and `renewal-information-probe`, when
//! authorities want certificates to be renewed.

mod look;
mod renewal;

use ansai_certificates::client;
use ansai_core::scope::{Endpoints, TypedField};
use ansai_core::{Interface, InterfaceKind, InterfaceName, Scope, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::dial;
use ansai_kit::registry::{Body, Function, InterfaceDef};
use ansai_kit::remote::Batch;

/// The servers that may be looked at.
pub const ENDPOINTS: TypedField<Endpoints> = TypedField::set("endpoints", "servers that it may connect to");

/// The interface `ansai:certificate/served-certificate-probe`.
pub static SERVED_CERTIFICATE_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:certificate/served-certificate-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "connect to servers and see the certificates that they present",
        fields: &[ENDPOINTS.field()],
    },
    doctor: &[],
    functions: &[Function {
        name: "look",
        checks: &[Check::of("/endpoints/*/address", &ENDPOINTS)],
        body: Body::Remote(&Batch {
            parts: look::parts,
            server: look::server,
            call: look::look,
            refused: look::refused,
        }),
    }],
};

/// The interface `ansai:certificate/renewal-information-probe`.
pub static RENEWAL_INFORMATION_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:certificate/renewal-information-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Outgoing,
        ability: "ask authorities when they want certificates to be renewed",
        fields: &[ENDPOINTS.field()],
    },
    doctor: &[],
    functions: &[Function {
        name: "ask",
        checks: &[Check::of("/inquiries/*/address", &ENDPOINTS)],
        body: Body::Remote(&Batch {
            parts: renewal::parts,
            server: renewal::server,
            call: renewal::ask,
            refused: renewal::refused,
        }),
    }],
};

/// The server at an address that a policy names.
pub(crate) fn endpoint(address: &str, scope: &Scope) -> Option<dial::Endpoint> {
    let named =
        client::Endpoint { address: address.to_owned(), server_name: String::new(), opening: client::Opening::Tls };
    client::reached(scope, &ENDPOINTS, &named)
}
