//! Where requests may go. A registry may lead to storage elsewhere, never to what is closer to this machine than it is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::address::{is_reserved, reached};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How close an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Zone {
    /// No server that a registry may name: metadata services of clouds, groups, nothing.
    Special,
    /// This machine.
    Machine,
    /// The network of the company.
    Private,
    /// The Internet.
    Public,
}

impl Zone {
    pub(super) fn of(address: IpAddr) -> Zone {
        match reached(address) {
            address if is_reserved(address) => Zone::Special,
            address if address.is_loopback() => Zone::Machine,
            IpAddr::V4(address) => Zone::of_v4(address),
            IpAddr::V6(address) => Zone::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Zone {
        match address.octets() {
            // Not given to anybody.
            [240..=255, ..] => Zone::Special,
            [100, 64..128, ..] => Zone::Private,
            _ if address.is_private() => Zone::Private,
            _ => Zone::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Zone {
        let [first, second, ..] = address.segments();
        if address.is_unique_local() {
            return Zone::Private;
        }
        // What is not global unicast belongs to nobody.
        let is_nobodys = first & 0xe000 != 0x2000 || (first, second) == (0x2001, 0xdb8);
        if is_nobodys { Zone::Special } else { Zone::Public }
    }
}

/// An address that a request may not go to.
#[derive(Debug)]
pub(super) enum Forbidden {
    /// The registry is not on this machine, and there is no TLS.
    Plain,
    /// The registry leads to an address that is closer than it is.
    Closer,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Forbidden::Plain => "not on this machine",
            Forbidden::Closer => "an address that a registry may not lead to",
        })
    }
}

impl std::error::Error for Forbidden {}

/// What is known of the addresses of a registry.
#[derive(Debug, Clone)]
pub(super) struct Places {
    is_plain: bool,
    /// The most public of its addresses.
    registry: Arc<Mutex<Option<Zone>>>,
    /// If another server named the registry: how close it may be.
    least: Option<Zone>,
}

impl Places {
    pub(super) fn new(is_plain: bool) -> Places {
        Places { is_plain, registry: Arc::default(), least: None }
    }

    /// The same for a registry that a server with these places named.
    pub(super) fn led_by(self, server: &Places) -> Places {
        let zone = *server.registry.lock().unwrap_or_else(PoisonError::into_inner);
        Places { least: Some(zone.unwrap_or(Zone::Public).max(Zone::Machine)), ..self }
    }

    /// Resolves names for requests to the registry, or to where it leads.
    pub(super) fn resolver(&self, is_registry: bool) -> Guarded {
        Guarded { places: self.clone(), is_registry }
    }

    /// The addresses that a request may go to.
    fn permitted(&self, is_registry: bool, found: &[SocketAddr]) -> Result<Vec<SocketAddr>, Forbidden> {
        let zone = |address: &SocketAddr| Zone::of(address.ip());
        if self.is_plain && !found.iter().all(|address| address.ip().is_loopback()) {
            return Err(if is_registry { Forbidden::Plain } else { Forbidden::Closer });
        }
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(least)) = (is_registry, self.least) {
            let permitted: Vec<SocketAddr> = found.iter().copied().filter(|address| zone(address) >= least).collect();
            *registry = permitted.iter().map(zone).chain(*registry).max();
            return if permitted.is_empty() { Err(Forbidden::Closer) } else { Ok(permitted) };
        }
        if is_registry {
            // The operator named it, so every address is fine. Names can change: the most public one counts.
            *registry = found.iter().map(zone).chain(*registry).max();
            return Ok(found.to_vec());
        }
        let least = registry.unwrap_or(Zone::Public).max(Zone::Machine);
        let permitted: Vec<SocketAddr> = found.iter().copied().filter(|address| zone(address) >= least).collect();
        if permitted.is_empty() { Err(Forbidden::Closer) } else { Ok(permitted) }
    }
}

/// A resolver that answers only what is permitted. What it answers is what is connected to.
#[derive(Debug)]
pub(super) struct Guarded {
    places: Places,
    is_registry: bool,
}

