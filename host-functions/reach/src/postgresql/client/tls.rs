//! TLS to a database server, with the certificates of the system or of the operator's file.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use ansai_core::Refusal;
use ansai_kit::authorities;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::tls::TlsConnect;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connect::Socket;
use super::guarded::{Allowance, Guarded};

const MOST_BYTES: u64 = 16 << 20;

/// Starts TLS on a socket, and verifies who answers.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    allowance: Allowance,
}

impl Tls {
    /// For the server of this name.
    ///
    /// # Errors
    /// There are no certificates to trust, or the name is not one that a certificate can have.
    pub(super) fn new(host: &str, own: Option<&Path>, allowance: Allowance) -> Result<Tls, Refusal> {
        let (connector, name) = connector(host, own)?;
        Ok(Tls { connector, name, allowance })
    }
}

/// What starts TLS with the server of this name, and the name as its certificate must have it.
///
/// # Errors
/// There are no certificates to trust, or the name is not one that a certificate can have.
pub(crate) fn connector(host: &str, own: Option<&Path>) -> Result<(TlsConnector, ServerName<'static>), Refusal> {
    let unusable = |why: String| Refusal::Unavailable(format!("TLS: {why}"));
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| unusable("no certificate can have the name of the host".into()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots(own).map_err(unusable)?)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// The trusted certificates. A policy does not learn the path.
fn roots(own: Option<&Path>) -> Result<RootCertStore, String> {
    let path = match own {
        Some(path) => path.to_owned(),
        None => authorities::file(PathBuf::from).ok_or("this host trusts no certificates")?,
    };
    let text = authorities::read(&path, MOST_BYTES)
        .map_err(|error| format!("the file of trusted certificates cannot be read: {}", error.kind()))?;
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(CertificateDer::pem_slice_iter(&text).flatten());
    if added == 0 { Err("the file of trusted certificates holds none".into()) } else { Ok(store) }
}

impl TlsConnect<Socket> for Tls {
    type Stream = Guarded<TlsStream<Socket>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let stream = self.connector.connect(self.name, socket).await?;
            Ok(Guarded::new(stream, self.allowance, true))
        })
    }
}
