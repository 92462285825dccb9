//! A new connection to a server.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::dial::dialler;
use ansai_kit::target::TargetAccess;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::AbortHandle;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::{Client, Connection, NoTls};

use super::address::{Address, Place};
use super::error::refusal;
use super::guarded::{Allowance, Guarded};
use super::tls::Tls;
use crate::addresses::{self, NoAddress};
use crate::runtime;

/// How ansai appears among the sessions. Its own sessions are never touched.
pub(crate) const APPLICATION: &str = "ansai";
/// What a server may send for one call.
pub(crate) const MOST_BYTES: usize = 8 << 20;
/// What it may send during a login.
pub(crate) const MOST_LOGIN_BYTES: usize = 64 << 10;

/// TCP or a local socket.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}
pub(crate) type Socket = Box<dyn Stream>;

/// How long a connection may take to end once nobody uses it. It waits for an answer that is due, which may never come.
pub(crate) const END: Duration = Duration::from_secs(5);
/// How long a lookup of a name may take.
const LOOKUP: Duration = Duration::from_secs(5);

/// A connection that is open.
pub(super) struct Open {
    pub(super) client: Client,
    pub(super) allowance: Allowance,
    /// Reads and writes.
    task: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        let task = self.task.clone();
        match runtime::handle() {
            // An idle connection says goodbye to the server, and ends at once.
            Ok(runtime) => drop(runtime.spawn(async move {
                tokio::time::sleep(END).await;
                task.abort();
            })),
            Err(_) => task.abort(),
        }
    }
}

/// Connects and logs in. The task that reads and writes runs on the current runtime, and ends with the value.
///
/// # Errors
/// `unavailable`, mostly; see [`refusal`].
pub(super) async fn open(target: &TargetAccess, settings: Option<&str>) -> Result<Open, Refusal> {
    let name = target.target.name.as_str();
    let address = Address::of(target)?;
    let mut config = Config::new();
    config.dbname(&address.database).application_name(APPLICATION);
    config.user(target.user.as_deref().unwrap_or("ansai"));
    if let Some(settings) = settings {
        config.options(settings);
    }
    if let Some(source) = &target.secret {
        config.password(source.read()?.expose());
    }
    let socket = dial(name, &address.place).await?;
    let allowance: Allowance = Arc::new(AtomicUsize::new(MOST_LOGIN_BYTES));
    let failed = |error| refusal(name, &error);
    let (client, task) = match (&address.place, address.tls) {
        (Place::Network { host, .. }, true) => {
            config.ssl_mode(SslMode::Require);
            let tls = Tls::new(host, address.authorities.as_deref(), allowance.clone())?;
            let (client, connection) = config.connect_raw(socket, tls).await.map_err(failed)?;
            (client, tokio::spawn(serve(connection)).abort_handle())
        }
        _ => {
            config.ssl_mode(SslMode::Disable);
            let socket = Guarded::new(socket, allowance.clone(), false);
            let (client, connection) = config.connect_raw(socket, NoTls).await.map_err(failed)?;
            (client, tokio::spawn(serve(connection)).abort_handle())
        }
    };
    Ok(Open { client, allowance, task })
}

/// Reads and writes until the connection ends. Notices of the server are dropped: they may hold values and statements.
async fn serve<S, T>(mut connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(_)) = poll_fn(|cx| connection.poll_message(cx)).await {}
}

/// Opens a socket.
///
/// # Errors
/// `unavailable`, mostly; `denied` if it leads to an address that no policy may reach.
pub(crate) async fn dial(name: &str, place: &Place) -> Result<Socket, Refusal> {
    let failed = |error: std::io::Error| Refusal::Unavailable(format!("target `{name}`: {}", error.kind()));
    match place {
        Place::Socket(path) => Ok(Box::new(UnixStream::connect(path).await.map_err(failed)?)),
        Place::Network { host, port } => {
            let addresses = addresses_of(host, *port).await.map_err(|why| no_address(name, &why))?;
            let stream = connect(&addresses).await.map_err(failed)?;
            stream.set_nodelay(true).map_err(failed)?;
            Ok(Box::new(stream))
        }
    }
}

/// Connects to the first address that answers.
async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let Some(dialler) = dialler() else { return TcpStream::connect(addresses).await };
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        let begun = dialler.begin(*address).and_then(TcpStream::from_std);
        let connected = match begun {
            Ok(stream) => stream.writable().await.and_then(|()| stream.take_error()).map(|error| (stream, error)),
            Err(error) => Err(error),
        };
        match connected {
            Ok((stream, None)) => return Ok(stream),
            Ok((_, Some(error))) | Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses that a policy may reach.
async fn addresses_of(host: &str, port: u16) -> Result<Vec<SocketAddr>, NoAddress> {
    if host.parse::<IpAddr>().is_ok() {
        return addresses::of(host, port, LOOKUP);
    }
    let host = host.to_owned();
    let found = tokio::task::spawn_blocking(move || addresses::of(&host, port, LOOKUP)).await;
    found.unwrap_or_else(|error| Err(NoAddress::NotResolved(error.to_string())))
}

fn no_address(name: &str, why: &NoAddress) -> Refusal {
    match why {
        NoAddress::NotResolved(why) => {
            let why = ansai_core::text::inert(why, 200);
            Refusal::Unavailable(format!("target `{name}`: its name cannot be resolved: {why}"))
        }
        NoAddress::TimedOut => Refusal::Unavailable(format!("target `{name}`: no name server answered in time")),
        NoAddress::AllHang => Refusal::Busy("earlier lookups of names still hang".into()),
        NoAddress::Forbidden(_) => {
            Refusal::Denied(format!("target `{name}` leads to an address that no policy may reach"))
        }
    }
}

/// A margin for the server to end a statement by itself before the call is given up.
pub(crate) fn within(limit: Duration) -> Duration {
    limit - limit / 5
}
