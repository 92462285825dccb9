//! Messages to the service manager: the protocol of sd_notify(3).

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::text::inert;
use ansai_events::{Item, Stream, Subscriber};
use rustix::time::{ClockId, clock_gettime};

use crate::environment;

/// A service manager that does not read holds nothing up for longer.
const LIMIT: Duration = Duration::from_secs(1);
/// Longer states are cut.
const MOST_STATUS: usize = 300;
/// Events that wait to be noticed. One is enough to look again.
const WAITING_EVENTS: usize = 256;

/// The service manager that started this process, if one did and wants to hear of it.
pub(crate) struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// It ends this process if it hears nothing for so long.
    pub(super) watchdog: Option<Duration>,
    /// Whether something happened that the state shows.
    changed: Arc<AtomicBool>,
    /// The state that it heard last.
    told: Mutex<String>,
}

impl ServiceManager {
    /// The one that the environment names.
    pub(crate) fn of_environment() -> ServiceManager {
        let socket = environment::notify_socket().and_then(|path| match open(&path) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!("cannot tell the service manager anything: {}: {error}", path.display());
                None
            }
        });
        let watchdog = environment::watchdog().filter(|_| socket.is_some());
        ServiceManager { socket, watchdog, changed: Arc::new(AtomicBool::new(true)), told: Mutex::default() }
    }

    pub(super) fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// Notices what changes the state of this host.
    pub(crate) fn notice(&self, stream: &Stream) -> std::io::Result<Option<Subscriber>> {
        if !self.is_there() {
            return Ok(None);
        }
        let changed = self.changed.clone();
        let noticed = stream.spawn("service manager", WAITING_EVENTS, move |item| {
            let is_news = match item {
                Item::Event(published) => !published.event.is_routine(),
                Item::Missed { .. } => true,
            };
            if is_news {
                changed.store(true, Ordering::Relaxed);
            }
        })?;
        Ok(Some(noticed))
    }

    /// Whether something happened since this was last asked.
    pub(super) fn has_changed(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }

    /// It heals, or heals again after [`ServiceManager::reloading`].
    pub(crate) fn ready(&self) {
        self.send("READY=1");
        // It shows that a reload is under way until it hears the state again.
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.changed.store(true, Ordering::Relaxed);
    }

    /// It reads its configuration again. [`ServiceManager::ready`] follows, whatever comes of it.
    pub(crate) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let micros = seconds.saturating_mul(1_000_000) + u64::try_from(now.tv_nsec).unwrap_or_default() / 1_000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reading the configuration again"));
    }

    /// It ends in order.
    pub(crate) fn stopping(&self, why: &str) {
        self.send(&format!("STOPPING=1\nSTATUS={}", inert(&format!("stopping: {why}"), MOST_STATUS)));
    }

    /// The state of this host in one line, unless it knows that already.
    pub(super) fn state(&self, line: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == line {
            return;
        }
        line.clone_into(&mut told);
        // One that has line breaks would say something else in the lines that follow.
        self.send(&format!("STATUS={}", inert(line, MOST_STATUS)));
    }

    /// It lives.
    pub(super) fn ping(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, message: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(message.as_bytes(), address) {
            tracing::debug!("the service manager does not hear {message:?}: {error}");
        }
    }
}

/// A path, or the name of an abstract socket after `@`.
fn open(path: &OsStr) -> std::io::Result<(UnixDatagram, SocketAddr)> {
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(path)?,
        _ => return Err(std::io::Error::other("neither an absolute path nor an abstract socket")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(LIMIT))?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn manager(path: &OsStr) -> ServiceManager {
        ServiceManager {
            socket: Some(open(path).unwrap()),
            watchdog: None,
            changed: Arc::default(),
            told: Mutex::default(),
        }
    }

    fn heard(socket: &UnixDatagram) -> String {
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut buffer = [0; 4_096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer.get(..length).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn messages_arrive_at_a_path_and_at_an_abstract_socket() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let name = format!("@{}", place.path().display());
        let at_path = UnixDatagram::bind(&path).unwrap();
        let address = SocketAddr::from_abstract_name(name.trim_start_matches('@')).unwrap();
        let at_name = UnixDatagram::bind_addr(&address).unwrap();
        for (place, socket) in [(path.as_os_str(), &at_path), (OsStr::new(&name), &at_name)] {
            let manager = manager(place);
            manager.ready();
            assert_eq!(heard(socket), "READY=1");
            assert!(manager.has_changed() && !manager.has_changed(), "the state is told after it");
            manager.ping();
            assert_eq!(heard(socket), "WATCHDOG=1");
            manager.reloading();
            let heard = heard(socket);
            let micros = heard.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().lines().next().unwrap();
            assert!(micros.parse::<u64>().unwrap() > 0, "{heard}");
        }
    }

    #[test]
    fn a_state_is_one_line_and_forges_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = manager(path.as_os_str());
        manager.state("unhealthy\nWATCHDOG=trigger\u{1b}[31m");
        assert_eq!(heard(&socket), "STATUS=unhealthy\\nWATCHDOG=trigger\\u{1b}[31m");
        // It is told once, and again after it was ready again.
        manager.state("unhealthy\nWATCHDOG=trigger\u{1b}[31m");
        manager.ready();
        assert_eq!(heard(&socket), "READY=1");
        manager.state("unhealthy\nWATCHDOG=trigger\u{1b}[31m");
        assert_eq!(heard(&socket), "STATUS=unhealthy\\nWATCHDOG=trigger\\u{1b}[31m");
        manager.stopping("SIGTERM\nREADY=1");
        assert_eq!(heard(&socket), "STOPPING=1\nSTATUS=stopping: SIGTERM\\nREADY=1");
    }

    #[test]
    fn what_is_no_socket_is_refused_and_one_that_is_gone_is_no_error() {
        for path in ["", "relative", "vsock:2:1234"] {
            assert!(open(OsStr::new(path)).is_err(), "{path}");
        }
        manager(OsStr::new("/nonexistent/notify")).ping();
    }
}
