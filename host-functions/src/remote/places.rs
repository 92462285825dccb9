//! Places for calls, and which of them abandoned calls hold.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Places for calls.
#[derive(Debug)]
pub(super) struct Places {
    permits: Arc<Semaphore>,
    all: usize,
    /// How many of them abandoned calls hold.
    hanging: watch::Sender<usize>,
}

/// Abandoned calls hold all places: so many.
#[derive(Debug)]
pub(super) struct AllHang(pub(super) usize);

impl Places {
    /// So many, and at least one.
    pub(super) fn new(all: usize) -> Self {
        let all = all.max(1);
        Places { permits: Arc::new(Semaphore::new(all)), all, hanging: watch::Sender::new(0) }
    }

    pub(super) fn in_use(&self) -> usize {
        self.all.saturating_sub(self.permits.available_permits())
    }

    pub(super) fn hanging(&self) -> usize {
        *self.hanging.borrow()
    }

    /// Waits for a place, but not behind calls that were abandoned.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, AllHang> {
        tokio::select! {
            biased;
            () = self.all_hang() => Err(AllHang(self.all)),
            permit = self.permits.clone().acquire_owned() => permit.map_err(|_| AllHang(self.all)),
        }
    }

    async fn all_hang(&self) {
        let mut hanging = self.hanging.subscribe();
        if hanging.wait_for(|calls| *calls >= self.all).await.is_err() {
            std::future::pending().await
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Abandoned,
    Ended,
}

/// A call that somebody may wait for, seen from both sides.
#[derive(Debug)]
pub(super) struct Watched {
    state: Mutex<State>,
    places: [Arc<Places>; 2],
}

impl Watched {
    /// A call that holds one of each of these places.
    pub(super) fn new(places: [Arc<Places>; 2]) -> Arc<Self> {
        Arc::new(Watched { state: Mutex::new(State::Running), places })
    }

    fn becomes(&self, next: State) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (*state, next) {
            (State::Running, State::Abandoned) => self.count(|hanging| *hanging += 1),
            (State::Abandoned, State::Ended) => self.count(|hanging| *hanging -= 1),
            (State::Ended, _) => return,
            _ => {}
        }
        *state = next;
    }

    fn count(&self, change: impl Fn(&mut usize)) {
        self.places.iter().for_each(|places| places.hanging.send_modify(&change));
    }
}

/// Held by the thread of the call.
pub(super) struct Ends(pub(super) Arc<Watched>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.becomes(State::Ended);
    }
}

/// Held by who waits for the call.
pub(super) struct Abandons(pub(super) Arc<Watched>);

impl Drop for Abandons {
    fn drop(&mut self) {
        self.0.becomes(State::Abandoned);
    }
}
