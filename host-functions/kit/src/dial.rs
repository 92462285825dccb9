//! Connections to servers. A process that may not make any gets them from another one.
//!
//! In most processes, [`connect`] and [`look_up`](crate::lookup::look_up) ask the kernel and the resolver of the system. The
//! process that calls servers may do neither: it asks the supervisor, which knows the servers of each call
//! ([`Endpoint`]), and gets a socket that is connected to one of them.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::lookup::LookupError;

/// Which addresses of a host a call may reach.
pub type Permits = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// A server that a call may reach by TCP.
#[derive(Clone)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Which of its addresses.
    pub permits: Permits,
}

impl Endpoint {
    /// A server that an operator named: any address but those that no policy may reach.
    pub fn new(host: &str, port: u16) -> Endpoint {
        let permits = |address| !ansai_core::address::is_reserved(address);
        Endpoint { host: host.to_owned(), port, permits: Arc::new(permits) }
    }

    /// A server of something that the operator set up himself and no policy names, such as a hook: what he wrote as an
    /// address is permitted, whichever it is. A name leads to no address that no policy may reach.
    pub fn named(host: &str, port: u16) -> Endpoint {
        let own = host.parse::<IpAddr>().ok();
        let permits = move |ip: IpAddr| Some(ip) == own || !ansai_core::address::is_reserved(ip);
        Endpoint { host: host.to_owned(), port, permits: Arc::new(permits) }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Looks up names and connects for a process that may not.
pub trait Dialler: Send + Sync {
    /// As [`crate::lookup::look_up`].
    ///
    /// # Errors
    /// As there.
    fn look_up(&self, host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, LookupError>;

    /// A socket that does not block, and is being connected to this address. It is known whether it is when it can be written.
    ///
    /// # Errors
    /// The kernel refuses, or the address is not one of a server that a call may reach.
    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream>;
}

static DIALLER: OnceLock<Box<dyn Dialler>> = OnceLock::new();

/// From now on, this process connects through `dialler`. The first one stays.
pub fn through(dialler: Box<dyn Dialler>) {
    let _the_first_one_stays = DIALLER.set(dialler);
}

static NEVER_NOW: AtomicBool = AtomicBool::new(false);

/// Says whether this process connects to no server by TCP and looks up no name from now on, because another one does it. So
/// no client that was left here speaks TLS or another foreign protocol with the rights of this process. Who reads another
/// configuration in the same process says it again.
pub fn never(is_so: bool) {
    NEVER_NOW.store(is_so, Ordering::SeqCst);
}

const NEVER: &str = "this process calls no servers";

struct Never;

impl Dialler for Never {
    fn look_up(&self, _: &str, _: u16, _: Duration) -> Result<Vec<SocketAddr>, LookupError> {
        Err(LookupError::NotResolved(NEVER.to_owned()))
    }

    fn begin(&self, _: SocketAddr) -> io::Result<TcpStream> {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, NEVER))
    }
}

/// What this process connects through; `None` if it connects itself.
pub fn dialler() -> Option<&'static dyn Dialler> {
    if NEVER_NOW.load(Ordering::SeqCst) {
        return Some(&Never);
    }
    DIALLER.get().map(Box::as_ref)
}

/// Connects to a server within `limit`.
///
/// # Errors
/// As [`TcpStream::connect_timeout`]; `PermissionDenied` if no call may reach it.
pub fn connect(address: &SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    match dialler() {
        None => TcpStream::connect_timeout(address, limit),
        Some(dialler) => finished(dialler.begin(*address)?, limit),
    }
}

/// Waits until a socket is connected.
fn finished(stream: TcpStream, limit: Duration) -> io::Result<TcpStream> {
    let until = Instant::now().checked_add(limit);
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        match poll(&mut [PollFd::new(&stream, PollFlags::OUT)], left.as_ref()) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    stream.set_nonblocking(false)?;
    Ok(stream)
}