impl Resolver for Guarded {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let permitted = self.places.permitted(self.is_registry, &found);
        let mut answer = self.empty();
        for address in permitted.map_err(|why| ureq::Error::Other(Box::new(why)))? {
            answer.push(address);
        }
        Ok(answer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_as_close_as_they_are() {
        for (address, zone) in [
            ("127.0.0.1", Zone::Machine),
            ("127.1.2.3", Zone::Machine),
            ("::1", Zone::Machine),
            ("::ffff:127.0.0.1", Zone::Machine),
            ("64:ff9b::7f00:1", Zone::Machine),
            ("10.0.0.1", Zone::Private),
            ("172.16.0.1", Zone::Private),
            ("192.168.1.1", Zone::Private),
            ("100.64.0.1", Zone::Private),
            ("::ffff:10.0.0.1", Zone::Private),
            ("2002:a00:1::", Zone::Private),
            ("fd12::1", Zone::Private),
            ("169.254.169.254", Zone::Special),
            ("100.100.100.200", Zone::Special),
            ("0.0.0.0", Zone::Special),
            ("255.255.255.255", Zone::Special),
            ("::", Zone::Special),
            ("fe80::1", Zone::Special),
            ("ff02::1", Zone::Special),
            ("fd00:ec2::254", Zone::Special),
            ("::ffff:169.254.169.254", Zone::Special),
            ("2002:a9fe:a9fe::", Zone::Special),
            ("8.8.8.8", Zone::Public),
            ("2606:4700::1111", Zone::Public),
        ] {
            assert_eq!(Zone::of(address.parse().unwrap()), zone, "{address}");
        }
    }

    fn at(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 443)
    }

    #[test]
    fn a_registry_leads_to_nothing_that_is_closer_than_it_is() {
        let leads = |registry: &str, to: &str| {
            let places = Places::new(false);
            places.permitted(true, &[at(registry)]).unwrap();
            places.permitted(false, &[at(to)]).is_ok()
        };
        for (registry, to, expected) in [
            ("8.8.8.8", "9.9.9.9", true),
            ("8.8.8.8", "10.0.0.1", false),
            ("8.8.8.8", "127.0.0.1", false),
            ("10.0.0.1", "9.9.9.9", true),
            ("10.0.0.1", "10.0.0.2", true),
            ("10.0.0.1", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "169.254.169.254", false),
            ("169.254.169.254", "169.254.169.254", false),
        ] {
            assert_eq!(leads(registry, to), expected, "{registry} to {to}");
        }
    }

    #[test]
    fn a_name_that_changes_its_addresses_opens_nothing() {
        let places = Places::new(false);
        places.permitted(true, &[at("8.8.8.8")]).unwrap();
        places.permitted(true, &[at("127.0.0.1")]).unwrap();
        assert!(places.permitted(false, &[at("127.0.0.1")]).is_err());
        assert_eq!(places.permitted(false, &[at("127.0.0.1"), at("9.9.9.9")]).unwrap(), [at("9.9.9.9")]);
    }

    #[test]
    fn a_registry_that_a_server_names_is_not_closer_than_the_server() {
        let server = Places::new(false);
        server.permitted(true, &[at("8.8.8.8")]).unwrap();
        let led = Places::new(false).led_by(&server);
        assert!(matches!(led.permitted(true, &[at("10.0.0.1")]), Err(Forbidden::Closer)));
        assert!(matches!(led.permitted(true, &[at("127.0.0.1")]), Err(Forbidden::Closer)));
        assert_eq!(led.permitted(true, &[at("10.0.0.1"), at("9.9.9.9")]).unwrap(), [at("9.9.9.9")]);
        // A server of this machine may name any registry.
        let server = Places::new(false);
        server.permitted(true, &[at("127.0.0.1")]).unwrap();
        assert!(Places::new(false).led_by(&server).permitted(true, &[at("10.0.0.1")]).is_ok());
        assert!(Places::new(false).led_by(&server).permitted(true, &[at("169.254.169.254")]).is_err());
    }

    #[test]
    fn without_tls_everything_stays_on_this_machine() {
        let places = Places::new(true);
        assert!(places.permitted(true, &[at("127.0.0.1")]).is_ok());
        assert!(matches!(places.permitted(true, &[at("127.0.0.1"), at("8.8.8.8")]), Err(Forbidden::Plain)));
        assert!(places.permitted(false, &[at("8.8.8.8")]).is_err());
    }
}
