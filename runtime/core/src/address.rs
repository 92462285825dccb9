//! Addresses of the Internet that lead to no server of an operator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Metadata services of Alibaba, Azure and Oracle. Those of all others are link-local.
const METADATA: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];

/// The address that a connection reaches: a gateway or the kernel makes an IPv4 address of some IPv6 addresses (mapped,
/// compatible, translated by `64:ff9b::`, 6to4). Every other one is itself.
///
/// ```
/// use ansai_core::address::reached;
/// assert_eq!(reached("64:ff9b::a00:1".parse()?).to_string(), "10.0.0.1");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn reached(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(outer) => embedded_v4(outer).map_or(address, IpAddr::V4),
    }
}

/// Whether an address is that of a metadata service of a cloud, which hands out the secrets of the machine, or of no single
/// server. Private addresses and those of this machine are not reserved.
pub fn is_reserved(address: IpAddr) -> bool {
    match reached(address) {
        IpAddr::V4(address) => {
            address.octets().first() == Some(&0)
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_link_local()
                || METADATA.contains(&address)
        }
        IpAddr::V6(address) => {
            // The networks of services of Amazon and of Google.
            matches!(address.segments(), [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..])
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unicast_link_local()
        }
    }
}

fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
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
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_reserved_in_every_form() {
        for reserved in [
            "169.254.169.254",
            "100.100.100.200",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "ff02::1",
            "fe80::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::a9fe:a9fe",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(is_reserved(reserved.parse().unwrap()), "{reserved}");
        }
        for free in ["127.0.0.1", "10.0.0.1", "8.8.8.8", "::1", "fd00::1", "2001:db8::1", "::ffff:10.0.0.1"] {
            assert!(!is_reserved(free.parse().unwrap()), "{free}");
        }
    }
}
