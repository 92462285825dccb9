//! `ansai:certificate`: certificates in files, and their renewal by certbot.
//!
//! `site` knows the directories of certbot, `renewal` its file for one lineage. `staging` renews into a place of its own,
//! `staged` says whether what is there may be installed, `swap` puts it in place and back. Each action has a file.
//! What servers present is in `ansai-reach`; how certificates are read and judged is in `ansai-certificates`.

mod actions;
pub mod fields;
mod lineages;
mod look_file;
mod renewal;
mod server;
mod site;
mod staged;
mod staging;
mod swap;
#[cfg(test)]
mod tests;

use ansai_core::{Interface, InterfaceKind, InterfaceName, Sensitivity};
use ansai_kit::authorize::Check;
use ansai_kit::function::Probe;
use ansai_kit::registry::{Body, Function, InterfaceDef};

pub use actions::{CERTIFICATE_ACTIONS, HANDLER};

/// The interface `ansai:certificate/certificate-probe`.
pub static CERTIFICATE_PROBE: InterfaceDef = InterfaceDef {
    interface: Interface {
        name: InterfaceName::from_static("ansai:certificate/certificate-probe"),
        version: "0.2.0",
        kind: InterfaceKind::Probe,
        sensitivity: Sensitivity::Metadata,
        ability: "see certificates in files, and whether a key belongs to one",
        fields: fields::PROBE,
    },
    doctor: &[],
    functions: &[
        Function {
            name: "look-file",
            checks: &[Check::of("/path", &fields::ROOTS)],
            body: Body::Probe(&Probe(look_file::look_file)),
        },
        Function { name: "list-lineages", checks: &[], body: Body::Probe(&Probe(lineages::list_lineages)) },
    ],
};
