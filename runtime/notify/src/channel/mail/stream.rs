//! A connection to a mail server with one time limit for everything, and a limit for what the server may say.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_kit::dial;
use ansai_kit::lookup::{LookupError, look_up};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::channel::{Deadline, Fault};

/// How often a waiting connection looks whether ansai is stopping.
const POLL: Duration = Duration::from_millis(200);
/// Most bytes that a server may send in one conversation.
const MOST_BYTES: usize = 1 << 20;

/// A TCP connection that ends at an instant.
pub(super) struct Limited<'a> {
    stream: TcpStream,
    until: Instant,
    is_stopping: &'a dyn Fn() -> bool,
    /// Bytes that may still be read.
    room: usize,
}

/// With or without TLS.
pub(super) enum Stream<'a> {
    Plain(Limited<'a>),
    Tls(Box<StreamOwned<ClientConnection, Limited<'a>>>),
}

impl<'a> Limited<'a> {
    /// Connects to the first address that answers.
    pub(super) fn connect(
        host: &str,
        port: u16,
        loopback_only: bool,
        deadline: Deadline<'a>,
    ) -> Result<Limited<'a>, Fault> {
        let until = Instant::now() + deadline.within;
        let mut last = None;
        for address in addresses(host, port, deadline.within)? {
            if loopback_only && !address.ip().is_loopback() {
                return Err(Fault::never(format!(
                    "{host} is not this host, and `tls = \"none\"` sends only to this host"
                )));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || (deadline.is_stopping)() {
                break;
            }
            match dial::connect(&address, left) {
                Ok(stream) => {
                    // The final dot is a small write after a large one: the kernel would keep it back for 40 ms. A mail is sent
                    // also where that cannot be set.
                    let _ = stream.set_nodelay(true);
                    return Ok(Limited { stream, until, is_stopping: deadline.is_stopping, room: MOST_BYTES });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(Fault::later(match last {
            Some(error) => format!("cannot connect to {host}:{port}: {error}"),
            None => format!("cannot connect to {host}:{port} in time"),
        }))
    }

    /// Waits for one read or write, in short parts.
    fn wait(&mut self, mut one: impl FnMut(&mut TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the time limit is over"));
            }
            if (self.is_stopping)() {
                return Err(io::Error::other("ended because ansai is stopping"));
            }
            let part = Some(left.min(POLL).max(Duration::from_millis(1)));
            self.stream.set_read_timeout(part)?;
            self.stream.set_write_timeout(part)?;
            match one(&mut self.stream) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                    ) => {}
                answer => return answer,
            }
        }
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::Error::other("the server sends too much"));
        }
        let most = buffer.len().min(self.room);
        let part = buffer.get_mut(..most).unwrap_or_default();
        let count = self.wait(|stream| stream.read(part))?;
        self.room -= count.min(self.room);
        Ok(count)
    }
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl<'a> Stream<'a> {
    /// Begins TLS. The handshake is complete afterwards, so what follows cannot fail because of a certificate.
    pub(super) fn encrypt(limited: Limited<'a>, host: &str, config: Arc<ClientConfig>) -> Result<Stream<'a>, Fault> {
        let failed = |why: String| Fault::later(format!("TLS with {host}: {why}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(error.to_string()))?;
        let connection = ClientConnection::new(config, name).map_err(|error| failed(error.to_string()))?;
        let mut stream = StreamOwned::new(connection, limited);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| failed(error.to_string()))?;
        }
        Ok(Stream::Tls(Box::new(stream)))
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

/// The addresses of a host.
fn addresses(host: &str, port: u16, within: Duration) -> Result<Vec<SocketAddr>, Fault> {
    match look_up(host, port, within) {
        Ok(addresses) if addresses.is_empty() => Err(Fault::later(format!("{host} has no address"))),
        Ok(addresses) => Ok(addresses),
        Err(LookupError::NotResolved(why)) => Err(Fault::later(format!("cannot resolve {host}: {why}"))),
        Err(LookupError::TimedOut) => {
            Err(Fault::later(format!("{host} was not resolved within {} s", within.as_secs())))
        }
        Err(LookupError::AllHang) => Err(Fault::later(format!("cannot resolve {host}: earlier lookups still hang"))),
    }
}
