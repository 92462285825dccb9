//! What the commands about registries have in common.

use std::path::PathBuf;

use ansai_core::Interface;
use ansai_daemon::pulled;
use ansai_registry::{Client, Connection, Credentials, Locked, Store};
use clap::Args;

use crate::global::Global;

/// How a registry is reached.
#[derive(Debug, Args)]
pub(crate) struct Reached {
    /// Certificates of the authorities of the registry, in PEM [default: those that this host trusts]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Use no TLS; only for a registry on this machine
    #[arg(long, conflicts_with = "ca")]
    plain_http: bool,
}

impl Reached {
    pub(crate) fn connection(&self) -> Connection {
        Connection { authorities: self.ca.clone(), plain: self.plain_http, ..Connection::default() }
    }

    /// A client with the login that is kept for this registry.
    pub(crate) fn client(&self, registry: &str, store: &Store) -> Result<Client, ansai_daemon::Error> {
        let login = Credentials::of(store)?.get(registry);
        Ok(Client::new(registry, &self.connection(), login)?)
    }
}

/// The store of this host; a missing one is created.
pub(crate) fn store(global: &Global, interfaces: &[Interface]) -> Result<Store, ansai_daemon::Error> {
    pulled::create(&global.state_dir(global.configuration_of_state(interfaces)?.as_ref())?)
}

/// The same, if there is one.
pub(crate) fn existing_store(global: &Global) -> Result<Option<Store>, ansai_daemon::Error> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    pulled::open(&global.state_dir(global.configuration_of_state(&interfaces)?.as_ref())?)
}

/// A policy as JSON.
pub(crate) fn document(locked: &Locked) -> serde_json::Value {
    serde_json::json!({
        "source": locked.source,
        "resolved": locked.resolved,
        "digest": locked.digest,
        "component": locked.component,
        "version": locked.version,
        "imports": locked.imports,
        "scopes": locked.scopes,
    })
}
