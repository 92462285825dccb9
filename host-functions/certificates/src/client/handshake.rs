//! The handshake, as far as the certificates.

use std::sync::{Arc, PoisonError};

use ansai_core::Refusal;
use ansai_core::text::inert;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};

use super::Presented;
use super::stream::{Stream, refusal};
use super::verifier::Accepting;

pub(super) fn handshake(stream: &mut Stream, name: ServerName<'static>) -> Result<Presented, Refusal> {
    let provider = Arc::new(default_provider());
    let (verifier, seen) = Accepting::new(provider.clone());
    let unavailable = |error: rustls::Error| Refusal::Unavailable(inert(&error.to_string(), 200));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unavailable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(unavailable)?;
    let mut failed = None;
    while connection.is_handshaking() {
        // It sends and receives; the stream watches the deadline.
        if let Err(error) = connection.complete_io(stream) {
            failed = Some(error);
            break;
        }
    }
    connection.send_close_notify();
    let _ = connection.write_tls(stream);
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    // A server that wants a certificate of the client, or says no afterwards, has presented its own before.
    match failed {
        Some(error) if seen.certificates.is_empty() => Err(why(&error)),
        _ if seen.certificates.is_empty() => Err(Refusal::Invalid("it presented no certificate".into())),
        _ => Ok(Presented {
            certificates: seen.certificates,
            has_key: seen.has_key,
            protocol: protocol(connection.protocol_version()),
        }),
    }
}

/// The error of TLS is in the error of the stream.
fn why(error: &std::io::Error) -> Refusal {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => {
            Refusal::Unavailable(format!("it refused the handshake: {alert:?}"))
        }
        Some(rustls::Error::PeerIncompatible(what)) => {
            Refusal::Unavailable(format!("no common version or cipher of TLS: {what:?}"))
        }
        Some(error) => Refusal::Invalid(format!("it does not answer as TLS: {}", inert(&error.to_string(), 100))),
        None => refusal(error),
    }
}

fn protocol(version: Option<ProtocolVersion>) -> &'static str {
    match version {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "",
    }
}
