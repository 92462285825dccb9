//! How clients of HTTP connect: by [`ansai_kit::dial`], which knows whether this process may.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ansai_kit::dial;
use ansai_kit::lookup::{LookupError, look_up};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectionDetails, Connector, LazyBuffers, NextTimeout, RustlsConnector, Transport,
};
use ureq::{Agent, Error};

/// What all clients of HTTP connect with, also with TLS. Never through a proxy.
pub type HttpConnector = ChainedConnector<(), Dialled, RustlsConnector>;

/// The connector of a client.
pub fn connector() -> HttpConnector {
    Connector::<()>::chain(Dialled, RustlsConnector::default())
}

/// A client with this configuration, whose names and connections come from where this process gets them.
pub fn agent(config: Config) -> Agent {
    Agent::with_parts(config, connector(), Names)
}

/// The server of a URL, for a request that is answered in another process; `None` if it has none.
pub fn endpoint(url: &str) -> Option<dial::Endpoint> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    Some(dial::Endpoint::named(host, port_of(&uri)?))
}

fn port_of(uri: &Uri) -> Option<u16> {
    uri.port_u16().or(match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    })
}

/// Looks up the names of URLs by [`ansai_kit::lookup`].
#[derive(Debug)]
struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        let (Some(host), Some(port)) = (host, port_of(uri)) else { return Err(Error::HostNotFound) };
        let limit = timeout.not_zero().map_or(LONGEST, |left| *left);
        let found = look_up(host, port, limit).map_err(|error| match error {
            LookupError::TimedOut => Error::Timeout(timeout.reason),
            LookupError::NotResolved(_) => Error::HostNotFound,
            LookupError::AllHang => Error::ConnectionFailed,
        })?;
        let mut addresses = self.empty();
        found.into_iter().take(MOST_ADDRESSES).for_each(|address| addresses.push(address));
        match addresses.is_empty() {
            true => Err(Error::HostNotFound),
            false => Ok(addresses),
        }
    }
}

/// Connects as this process may.
#[derive(Debug)]
pub struct Dialled;

impl Connector<()> for Dialled {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connection>, Error> {
        let until = details.timeout.not_zero().map(|left| Instant::now() + *left);
        let mut last = Error::HostNotFound;
        for (place, address) in details.addrs.iter().enumerate() {
            // An address that does not answer leaves time for the others.
            let others = u32::try_from(details.addrs.len().saturating_sub(place)).unwrap_or(1).max(1);
            let limit = until.map_or(LONGEST, |until| until.saturating_duration_since(Instant::now()) / others);
            // The kernel takes no limit of zero.
            let connected =
                if limit.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { dial::connect(address, limit) };
            match connected {
                Ok(stream) => {
                    // Only slower without it.
                    let _ = stream.set_nodelay(true);
                    let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
                    return Ok(Some(Connection { stream, buffers: LazyBuffers::new(input, output) }));
                }
                // Nothing was sent: no call may reach it, or a rule of the kernel forbids it.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => last = Error::ConnectionFailed,
                Err(error) => last = Error::Io(io::Error::new(error.kind(), NotConnected(error.kind()))),
            }
        }
        Err(last)
    }
}

/// A connection was not made, so nothing was sent. The same kind of error can also come from one that was.
#[derive(Debug)]
pub(crate) struct NotConnected(io::ErrorKind);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NotConnected {}

/// For a client without a limit of its own.
const LONGEST: Duration = Duration::from_secs(60);
/// What the client has room for.
const MOST_ADDRESSES: usize = 16;

/// A socket that the dialler connected.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        self.stream.set_write_timeout(left(timeout)?)?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output).map_err(|error| of(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        self.stream.set_read_timeout(left(timeout)?)?;
        let read = loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                // This process handles no signals, so that it does not happen again and again.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let amount = read.map_err(|error| of(error, timeout))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Connections are not kept.
    fn is_open(&mut self) -> bool {
        false
    }
}

/// How long one read or write may take.
fn left(timeout: NextTimeout) -> Result<Option<Duration>, Error> {
    if timeout.after.is_zero() {
        return Err(Error::Timeout(timeout.reason));
    }
    Ok(timeout.not_zero().map(|left| *left))
}

fn of(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_a_reserved_address_that_the_operator_wrote_is_permitted() {
        let [own, other] = ["169.254.1.1", "169.254.169.254"].map(|address| address.parse().unwrap());
        for (url, permits_own) in [("https://169.254.1.1/x", true), ("https://h.example/x", false)] {
            let server = endpoint(url).unwrap();
            assert_eq!((server.permits)(own), permits_own, "{url}");
            assert!(!(server.permits)(other) && (server.permits)([10, 0, 0, 1].into()), "{url}");
        }
    }
}
