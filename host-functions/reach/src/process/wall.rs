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
/// Addresses of one name: so few that a client can look it up and try all of them within the number of its call.
const MOST_ADDRESSES: usize = 32;
/// Addresses of one name that several lookups found.
const MOST_FOUND: usize = 4 * MOST_ADDRESSES;
/// Lookups and connections of a call that nobody waits for any more: enough to cancel a statement.
const MOST_AFTER: u32 = 8;
/// Questions that come too late, since the last call began.
const MOST_LATE: u32 = 1_000;

/// What the process may reach now.
#[derive(Debug, Default)]
pub(super) struct Wall(Mutex<Servers>);

#[derive(Debug, Default)]
struct Servers {
    /// By the number of the call.
    now: HashMap<u64, Vec<Entry>>,
    /// Names of calls that were answered.
    before: HashSet<(String, u16)>,
    /// Questions that came too late since the last call began.
    late: u32,
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

/// Whether an address may be connected to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Connect {
    /// It is one of a server of a call.
    Permitted,
    /// It is not, but an honest process may ask: the name of a server leads there, or nobody waits for the call any more.
    Refused,
    /// It never was one, or was connected to too often.
    Forbidden,
}

/// One server of one call.
#[derive(Debug)]
struct Entry {
    endpoint: Endpoint,
    /// What its name was found to be. Only that is connected to, although the process says which of them.
    found: Vec<IpAddr>,
    left: u32,
    /// Whether nobody waits for its call any more.
    is_abandoned: bool,
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
            is_abandoned: false,
        };
        let mut servers = self.servers();
        servers.late = 0;
        servers.now.insert(number, endpoints.iter().map(entry).collect());
    }

    /// Nobody waits for this call any more: from now on, its servers are reached a few times at most.
    pub(super) fn abandon(&self, number: u64) {
        for one in self.servers().now.get_mut(&number).into_iter().flatten() {
            (one.left, one.is_abandoned) = (one.left.min(MOST_AFTER), true);
        }
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
        let (mut is_known, mut is_late) = (false, false);
        for one in servers.now.values_mut().flatten().filter(|one| one.is(host, port)) {
            if one.take() {
                return LookUp::Permitted;
            }
            (is_known, is_late) = (true, is_late || one.is_abandoned);
        }
        let is_late = is_late || !is_known && servers.before.contains(&(host.to_owned(), port));
        if is_late && servers.take_late() { LookUp::Late } else { LookUp::Forbidden }
    }

    /// What the name of a server was found to be: added to what it was found to be before, because a name server may answer
    /// one address at a time, and another call may be about to connect to the last one. An address stays itself.
    pub(super) fn found(&self, host: &str, port: u16, addresses: &mut Vec<SocketAddr>) {
        addresses.truncate(MOST_ADDRESSES);
        if host.parse::<IpAddr>().is_ok() {
            return;
        }
        for one in self.servers().now.values_mut().flatten().filter(|one| one.is(host, port)) {
            addresses.iter().for_each(|address| one.add(address.ip()));
        }
    }

    /// Whether this address may be connected to.
    pub(super) fn connect(&self, address: SocketAddr) -> Connect {
        let (ip, mut servers) = (address.ip(), self.servers());
        let (mut is_known, mut is_permitted, mut is_late) = (false, false, false);
        for one in servers.now.values_mut().flatten() {
            if one.endpoint.port != address.port() || !one.found.contains(&ip) {
                continue;
            }
            is_known = true;
            if (one.endpoint.permits)(ip) {
                if one.take() {
                    return Connect::Permitted;
                }
                (is_permitted, is_late) = (true, is_late || one.is_abandoned);
            }
        }
        let may_ask = is_known && (!is_permitted || is_late);
        if may_ask && servers.take_late() { Connect::Refused } else { Connect::Forbidden }
    }
}

impl Servers {
    /// Takes one of the questions that cannot be answered, and that an honest process may ask.
    fn take_late(&mut self) -> bool {
        self.late = self.late.saturating_add(1);
        self.late <= MOST_LATE
    }
}

impl Entry {
    fn is(&self, host: &str, port: u16) -> bool {
        self.endpoint.host == host && self.endpoint.port == port
    }

    /// Its name was found to be this address too. The one that was found first goes if there are too many.
    fn add(&mut self, ip: IpAddr) {
        self.found.retain(|known| *known != ip);
        if self.found.len() >= MOST_FOUND {
            self.found.remove(0);
        }
        self.found.push(ip);
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
mod tests;
