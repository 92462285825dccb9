//! Which addresses the process that calls servers may be connected to: those of the calls that it has not answered yet.
//!
//! It can neither make a socket nor connect one, so this is enforced whatever runs in it. The supervisor opens connections
//! and speaks no protocol over them; names are looked up by a process of their own.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ansai_kit::dial::Endpoint;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, ipproto, socket_with, sockopt};

/// Lookups and connections of one server for one call.
const MOST_OF_A_CALL: u32 = 64;
/// Names of answered calls that are known.
const MOST_BEFORE: usize = 10_000;
/// Addresses of one name.
const MOST_ADDRESSES: usize = 64;

/// What the process may reach now.
#[derive(Debug, Default)]
pub(super) struct Wall(Mutex<Servers>);

#[derive(Debug, Default)]
struct Servers {
    /// By the number of the call.
    now: HashMap<u64, Vec<Entry>>,
    /// Names of calls that were answered.
    before: HashSet<(String, u16)>,
}

/// Whether a name may be looked up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LookUp {
    /// It is a server of a call.
    Permitted,
    /// It was one: an honest process may have a thread that began late.
    Late,
    /// It never was, or was looked up too often.
    Forbidden,
}

/// One server of one call.
#[derive(Debug)]
struct Entry {
    endpoint: Endpoint,
    /// What its name was found to be. Only that is connected to, although the process says which of them.
    found: Vec<IpAddr>,
    left: u32,
}

impl Wall {
    fn servers(&self) -> MutexGuard<'_, Servers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, the servers of this call can be reached.
    pub(super) fn begin(&self, number: u64, endpoints: &[Endpoint]) {
        let entry = |endpoint: &Endpoint| Entry {
            endpoint: endpoint.clone(),
            found: endpoint.host.parse().into_iter().collect(),
            left: MOST_OF_A_CALL,
        };
        self.servers().now.insert(number, endpoints.iter().map(entry).collect());
    }

    /// The process has answered this call: its servers are not reached any more.
    pub(super) fn end(&self, number: u64) {
        let mut servers = self.servers();
        let ended = servers.now.remove(&number).unwrap_or_default();
        if servers.before.len() > MOST_BEFORE {
            servers.before.clear();
        }
        servers.before.extend(ended.into_iter().map(|one| (one.endpoint.host, one.endpoint.port)));
    }

    /// Whether the name of a server may be looked up.
    pub(super) fn look_up(&self, host: &str, port: u16) -> LookUp {
        let mut servers = self.servers();
        let mut named = servers.now.values_mut().flatten().filter(|one| one.is(host, port)).peekable();
        if named.peek().is_some() {
            return if named.any(Entry::take) { LookUp::Permitted } else { LookUp::Forbidden };
        }
        if servers.before.contains(&(host.to_owned(), port)) { LookUp::Late } else { LookUp::Forbidden }
    }

    /// What the name of a server was found to be.
    pub(super) fn found(&self, host: &str, port: u16, addresses: &mut Vec<SocketAddr>) {
        addresses.truncate(MOST_ADDRESSES);
        for one in self.servers().now.values_mut().flatten().filter(|one| one.is(host, port)) {
            one.found = addresses.iter().map(SocketAddr::ip).collect();
        }
    }

    /// Whether this address may be connected to.
    pub(super) fn may_connect(&self, address: SocketAddr) -> bool {
        let mut servers = self.servers();
        let mut named = servers.now.values_mut().flatten().filter(|one| one.leads_to(address));
        named.any(Entry::take)
    }
}

impl Entry {
    fn is(&self, host: &str, port: u16) -> bool {
        self.endpoint.host == host && self.endpoint.port == port
    }

    fn leads_to(&self, address: SocketAddr) -> bool {
        let ip = address.ip();
        self.endpoint.port == address.port() && self.found.contains(&ip) && (self.endpoint.permits)(ip)
    }

    /// Takes one of the lookups and connections of its call.
    fn take(&mut self) -> bool {
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

/// A socket that is being connected to this address. Nothing is waited for.
pub(super) fn open(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    // Without what else an address of IPv6 can say.
    match connect(&socket, &SocketAddr::new(address.ip(), address.port())) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_servers_of_unanswered_calls_are_reached() {
        let wall = Wall::default();
        assert!(!wall.may_connect(address("127.0.0.1:80")));
        assert_eq!(wall.look_up("h.example", 443), LookUp::Forbidden);
        wall.begin(1, &[Endpoint::new("127.0.0.1", 80)]);
        wall.begin(2, &[Endpoint::new("h.example", 443)]);
        for (to, may) in [
            ("127.0.0.1:80", true),
            ("127.0.0.1:81", false),
            ("127.0.0.2:80", false),
            ("[::1]:80", false),
            ("10.0.0.1:443", false),
        ] {
            assert_eq!(wall.may_connect(address(to)), may, "{to}");
        }
        for (host, port, may) in [
            ("h.example", 443, LookUp::Permitted),
            ("h.example", 444, LookUp::Forbidden),
            ("other.example", 443, LookUp::Forbidden),
        ] {
            assert_eq!(wall.look_up(host, port), may, "{host}:{port}");
        }
        wall.found("h.example", 443, &mut vec![address("10.0.0.1:443"), address("169.254.169.254:443")]);
        assert!(wall.may_connect(address("10.0.0.1:443")) && !wall.may_connect(address("10.0.0.1:80")));
        assert!(!wall.may_connect(address("169.254.169.254:443")), "no policy may reach it");
        wall.end(2);
        assert!(!wall.may_connect(address("10.0.0.1:443")) && wall.may_connect(address("127.0.0.1:80")));
        assert_eq!(wall.look_up("h.example", 443), LookUp::Late);
    }

    #[test]
    fn a_call_has_so_many_connections_and_no_more() {
        let wall = Wall::default();
        wall.begin(1, &[Endpoint::new("::1", 80)]);
        let made = (0..1_000).filter(|_| wall.may_connect(address("[::1]:80"))).count();
        assert_eq!(made, usize::try_from(MOST_OF_A_CALL).unwrap());
    }
}
