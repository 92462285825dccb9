//! How clients of HTTP connect: by themselves, or with sockets of [`ansai_kit::dial`] where this process may not.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ansai_kit::dial;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ChainedConnector, ConnectionDetails, Connector, LazyBuffers, NextTimeout, RustlsConnector, TcpConnector,
    Transport,
};

/// What all clients of HTTP connect with, also with TLS. Never through a proxy.
pub type HttpConnector = ChainedConnector<(), ChainedConnector<(), Dialled, TcpConnector>, RustlsConnector>;

/// The connector of a client.
pub fn connector() -> HttpConnector {
    Connector::<()>::chain(Dialled, TcpConnector::default()).chain(RustlsConnector::default())
}

/// Connects through the dialler of this process. Without one, it leaves that to the next connector.
#[derive(Debug)]
pub struct Dialled;

impl Connector<()> for Dialled {
    type Out = Connection;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Connection>, Error> {
        if dial::dialler().is_none() {
            return Ok(None);
        }
        let until = details.timeout.not_zero().map(|left| Instant::now() + *left);
        let mut last = Error::HostNotFound;
        for (place, address) in details.addrs.iter().enumerate() {
            // An address that does not answer leaves time for the others.
            let others = u32::try_from(details.addrs.len().saturating_sub(place)).unwrap_or(1).max(1);
            let limit = until.map_or(LONGEST, |until| until.saturating_duration_since(Instant::now()) / others);
            match dial::connect(address, limit) {
                Ok(stream) => {
                    let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
                    return Ok(Some(Connection { stream, buffers: LazyBuffers::new(input, output) }));
                }
                Err(error) => last = of(error, details.timeout),
            }
        }
        Err(last)
    }
}

/// For a client without a limit of its own.
const LONGEST: Duration = Duration::from_secs(60);

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
