//! Addresses of servers: names are resolved once for a call, within its time, and what no policy may reach is left out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ansai_kit::lookup::{LookupError, look_up};

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
        found.into_iter().partition(|address| is_permitted(address.ip()));
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

/// Whether a policy may reach the address. A server of the operator has none of the others: they belong to the metadata
/// services of clouds, which hand out the secrets of the machine, or to no single server.
fn is_permitted(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_permitted_v4(address),
        IpAddr::V6(address) => is_permitted_v6(address),
    }
}

fn is_permitted_v4(address: Ipv4Addr) -> bool {
    const METADATA: [Ipv4Addr; 3] = [
        // Alibaba, Azure, Oracle. Those of all others are link-local.
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(168, 63, 129, 16),
        Ipv4Addr::new(192, 0, 0, 192),
    ];
    let is_one_server = !(address.octets().first() == Some(&0) || address.is_multicast() || address.is_broadcast());
    is_one_server && !address.is_link_local() && !METADATA.contains(&address)
}

fn is_permitted_v6(address: Ipv6Addr) -> bool {
    // Amazon and Google.
    const METADATA: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];
    if let Some(inner) = inner_v4(address) {
        return is_permitted_v4(inner);
    }
    let is_one_server = !(address.is_unspecified() || address.is_multicast());
    is_one_server && !address.is_unicast_link_local() && !METADATA.contains(&address)
}

/// The IPv4 address that a gateway or the kernel makes of it: mapped, compatible, translated (64:ff9b::), 6to4.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
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
