//! The side of the process that calls servers: it asks the supervisor for addresses and connections.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::Millis;
use ansai_isolation::channel::BlockingSender;
use ansai_kit::dial::Dialler;
use ansai_kit::lookup::LookupError;

use super::frame::{Asks, Found};

/// How much later than its limit a lookup is told to have taken too long.
const GRACE: Duration = Duration::from_millis(200);
/// How long the supervisor may take to begin a connection.
const BEGINS: Duration = Duration::from_secs(5);

/// What the supervisor told.
pub(super) enum Told {
    Found(Found),
    Connecting(OwnedFd),
    /// The number of the error; `None` if no call may reach it.
    Refused(Option<i32>),
}

/// The questions that have no answer yet.
#[derive(Clone)]
pub(super) struct Questions {
    sender: Arc<Mutex<BlockingSender>>,
    waiting: Arc<Mutex<HashMap<u64, SyncSender<Told>>>>,
    next: Arc<AtomicU64>,
}

impl Questions {
    pub(super) fn new(sender: Arc<Mutex<BlockingSender>>) -> Questions {
        Questions { sender, waiting: Arc::default(), next: Arc::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, SyncSender<Told>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer came.
    pub(super) fn told(&self, id: u64, told: Told) {
        if let Some(waits) = self.waiting().remove(&id) {
            // Who waited may have gone just now.
            let _gone = waits.try_send(told);
        }
    }

    /// `None` if there is no answer within `limit`.
    fn ask(&self, limit: Duration, question: impl FnOnce(u64) -> Asks) -> Option<Told> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = sync_channel(1);
        self.waiting().insert(id, tell);
        let frame = serde_json::to_vec(&question(id)).ok()?;
        let sent = self.sender.lock().unwrap_or_else(PoisonError::into_inner).send(&frame, None, None);
        let told = sent.ok().and_then(|()| told.recv_timeout(limit).ok());
        self.waiting().remove(&id);
        told
    }
}

impl Dialler for Questions {
    fn look_up(&self, host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, LookupError> {
        let question = |id| Asks::LookUp { id, host: host.to_owned(), port, limit: Millis::from(limit) };
        match self.ask(limit.saturating_add(GRACE), question) {
            Some(Told::Found(Found::Addresses(addresses))) => Ok(addresses),
            Some(Told::Found(Found::None(error))) => Err(error),
            Some(_) => Err(LookupError::NotResolved("the supervisor does not look it up".into())),
            None => Err(LookupError::TimedOut),
        }
    }

    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream> {
        match self.ask(BEGINS, |id| Asks::Connect { id, address }) {
            Some(Told::Connecting(socket)) => Ok(TcpStream::from(socket)),
            Some(Told::Refused(Some(number))) => Err(io::Error::from_raw_os_error(number)),
            Some(_) => Err(io::ErrorKind::PermissionDenied.into()),
            None => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
