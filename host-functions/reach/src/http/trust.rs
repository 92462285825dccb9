//! The certificates that the host trusts.
#![expect(clippy::disallowed_methods, reason = "the adapter to the certificates of the system")]

use std::io::Read as _;
use std::sync::Arc;

use ansai_core::Refusal;
use ansai_kit::authorities;
use ansai_kit::host::Host;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

const MOST_BYTES: u64 = 4 << 20;

/// TLS with the certificates of the host, as they are now.
///
/// # Errors
/// The host has none, or they cannot be read.
pub(super) fn config(host: &Host) -> Result<TlsConfig, Refusal> {
    let file = authorities::file(|path| host.path(path)).ok_or_else(|| {
        Refusal::Unsupported("this host has no certificates of authorities: install the package ca-certificates".into())
    })?;
    let mut text = Vec::new();
    let opened = std::fs::File::open(&file).and_then(|opened| opened.take(MOST_BYTES).read_to_end(&mut text));
    opened.map_err(|error| Refusal::io(file.display(), &error))?;
    let certificates = parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<Certificate<'static>> = certificates.collect();
    if certificates.is_empty() {
        return Err(Refusal::Unavailable(format!("{} has no certificate", file.display())));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCerts::new_with_certs(&certificates);
    Ok(TlsConfig::builder().unversioned_rustls_crypto_provider(provider).root_certs(roots).build())
}
