//! Addresses of names. The resolver of the system has no time limit of its own, so it runs on a thread that can be left
//! behind.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dial::dialler;

/// Lookups at the same time. One that hangs cannot be ended, so it keeps its place and its thread.
const MOST_LOOKUPS: usize = 16;

static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupError {
    /// The resolver says so, in these words.
    NotResolved(String),
    /// The resolver does not answer in time.
    TimedOut,
    /// Earlier lookups still hang.
    AllHang,
}

/// Held by the thread of a lookup.
struct Place;

impl Place {
    fn take() -> Option<Place> {
        let add = |now: usize| (now < MOST_LOOKUPS).then_some(now + 1);
        LOOKUPS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add).is_ok().then_some(Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        LOOKUPS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// All addresses of a host, which is a name or an address, with this port. Blocks for `limit` at most.
///
/// # Errors
/// It has none, or the resolver does not answer in time.
pub fn look_up(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, LookupError> {
    // Nobody is asked about an address, so that nobody can answer another one.
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if let Some(dialler) = dialler() {
        return dialler.look_up(host, port, limit);
    }
    let place = Place::take().ok_or(LookupError::AllHang)?;
    let (tell, told) = sync_channel(1);
    let name = host.to_owned();
    let lookup = move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // The place is free before the caller goes on, so that calls one after another need one place.
        drop(place);
        let _ = tell.send(found);
    };
    let started = std::thread::Builder::new().name("ansai-lookup".to_owned()).spawn(lookup);
    started.map_err(|error| LookupError::NotResolved(error.to_string()))?;
    match told.recv_timeout(limit) {
        Ok(found) => found.map_err(|error| LookupError::NotResolved(error.to_string())),
        Err(RecvTimeoutError::Timeout) => Err(LookupError::TimedOut),
        Err(RecvTimeoutError::Disconnected) => Err(LookupError::NotResolved("the lookup failed".to_owned())),
    }
}
