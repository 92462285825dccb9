//! How many evaluations run at the same time, and which one is next when not all can.
//!
//! An evaluation waits at its place in one order: that of the times at which they were due, with a head start for what is
//! urgent. Whatever comes later than the longest head start comes after it, so nothing waits for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// The most that one process evaluates at once.
const MOST: usize = 256;
/// By default, so many for each core: they wait for probes most of the time.
const EACH_CORE: usize = 32;
/// By default, at least so many: some may wait for a server that does not answer, and others go on.
const LEAST: usize = 64;

/// How urgent an evaluation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// By the schedule.
    Schedule,
    /// Something has happened, or somebody asked for it; or an incident is being healed.
    Soon,
    /// The instance has an open incident of the severity critical or emergency.
    Urgent,
}

impl Urgency {
    /// It overtakes what was due by so much before it and has no head start.
    fn head_start(self) -> Duration {
        match self {
            Urgency::Schedule => Duration::ZERO,
            Urgency::Soon => Duration::from_secs(10),
            Urgency::Urgent => Duration::from_secs(60),
        }
    }
}

/// The gate of all evaluations.
pub(crate) struct Gate(Mutex<Inner>);

struct Inner {
    most: usize,
    busy: usize,
    /// Makes keys unique; the first of equal ones comes first.
    count: u64,
    waiting: BTreeMap<Key, oneshot::Sender<Slot>>,
}

type Key = (Instant, u64);

/// An evaluation that runs. Dropping it lets the next one begin.
#[must_use]
pub(crate) struct Slot(Arc<Gate>);

/// Takes its place out of the order when nobody waits for it any more.
struct Waiting<'a> {
    gate: &'a Gate,
    key: Key,
}

impl Gate {
    /// For this host.
    pub(crate) fn new() -> Arc<Gate> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Gate::of(cores.saturating_mul(EACH_CORE).clamp(LEAST, MOST))
    }

    fn of(most: usize) -> Arc<Gate> {
        Arc::new(Gate(Mutex::new(Inner { most, busy: 0, count: 0, waiting: BTreeMap::new() })))
    }

    /// Changes how many may run. What runs goes on.
    pub(crate) fn limit(&self, most: usize) {
        self.lock().most = most.clamp(1, MOST);
    }

    /// Waits until an evaluation may begin that was due then.
    pub(crate) async fn enter(self: &Arc<Self>, due: Instant, urgency: Urgency) -> Slot {
        let (waiting, slot) = {
            let mut inner = self.lock();
            if inner.busy < inner.most {
                inner.busy += 1;
                return Slot(self.clone());
            }
            let behind = Urgency::Urgent.head_start().saturating_sub(urgency.head_start());
            inner.count += 1;
            let key = (due.checked_add(behind).unwrap_or(due), inner.count);
            let (sender, slot) = oneshot::channel();
            inner.waiting.insert(key, sender);
            (Waiting { gate: self, key }, slot)
        };
        let slot = slot.await;
        drop(waiting);
        // The gate lives as long as the slot.
        slot.unwrap_or_else(|_| Slot(self.clone()))
    }

    fn leave(self: &Arc<Self>) {
        let mut inner = self.lock();
        // Fewer may run than before.
        let next = if inner.busy > inner.most { None } else { inner.waiting.pop_first() };
        let Some((_, next)) = next else {
            inner.busy = inner.busy.saturating_sub(1);
            return;
        };
        drop(inner);
        // If nobody waits for it any more, the slot comes back here.
        let _ = next.send(Slot(self.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.gate.lock().waiting.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Lets all of them wait at a gate that is busy, and answers the order in which they begin.
    async fn order(entries: &[(u64, Urgency)]) -> Vec<usize> {
        let gate = Gate::of(1);
        let (busy, start) = (gate.enter(Instant::now(), Urgency::Schedule).await, Instant::now());
        let began = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (number, (due, urgency)) in entries.iter().copied().enumerate() {
            let (gate, began) = (gate.clone(), began.clone());
            tasks.push(tokio::spawn(async move {
                let _slot = gate.enter(start + Duration::from_secs(due), urgency).await;
                began.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        drop(busy);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(gate.lock().busy, 0);
        assert_eq!(gate.lock().waiting.len(), 0);
        let began = began.lock().unwrap();
        began.clone()
    }

    #[tokio::test]
    async fn what_is_urgent_comes_first_then_what_was_due_first() {
        use Urgency::{Schedule, Soon, Urgent};
        assert_eq!(order(&[(0, Schedule), (3, Schedule), (1, Schedule)]).await, [0, 2, 1]);
        assert_eq!(order(&[(0, Schedule), (5, Soon), (30, Urgent)]).await, [2, 1, 0]);
    }

    /// Would break: urgency that always wins.
    #[tokio::test]
    async fn nothing_waits_for_ever() {
        use Urgency::{Schedule, Soon, Urgent};
        assert_eq!(order(&[(61, Urgent), (62, Urgent), (11, Soon), (0, Schedule)]).await, [3, 0, 2, 1]);
    }

    #[tokio::test]
    async fn who_no_longer_waits_takes_no_place() {
        let gate = Gate::of(1);
        let now = Instant::now();
        let busy = gate.enter(now, Urgency::Schedule).await;
        for _ in 0..3 {
            let gave_up = tokio::select! {
                biased;
                _ = gate.enter(now, Urgency::Urgent) => false,
                () = std::future::ready(()) => true,
            };
            assert!(gave_up);
        }
        assert_eq!(gate.lock().waiting.len(), 0);
        // One that has its slot already, and is dropped before it takes it.
        let mut late = Box::pin(gate.enter(now, Urgency::Schedule));
        assert!(futures_are_pending(&mut late).await);
        drop(busy);
        drop(late);
        assert_eq!(gate.lock().busy, 0);
        drop(gate.enter(now, Urgency::Schedule).await);
    }

    async fn futures_are_pending<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test]
    async fn as_many_run_as_may() {
        let gate = Gate::of(256);
        gate.limit(2);
        let now = Instant::now();
        let both = (gate.enter(now, Urgency::Schedule).await, gate.enter(now, Urgency::Schedule).await);
        let mut third = Box::pin(gate.enter(now, Urgency::Urgent));
        assert!(futures_are_pending(&mut third).await);
        // Fewer from now on: the one that ends makes no room.
        gate.limit(1);
        drop(both.0);
        assert!(futures_are_pending(&mut third).await);
        drop(both.1);
        assert_eq!(gate.lock().busy, 1);
        drop(third.await);
        assert_eq!(gate.lock().busy, 0);
    }
}
