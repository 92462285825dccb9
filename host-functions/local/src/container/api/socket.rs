//! A connection to a Unix socket, for the HTTP client.
#![expect(clippy::disallowed_methods, reason = "asks who owns the path of a socket")]

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};

/// Connects without waiting: a server whose queue is full could keep the call for ever.
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let stream = runtime.block_on(tokio::net::UnixStream::connect(path))?;
    belongs_to(path, stream.peer_cred()?.uid())?;
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Refuses the engine of another user than the owner of a part of the path. Who owns a directory can replace the socket by a
/// link to that of root's engine, and grants for the user's engine would then hold for it.
fn belongs_to(path: &Path, peer: u32) -> io::Result<()> {
    for part in path.ancestors() {
        let owner = std::fs::symlink_metadata(part)?.uid();
        if owner != 0 && owner != peer {
            let why = format!("user {owner} owns a part of its path, but the engine runs as user {peer}");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
    }
    Ok(())
}

/// Hands out one connection, once.
#[derive(Debug)]
pub(super) struct Socket(Mutex<Option<UnixStream>>);

impl Socket {
    pub(super) fn new(stream: UnixStream) -> Socket {
        Socket(Mutex::new(Some(stream)))
    }
}

impl Connector for Socket {
    type Out = Open;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Open>, Error> {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = stream.ok_or(Error::ConnectionFailed)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Open { stream, buffers }))
    }
}

/// The connection.
pub(super) struct Open {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open")
    }
}

/// A time-out of a socket is never 0.
fn left(timeout: NextTimeout) -> Result<Option<std::time::Duration>, Error> {
    match timeout.not_zero() {
        Some(left) => Ok(Some(*left)),
        None if timeout.after.is_not_happening() => Ok(None),
        None => Err(Error::Timeout(timeout.reason)),
    }
}

fn failed(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

impl Transport for Open {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_write_timeout(left(timeout)?)?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output).map_err(|error| failed(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_read_timeout(left(timeout)?)?;
        let amount = loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| failed(error, timeout))?,
            }
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Never used twice.
    fn is_open(&mut self) -> bool {
        false
    }
}
