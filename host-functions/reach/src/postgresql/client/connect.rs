//! A new connection to a server.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::target::TargetAccess;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::{Client, NoTls};

use super::address::{Address, Place};
use super::error::refusal;
use super::guarded::{Allowance, Guarded};
use super::tls::Tls;

/// How ansai appears among the sessions. Its own sessions are never touched.
pub(crate) const APPLICATION: &str = "ansai";
/// What a server may send for one call.
pub(super) const MOST_BYTES: usize = 8 << 20;
/// What it may send during a login.
const MOST_LOGIN_BYTES: usize = 64 << 10;

/// TCP or a local socket.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}
pub(super) type Socket = Box<dyn Stream>;

/// A connection that is open.
pub(super) struct Open {
    pub(super) client: Client,
    pub(super) allowance: Allowance,
}

/// Connects and logs in. The task that reads and writes runs on the current runtime, and ends with the client.
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
    let socket = dial(&address.place).await;
    let socket = socket.map_err(|error| Refusal::Unavailable(format!("target `{name}`: {}", error.kind())))?;
    let allowance: Allowance = Arc::new(AtomicUsize::new(MOST_LOGIN_BYTES));
    let failed = |error| refusal(name, &error);
    let client = match (&address.place, address.tls) {
        (Place::Network { host, .. }, true) => {
            config.ssl_mode(SslMode::Require);
            let tls = Tls::new(host, address.authorities.as_deref(), allowance.clone())?;
            let (client, connection) = config.connect_raw(socket, tls).await.map_err(failed)?;
            tokio::spawn(connection);
            client
        }
        _ => {
            config.ssl_mode(SslMode::Disable);
            let socket = Guarded::new(socket, allowance.clone(), false);
            let (client, connection) = config.connect_raw(socket, NoTls).await.map_err(failed)?;
            tokio::spawn(connection);
            client
        }
    };
    Ok(Open { client, allowance })
}

async fn dial(place: &Place) -> std::io::Result<Socket> {
    match place {
        Place::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Place::Network { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
    }
}

/// A margin for the server to end a statement by itself before the call is given up.
pub(super) fn within(limit: Duration) -> Duration {
    limit - limit / 5
}
