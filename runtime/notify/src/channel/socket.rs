//! Datagrams to a socket of this host.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use super::{Fault, Receipt};

/// Sends one datagram, and waits for room in the queue of the receiver until the time limit.
pub(super) fn send(path: &Path, bytes: &[u8], within: Duration) -> Result<Receipt, Fault> {
    let sent = UnixDatagram::unbound().and_then(|socket| {
        socket.set_write_timeout(Some(within.max(Duration::from_millis(1))))?;
        socket.connect(path)?;
        socket.send(bytes)
    });
    let shown = path.display();
    match sent {
        Ok(_) => Ok(Receipt { answer: format!("{shown} accepted it") }),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err(Fault::later(format!("{shown} did not accept it within {} s", within.as_secs())))
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) => {
            Err(Fault::never(format!("{shown}: the message is too large")))
        }
        Err(error) => Err(Fault::later(format!("{shown}: {error}"))),
    }
}
