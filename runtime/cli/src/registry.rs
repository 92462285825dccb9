//! What the commands about registries have in common.

use std::path::{Path, PathBuf};

use ansai_config::REGISTRY;
use ansai_core::{Interface, codes};
use ansai_daemon::Component;
use ansai_daemon::pulled::{self, Acceptance};
use ansai_registry::{Client, Connection, Credentials, Fetched, Locked, PublicKey, RegistryError, Store};
use ansai_storage::Location;
use clap::Args;
use zeroize::Zeroizing;

use crate::exit::Fault;
use crate::global::Global;

/// The most bytes of a file with a key.
const MOST_KEY_BYTES: u64 = 64 << 10;

/// How a registry is reached.
#[derive(Debug, Args)]
pub(crate) struct Reached {
    /// CA certificates for the registry, in PEM [default: those of this host]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Use HTTP without TLS; only for a registry on this machine
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

/// A policy whose content was verified and checked. It has no name in the store.
pub(crate) struct Checked {
    pub(crate) client: Client,
    pub(crate) fetched: Fetched,
    pub(crate) locked: Locked,
    pub(crate) component: Component,
    /// By the configuration.
    pub(crate) acceptance: Acceptance,
}

/// Fetches a policy and checks its component.
pub(crate) fn checked(text: &str, reached: &Reached, global: &Global) -> Result<Checked, ansai_daemon::Error> {
    let interfaces = ansai_host_functions::builtin().interfaces();
    let text = text.strip_prefix(REGISTRY).unwrap_or(text);
    let configuration = global.configuration_of_state(&interfaces)?;
    let store = store(global, &interfaces)?;
    let acceptance = Acceptance::of(configuration.as_ref(), &store);
    let (reference, client) =
        pulled::resolve(acceptance.registries(), text, |registry| reached.client(registry, &store))?;
    sweep(&store, global);
    let fetched = client.fetch(&reference, &store)?;
    let (locked, component) = pulled::checked(&store, text, &fetched, &interfaces)?;
    Ok(Checked { client, fetched, locked, component, acceptance })
}

/// Removes what earlier commands fetched and refused. That is no reason not to fetch.
pub(crate) fn sweep(store: &Store, global: &Global) {
    if let Err(error) = pulled::sweep(store, global.config_path().as_deref()) {
        tracing::warn!("the store is not cleaned up: {error}");
    }
}

/// The text of a file with a key. One that is secret must be readable by its owner only.
pub(crate) fn key_text(path: &Path, is_secret: bool) -> anyhow::Result<Zeroizing<String>> {
    let missing = || Fault::usage(codes::FILE_ACCESS, format!("{}: no such file", path.display()));
    let read = Location::from(path).read(MOST_KEY_BYTES);
    let content = read.map_err(RegistryError::from).map_err(ansai_daemon::Error::from)?.ok_or_else(missing)?;
    let bytes = Zeroizing::new(content.bytes);
    if is_secret && content.owned.mode & 0o077 != 0 {
        let fault = Fault::refused(codes::SECRET_EXPOSED, format!("{} is readable by other users", path.display()));
        return Err(fault.hint(format!("run `chmod 600 {}`", path.display())).into());
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Fault::usage(codes::BAD_KEY, format!("{} is not a key in PEM", path.display())))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A key that verifies.
pub(crate) fn public_key(path: &Path) -> anyhow::Result<PublicKey> {
    let text = key_text(path, false)?;
    let no_key = || {
        let message = format!("{} is not a public key of ECDSA P-256 or Ed25519", path.display());
        Fault::usage(codes::BAD_KEY, message).hint("`openssl pkey -in KEY -pubout` prints the one of a private key")
    };
    Ok(PublicKey::of_pem(&text).ok_or_else(no_key)?)
}

/// Keys that verify.
pub(crate) fn public_keys(paths: &[PathBuf]) -> anyhow::Result<Vec<PublicKey>> {
    paths.iter().map(|path| public_key(path)).collect()
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
        "signers": locked.signers,
    })
}
