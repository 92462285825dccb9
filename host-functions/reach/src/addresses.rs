//! Addresses of servers: names are resolved once for a call, within its time, and what no policy may reach is left out.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ansai_core::address::is_reserved;
use ansai_kit::lookup::{LookupError, look_up};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Addresses of one name that are used.
pub(crate) const MOST_ADDRESSES: usize = 16;

/// Why a server has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAddress {
    /// The resolver says so, in these words.
    NotResolved(String),
    /// The resolver does not answer in time.
    TimedOut,
    /// Earlier lookups still hang.
    AllHang,
    /// It has addresses, and no policy may reach any of them.
    Forbidden(IpAddr),
}

/// The addresses of a host, which is a name or an address, with a port. They stay the same for the whole call: whoever
/// controls the name cannot lead the connection elsewhere afterwards.
pub(crate) fn of(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, NoAddress> {
    let found = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => look_up(host, port, limit)?,
    };
    let (permitted, forbidden): (Vec<SocketAddr>, Vec<_>) =
        found.into_iter().partition(|address| !is_reserved(address.ip()));
    match (permitted.is_empty(), forbidden.first()) {
        (false, _) => Ok(permitted.into_iter().take(MOST_ADDRESSES).collect()),
        (true, Some(address)) => Err(NoAddress::Forbidden(address.ip())),
        (true, None) => Err(NoAddress::NotResolved("it has no address".to_owned())),
    }
}

impl From<LookupError> for NoAddress {
    fn from(error: LookupError) -> NoAddress {
        match error {
            LookupError::NotResolved(why) => NoAddress::NotResolved(why),
            LookupError::TimedOut => NoAddress::TimedOut,
            LookupError::AllHang => NoAddress::AllHang,
        }
    }
}

/// Connects to these addresses only, whatever the name resolves to meanwhile.
#[derive(Debug)]
pub(crate) struct Pinned(pub(crate) Vec<SocketAddr>);

impl Resolver for Pinned {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut all = self.empty();
        self.0.iter().take(MOST_ADDRESSES).for_each(|address| all.push(*address));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn addresses_that_no_policy_may_reach() {
        for forbidden in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "ff02::1",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::a9fe:a9fe",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            let address: IpAddr = forbidden.parse().unwrap();
            assert_eq!(of(forbidden, 80, Duration::ZERO), Err(NoAddress::Forbidden(address)), "{forbidden}");
        }
        for permitted in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"] {
            let address = SocketAddr::new(permitted.parse().unwrap(), 80);
            assert_eq!(of(permitted, 80, Duration::ZERO), Ok(vec![address]), "{permitted}");
        }
    }

    /// Resolvers read these as addresses, so the name alone does not show where they lead.
    #[test]
    fn names_that_resolvers_read_as_addresses_are_refused_too() {
        for name in ["0xa9fea9fe", "2852039166", "169.254.43518"] {
            let found = of(name, 80, Duration::from_secs(60));
            assert_eq!(found, Err(NoAddress::Forbidden(Ipv4Addr::new(169, 254, 169, 254).into())), "{name}");
        }
    }

    #[test]
    fn a_name_of_this_machine_is_resolved() {
        let found = of("localhost", 81, Duration::from_secs(60)).unwrap();
        assert!(found.iter().all(|one| one.ip().is_loopback() && one.port() == 81), "{found:?}");
        assert!(matches!(of("", 80, Duration::from_secs(60)), Err(NoAddress::NotResolved(_))));
    }
}
