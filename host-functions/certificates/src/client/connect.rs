//! Which address is connected to.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ansai_core::address::{self, is_reserved};
use ansai_core::scope::{Endpoints, TypedField};
use ansai_core::text::inert;
use ansai_core::{Refusal, Scope};
use ansai_kit::dial;
use ansai_kit::lookup::{LookupError, look_up};

use super::Endpoint;
use super::stream::refusal;

/// The most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;

/// The host of `HOST:PORT` or `[ADDRESS]:PORT`.
///
/// # Errors
/// `invalid` for another form.
pub fn host_of(address: &str) -> Result<&str, Refusal> {
    let host = address.rsplit_once(':').map(|(host, _)| host.trim_start_matches('[').trim_end_matches(']'));
    let shown = || inert(address, 100);
    host.filter(|host| !host.is_empty()).ok_or_else(|| Refusal::Invalid(format!("`{}` is not HOST:PORT", shown())))
}

/// Whether an address is one that a name must not lead to: this machine, the local link, where clouds have the metadata
/// of a machine with its secrets, and what is no address of one machine.
pub fn is_special(address: IpAddr) -> bool {
    address::reached(address).is_loopback() || is_reserved(address)
}

/// Decides about a special address: it needs a grant that names it. `localhost` names this machine itself.
///
/// # Errors
/// `denied`, with the line to add.
pub fn permit(
    scope: &Scope,
    field: &TypedField<Endpoints>,
    endpoint: &Endpoint,
    address: SocketAddr,
) -> Result<(), Refusal> {
    let host = host_of(&endpoint.address)?;
    let ip = address.ip().to_canonical();
    if ip.is_loopback() && host == "localhost" {
        return Ok(());
    }
    // Written as the grant would name it: no pattern of names covers an address.
    let named = SocketAddr::new(ip, address.port()).to_string();
    scope.covers(field, &named).map_err(|_| {
        let kind = if ip.is_loopback() || ip.is_unspecified() { "this machine" } else { "a special address" };
        let (host, field) = (inert(host, 100), field.field().name);
        Refusal::Denied(format!("{host} leads to {ip}, {kind}: to allow it, add \"{named}\" to `{field}`"))
    })
}

/// What a process that looks at this server has to reach. A special address needs a grant that names it. `None` if it is no
/// `HOST:PORT`.
pub fn reached(scope: &Scope, field: &'static TypedField<Endpoints>, endpoint: &Endpoint) -> Option<dial::Endpoint> {
    let (_, port) = endpoint.address.rsplit_once(':')?;
    let (host, port) = (host_of(&endpoint.address).ok()?.to_owned(), port.parse::<u16>().ok()?);
    let (scope, named) = (scope.clone(), endpoint.clone());
    let permits = move |ip| !is_special(ip) || permit(&scope, field, &named, SocketAddr::new(ip, port)).is_ok();
    Some(dial::Endpoint { host, port, permits: Arc::new(permits) })
}

pub(super) fn connect(
    address: &str,
    until: Instant,
    permit: &dyn Fn(SocketAddr) -> Result<(), Refusal>,
) -> Result<TcpStream, Refusal> {
    host_of(address)?;
    let mut found = addresses(address, until.saturating_duration_since(Instant::now()))?;
    found.truncate(MOST_ADDRESSES);
    let mut last = Refusal::Unavailable("its name has no address".into());
    for (place, address) in found.iter().enumerate() {
        if is_special(address.ip())
            && let Err(denied) = permit(*address)
        {
            last = denied;
            continue;
        }
        // An address that does not answer leaves time for the others.
        let others = u32::try_from(found.len() - place).unwrap_or(1);
        let limit = until.saturating_duration_since(Instant::now()) / others;
        if limit.is_zero() {
            return Err(Refusal::TimedOut("it did not answer in time".into()));
        }
        match dial::connect(address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = refusal(&error),
        }
    }
    Err(last)
}

/// The addresses of `HOST:PORT` or `[ADDRESS]:PORT`.
///
/// # Errors
/// `unavailable` if it has none, `timed-out` if the resolver does not answer in time.
pub fn addresses(address: &str, limit: Duration) -> Result<Vec<SocketAddr>, Refusal> {
    let none = |why: &str| Refusal::Unavailable(format!("its name has no address: {}", inert(why, 100)));
    if let Ok(address) = address.parse::<SocketAddr>() {
        return Ok(vec![address]);
    }
    let (host, port) = address.rsplit_once(':').ok_or_else(|| none("no port"))?;
    let port = port.parse::<u16>().map_err(|_| none("invalid port value"))?;
    look_up(host, port, limit).map_err(|error| match error {
        LookupError::NotResolved(why) => none(&why),
        LookupError::TimedOut => Refusal::TimedOut("the resolver did not answer in time".into()),
        LookupError::AllHang => Refusal::Unavailable("the resolver answers no lookup".into()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_name_is_looked_up_within_the_time_of_the_call() {
        let minute = Duration::from_secs(60);
        for literal in ["127.0.0.1:80", "[::1]:80"] {
            assert_eq!(addresses(literal, Duration::ZERO), Ok(vec![literal.parse().unwrap()]), "{literal}");
        }
        let found = addresses("localhost:81", minute).unwrap();
        assert!(found.iter().all(|one| one.ip().is_loopback() && one.port() == 81), "{found:?}");
        for wrong in ["localhost:http", "localhost:65536", "localhost", "::1:x"] {
            assert!(matches!(addresses(wrong, minute), Err(Refusal::Unavailable(_))), "{wrong}");
        }
    }
}
