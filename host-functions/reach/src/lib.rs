//! Domains that talk to servers.
//!
//! A domain belongs here when it speaks a network protocol: HTTP, TLS, SQL, DNS, a message broker, a registry. That
//! includes a server on the same machine, because the risk is the foreign protocol, not the distance. Its client
//! library is a dependency of this crate only, so that no other crate is compiled with it and these domains can
//! move into a process of their own, without root.
//!
//! Every interface here is `Sensitivity::Outgoing`: no policy has it without a grant. Its probes
//! are [`Body::Remote`](ansai_kit::registry::Body::Remote), so that a server that hangs keeps no local probe waiting.
//!
//! A domain does not belong here when it reads or changes the machine itself: files, `/proc`, D-Bus. Those are in
//! `ansai-local`.
//!
//! ```
//! use ansai_kit::registry::Registry;
//! let registry = Registry::of(ansai_reach::INTERFACES);
//! assert!(registry.find("ansai:http/http-probe", "look").is_some());
//! ```

mod addresses;
pub mod carried;
pub mod certificate;
pub mod database;
pub mod http;
mod kept;
pub mod mysql;
pub mod postgresql;
pub mod process;
mod runtime;

use ansai_kit::registry::InterfaceDef;

/// Every interface of these domains.
pub const INTERFACES: &[&InterfaceDef] = &[
    &certificate::SERVED_CERTIFICATE_PROBE,
    &certificate::RENEWAL_INFORMATION_PROBE,
    &database::DATABASE_PROBE,
    &database::DATABASE_SESSION_ACTIONS,
    &database::DATABASE_TEXT_PROBE,
    &http::HTTP_PROBE,
    &http::HTTP_ACTIONS,
    &mysql::MYSQL_PROBE,
    &mysql::MYSQL_ACTIONS,
    &postgresql::POSTGRESQL_PROBE,
    &postgresql::POSTGRESQL_ACTIONS,
];
