//! One connection a target, shared by its calls one after another, and closed when it is idle.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::Refusal;
use ansai_kit::target::{Reach, TargetAccess};
use tokio::sync::MutexGuard;
use tokio::time::{Instant, timeout};

use crate::runtime;

/// How long an unused connection stays open.
const IDLE: Duration = Duration::from_secs(10);

/// The place for the connection of a target as it is configured now.
pub(crate) struct Slot<C> {
    pub(crate) target: TargetAccess,
    connection: tokio::sync::Mutex<Option<(C, Instant)>>,
}

/// The places of all targets of one kind.
pub(crate) struct Slots<C>(Mutex<Vec<Arc<Slot<C>>>>);

impl<C: Send + 'static> Slots<C> {
    pub(crate) const fn new() -> Self {
        Slots(Mutex::new(Vec::new()))
    }

    /// The place of a target of the instance.
    ///
    /// # Errors
    /// The instance may not use it, or it is of another kind.
    pub(crate) fn of(&self, reach: &Reach, name: &str, kind: &str) -> Result<Arc<Slot<C>>, Refusal> {
        let target = reach.target(name)?;
        if target.target.kind != kind {
            return Err(Refusal::Unsupported(format!("target `{name}` is not of the kind `{kind}`")));
        }
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that nobody uses and that has no connection is forgotten, so that old configurations are.
        slots.retain(|slot| Arc::strong_count(slot) > 1 || slot.is_open());
        if let Some(slot) = slots.iter().find(|slot| slot.target == *target) {
            return Ok(slot.clone());
        }
        let slot = Arc::new(Slot { target: target.clone(), connection: tokio::sync::Mutex::default() });
        slots.push(slot.clone());
        Ok(slot)
    }
}

impl<C: Send + 'static> Slot<C> {
    /// Waits for its turn. What is taken out belongs to the caller until it is [kept](Self::keep) again.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, Option<(C, Instant)>> {
        self.connection.lock().await
    }

    /// Keeps a connection for the next call, for a while.
    pub(crate) fn keep(self: &Arc<Self>, turn: &mut MutexGuard<'_, Option<(C, Instant)>>, connection: C) {
        **turn = Some((connection, Instant::now()));
        tokio::spawn(close_when_idle(self.clone()));
    }

    /// Whether it has a connection, or a call may be making one.
    fn is_open(&self) -> bool {
        self.connection.try_lock().map_or(true, |connection| connection.is_some())
    }

    /// Runs a call on this thread.
    ///
    /// # Errors
    /// `timed-out` after the limit.
    pub(crate) fn block_on<T>(&self, limit: Duration, call: impl Future<Output = T>) -> Result<T, Refusal> {
        let name = &self.target.target.name;
        let late = || Refusal::TimedOut(format!("target `{name}` did not answer within {} ms", limit.as_millis()));
        runtime::handle()?.block_on(async { timeout(limit, call).await }).map_err(|_| late())
    }
}

async fn close_when_idle<C: Send + 'static>(slot: Arc<Slot<C>>) {
    tokio::time::sleep(IDLE).await;
    if let Ok(mut connection) = slot.connection.try_lock()
        && connection.as_ref().is_some_and(|(_, used)| used.elapsed() >= IDLE)
    {
        *connection = None;
    }
}
