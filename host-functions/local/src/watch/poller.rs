//! One thread that waits for the descriptors of all sources.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::watch::{Sink, WatchError};
use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, epoll};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;

use super::failed;

/// Between two rounds, so that a storm of events takes no more than a small share of one processor. The kernel merges
/// and bounds what comes meanwhile.
const PAUSE: Duration = Duration::from_millis(20);
/// The key of the descriptor that wakes the thread itself.
const OWN: u64 = 0;
/// Descriptors of one round.
const ROUND: usize = 64;

/// A descriptor that becomes ready when something happened.
pub(super) trait Ready: Send + Sync {
    /// The descriptor, which never blocks.
    fn descriptor(&self) -> BorrowedFd<'_>;
    /// What to wait for.
    fn interest(&self) -> epoll::EventFlags;
    /// Takes a bounded part of what happened. Never blocks.
    ///
    /// # Errors
    /// The source ended.
    fn take(&self, flags: epoll::EventFlags, sink: &dyn Sink) -> Result<(), WatchError>;
}

/// All open sources. The thread starts with the first one, and ends when the last clone of this is dropped.
#[derive(Clone, Default)]
pub struct Watches(Arc<Mutex<Option<Owner>>>);

/// Ends the thread when dropped.
struct Owner(Arc<Shared>);

struct Shared {
    epoll: OwnedFd,
    own: OwnedFd,
    has_ended: AtomicBool,
    entries: Mutex<HashMap<u64, Arc<Entry>>>,
    next: AtomicU64,
}

struct Entry {
    ready: Box<dyn Ready>,
    sink: Arc<dyn Sink>,
}

/// A source among the others. It is no longer waited for when this is dropped.
pub(super) struct Registration {
    key: u64,
    shared: Arc<Shared>,
}

impl Watches {
    /// Waits for one more descriptor.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn add(&self, ready: Box<dyn Ready>, sink: Arc<dyn Sink>) -> Result<Registration, WatchError> {
        let shared = self.started()?;
        let key = shared.next.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(Entry { ready, sink });
        // Before it is ready for the first time.
        shared.entries().insert(key, entry.clone());
        let registration = Registration { key, shared };
        let (data, interest) = (epoll::EventData::new_u64(key), entry.ready.interest());
        epoll::add(&registration.shared.epoll, entry.ready.descriptor(), data, interest)
            .map_err(|error| failed("epoll", error))?;
        // Whoever ended the thread meanwhile did not see this entry.
        match registration.shared.has_ended.load(Ordering::SeqCst) {
            true => Err(WatchError::Ended(ENDED.into())),
            false => Ok(registration),
        }
    }

    /// The running thread. One that ended because of a fault is replaced.
    fn started(&self) -> Result<Arc<Shared>, WatchError> {
        let mut owner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Owner(shared)) = &*owner
            && !shared.has_ended.load(Ordering::SeqCst)
        {
            return Ok(shared.clone());
        }
        let shared = Shared::new().map_err(|error| failed("epoll", error))?;
        let thread = std::thread::Builder::new().name("ansai-watch".into());
        let of_thread = shared.clone();
        thread
            .spawn(move || {
                let _ending = Ending(of_thread.clone());
                of_thread.wait();
            })
            .map_err(|error| WatchError::Unavailable(Refusal::io("a thread", &error)))?;
        *owner = Some(Owner(shared.clone()));
        Ok(shared)
    }
}

/// Why a source ended with the thread.
const ENDED: &str = "the thread that waits for all watches ended";

/// Tells all sources that the thread ended, also if it panicked.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::SeqCst);
        let entries = std::mem::take(&mut *self.0.entries());
        for entry in entries.into_values() {
            entry.sink.ended(WatchError::Ended(ENDED.into()));
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::SeqCst);
        // It cannot fail: the counter is far from its end.
        let _ = rustix::io::write(&self.0.own, &1_u64.to_ne_bytes());
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.remove(self.key);
    }
}

impl Shared {
    fn new() -> rustix::io::Result<Arc<Shared>> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let own = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &own, epoll::EventData::new_u64(OWN), epoll::EventFlags::IN)?;
        let next = AtomicU64::new(OWN + 1);
        Ok(Arc::new(Shared { epoll, own, has_ended: AtomicBool::new(false), entries: Mutex::default(), next }))
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its descriptor is closed, which also ends the waiting for it, when nobody reads it any more.
    fn remove(&self, key: u64) {
        let entry = self.entries().remove(&key);
        if let Some(entry) = entry {
            let _ended_already = epoll::delete(&self.epoll, entry.ready.descriptor());
        }
    }

    fn wait(&self) {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(ROUND);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                // It ends all sources, which are opened again.
                Err(_) => return,
            }
            if self.has_ended.load(Ordering::SeqCst) {
                return;
            }
            for event in &events {
                let (key, flags) = (event.data.u64(), event.flags);
                // Not held while it is read, so that a sink can drop a source.
                let entry = self.entries().get(&key).cloned();
                let Some(entry) = entry else { continue };
                if let Err(why) = entry.ready.take(flags, entry.sink.as_ref()) {
                    self.remove(key);
                    entry.sink.ended(why);
                }
            }
            std::thread::sleep(PAUSE);
        }
    }
}
