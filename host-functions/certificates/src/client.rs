//! What a server presents: connects, says what its protocol needs before TLS, and reads the certificates. Accepts every
//! certificate, sends nothing after the handshake, and believes nothing that the server says.

mod connect;
mod handshake;
mod opening;
mod stream;
mod verifier;

use std::time::{Duration, Instant};

use ansai_core::Refusal;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};

pub use connect::{addresses, host_of, is_special, permit, reached};

use stream::Stream;

/// What is said before TLS begins, as in the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub enum Opening {
    Tls,
    Smtp,
    Imap,
    Pop3,
    Ldap,
    Postgresql,
    Mysql,
}

/// A server, as in the WIT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Endpoint {
    pub address: String,
    pub server_name: String,
    pub opening: Opening,
}

impl Endpoint {
    /// The name that is asked for.
    ///
    /// # Errors
    /// `invalid` if it is no name of a host and no address.
    pub fn name(&self) -> Result<ServerName<'static>, Refusal> {
        let name = if self.server_name.is_empty() { host_of(&self.address)? } else { self.server_name.as_str() };
        let shown = ansai_core::text::inert(name, 100);
        ServerName::try_from(name.to_owned()).map_err(|_| Refusal::Invalid(format!("`{shown}` is no name of a host")))
    }
}

/// What a server presented.
#[derive(Debug)]
pub struct Presented {
    /// At least one, as the server sent them.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Whether the server has shown that it has the key; `None` if it came to no signature.
    pub has_key: Option<bool>,
    /// `TLS 1.3`; empty if it is unknown.
    pub protocol: &'static str,
}

/// Asks a server for its certificates within this time. `permit` decides about each address of the server that is
/// [special](is_special).
///
/// # Errors
/// `timed-out`, `unavailable` without connection or TLS, `invalid` for an answer that is none of the protocol, and what
/// `permit` answers.
pub fn look(
    endpoint: &Endpoint,
    within: Duration,
    permit: &dyn Fn(std::net::SocketAddr) -> Result<(), Refusal>,
) -> Result<Presented, Refusal> {
    let until = Instant::now() + within;
    let name = endpoint.name()?;
    let mut stream = Stream::new(connect::connect(&endpoint.address, until, permit)?, until);
    opening::open(endpoint.opening, &mut stream)?;
    handshake::handshake(&mut stream, name)
}
