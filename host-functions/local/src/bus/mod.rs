//! The system bus: one connection of this process, for everything that speaks D-Bus.
//!
//! Probes and actions run on threads that may block; the connection lives on a thread with a runtime of its own, which
//! starts with the first call. [`Bus::ask`] passes work to it and waits for the answer, never longer than its limit. A
//! connection that was closed, because the bus restarted, is opened again by the next call.
//!
//! A bus that does not answer costs the first call its whole limit. Until it has answered again, further calls wait only
//! [`IMPATIENT`], so that a policy with many of them still gets its answers.

mod error;
#[cfg(test)]
pub(crate) mod fake;
mod jobs;
mod properties;
mod runtime;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_kit::host::Host;
use zbus::{Connection, connection};

pub(crate) use error::BusError;
pub(crate) use jobs::{JobResult, Jobs, next};
pub(crate) use properties::Properties;

/// Where dbus-daemon and dbus-broker listen on every distribution.
const SOCKET: &str = "/run/dbus/system_bus_socket";
/// The longest wait for one answer.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// The longest wait for an answer of a bus that did not answer the last time.
const IMPATIENT: Duration = Duration::from_millis(300);

/// The bus of a host. All values for the same socket share one connection.
pub(crate) struct Bus {
    socket: PathBuf,
    open: tokio::sync::Mutex<Option<Open>>,
    hangs: AtomicBool,
}

/// A connection, and what was heard on it.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) connection: Connection,
    /// The results of jobs of systemd since the connection was opened.
    pub(crate) jobs: Arc<Jobs>,
}

impl Bus {
    /// The bus of a host. Does not connect yet.
    pub(crate) fn of(host: &Host) -> Arc<Bus> {
        static ALL: LazyLock<Mutex<BTreeMap<PathBuf, Arc<Bus>>>> = LazyLock::new(Mutex::default);
        let socket = host.path(SOCKET);
        locked(&ALL).entry(socket).or_insert_with_key(|socket| Arc::new(Bus::new(socket))).clone()
    }

    fn new(socket: &Path) -> Bus {
        Bus { socket: socket.to_owned(), open: tokio::sync::Mutex::new(None), hangs: AtomicBool::new(false) }
    }

    /// Does something on the connection, and waits for it. Blocks, at most for this limit.
    ///
    /// # Errors
    /// There is no bus, it does not answer in time, or `work` fails.
    pub(crate) fn ask<T, F, W>(self: &Arc<Self>, limit: Duration, work: W) -> Result<T, BusError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, BusError>> + Send + 'static,
        W: FnOnce(Open) -> F + Send + 'static,
    {
        let was_hanging = self.hangs.load(Ordering::Relaxed);
        let limit = if was_hanging { limit.min(IMPATIENT) } else { limit };
        let bus = self.clone();
        let answer = runtime::wait(limit, async move { work(bus.opened().await?).await })?;
        // Any answer shows that it is alive again. A limit that the caller made too short shows nothing.
        self.hangs
            .store(matches!(answer, Err(BusError::TimedOut)) && (was_hanging || limit >= LIMIT), Ordering::Relaxed);
        answer
    }

    /// The open connection. One that was closed is replaced.
    async fn opened(&self) -> Result<Open, BusError> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| !open.connection.is_closed()) {
            return Ok(open.clone());
        }
        *open = None;
        let fresh = self.connect().await?;
        Ok(open.insert(fresh).clone())
    }

    async fn connect(&self) -> Result<Open, BusError> {
        // Connecting to a socket of this kind does not block: the kernel refuses if the queue is full.
        let socket = tokio::net::UnixStream::connect(&self.socket).await.map_err(|error| BusError::closed(&error))?;
        let socket = socket.into_std().map_err(|error| BusError::closed(&error))?;
        let connection = connection::Builder::unix_stream(socket).build().await?;
        let jobs = Jobs::listen(&connection).await?;
        Ok(Open { connection, jobs })
    }
}

/// Does something short on the thread of the connection, which lives as long as the process.
///
/// # Errors
/// The thread cannot be started, or is busy for too long.
pub(crate) fn on_lasting_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BusError> {
    runtime::wait(LIMIT, async move { Ok(work()) })?
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
