//! Endpoints of servers: a host with a port, each in one spelling.

use std::fmt::{Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name of a host (RFC 1035), and of one of its labels.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// An endpoint, or a pattern of endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    host: Host,
    /// Every port if it is absent.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
    /// Every name below this one.
    Below(String),
}

impl Endpoint {
    /// Reads one endpoint in any spelling; the error is the end of a sentence.
    pub(super) fn exact(text: &str) -> Result<Endpoint, &'static str> {
        let endpoint = Endpoint::pattern(text)?;
        match (&endpoint.host, endpoint.port) {
            (Host::Below(_), _) | (_, None) => Err("is a pattern"),
            _ => Ok(endpoint),
        }
    }

    /// Reads one endpoint or a pattern of them.
    pub(super) fn pattern(text: &str) -> Result<Endpoint, &'static str> {
        if text.contains("://") || text.contains(['/', '@', '?', '#']) {
            return Err("is not a host with a port");
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or("lacks a `]`")?;
                let address: Ipv6Addr = address.parse().map_err(|_| "is not an IPv6 address in brackets")?;
                (Host::Address(unmapped(address)), port.strip_prefix(':').ok_or("has no port")?)
            }
            None => {
                let (host, port) = text.rsplit_once(':').ok_or("has no port")?;
                (Host::read(host)?, port)
            }
        };
        let port = match port {
            "*" => None,
            _ if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) => return Err("has no valid port"),
            _ => Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or("has no valid port")?),
        };
        Ok(Endpoint { host, port })
    }

    fn covers(&self, inner: &Endpoint) -> bool {
        (self.port.is_none() || self.port == inner.port) && self.host.covers(&inner.host)
    }
}

impl Host {
    fn read(text: &str) -> Result<Host, &'static str> {
        if text.contains(':') {
            return Err("has an IPv6 address without brackets");
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Address(address.into()));
        }
        match text.strip_prefix("*.") {
            Some(name) => Ok(Host::Below(name_of(name)?)),
            None if text == "*" => Err("names no host: write `*.` and a domain"),
            None => Ok(Host::Name(name_of(text)?)),
        }
    }

    fn covers(&self, inner: &Host) -> bool {
        match (self, inner) {
            (Host::Below(domain), Host::Name(name) | Host::Below(name)) => {
                // `*.a` covers `*.a` itself, and not the name `a`.
                (matches!(inner, Host::Below(_)) && name == domain)
                    || name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
            _ => self == inner,
        }
    }
}

/// The one spelling of a name: lower case, without a dot at the end.
fn name_of(text: &str) -> Result<String, &'static str> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !label.is_empty() && label.len() <= LONGEST_LABEL && label.chars().all(known) && !label.starts_with('-')
    };
    if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
        return Err("has no valid name of a host");
    }
    // Resolvers read `127.1`, `0x7f.1` and `2130706433` as addresses: the same server under another name.
    let last = name.rsplit('.').next().unwrap_or_default();
    match last.starts_with(|c: char| c.is_ascii_digit()) {
        true => Err("has no valid name of a host: write an address with four numbers"),
        false => Ok(name),
    }
}

/// An IPv4 address in the form of IPv6 is the IPv4 address.
fn unmapped(address: Ipv6Addr) -> IpAddr {
    address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            Host::Name(name) => f.write_str(name)?,
            Host::Below(domain) => write!(f, "*.{domain}")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => f.write_str(":*"),
        }
    }
}

/// Whether one endpoint or pattern covers another one. What is neither covers nothing.
pub(super) fn covers(inner: &str, outer: &str) -> bool {
    match (Endpoint::pattern(inner), Endpoint::pattern(outer)) {
        (Ok(inner), Ok(outer)) => outer.covers(&inner),
        _ => false,
    }
}

/// The one spelling of an endpoint that an argument or a canonical name may have: `DB.Example.org.:5432` is
/// `db.example.org:5432`.
///
/// # Errors
/// Why it is no endpoint, as the end of a sentence.
pub fn canonical_endpoint(text: &str) -> Result<String, &'static str> {
    Endpoint::exact(text).map(|endpoint| endpoint.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (written, canonical) in [
            ("db.example.org:5432", "db.example.org:5432"),
            ("DB.Example.ORG.:05432", "db.example.org:5432"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("[0:0::1]:80", "[::1]:80"),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
            ("localhost:1", "localhost:1"),
        ] {
            assert_eq!(canonical_endpoint(written).as_deref(), Ok(canonical), "{written}");
        }
        for wrong in [
            "",
            "db",
            "db:",
            "db:0",
            "db:65536",
            "db:+1",
            ":1",
            "::1:1",
            "[::1]",
            "[::1",
            "[db]:1",
            "https://h:1",
            "h:1/x",
            "me@h:1",
            "a b:1",
            "é:1",
            "-a:1",
            "a..b:1",
            "127.1:80",
            "0x7f.1:80",
            "2130706433:80",
            "1.2.3.4.5:80",
            "*.a:1",
            "a:*",
            "*:1",
        ] {
            assert!(canonical_endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_cover_names_below_and_every_port() {
        for (inner, outer, is_covered) in [
            ("a.example.org:443", "*.example.org:443", true),
            ("a.b.example.org:443", "*.example.org:443", true),
            ("*.b.example.org:443", "*.example.org:443", true),
            ("*.example.org:443", "*.example.org:*", true),
            ("example.org:443", "*.example.org:443", false),
            ("badexample.org:443", "*.example.org:443", false),
            ("a.example.org:80", "*.example.org:443", false),
            ("*.example.org:443", "a.example.org:443", false),
            ("*.org:443", "*.example.org:443", false),
            ("h:1", "h:*", true),
            ("h:*", "h:1", false),
            ("10.0.0.1:1", "*.0.1:1", false),
        ] {
            assert_eq!(covers(inner, outer), is_covered, "{inner} {outer}");
        }
    }
}
