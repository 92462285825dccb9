//! Evaluations that wait for a worker, in the order in which they came.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Compartment, Worker};
use crate::component::ComponentInfo;
use crate::memory::MemoryInit;

/// The wait of a place that is older than this is not prolonged by workers that go to others: they may wait for the network and
/// not for the processor, so that more of them are faster.
const LONG: Duration = Duration::from_millis(500);

/// Those that wait.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    last: u64,
}

struct Waiting {
    number: u64,
    compartment: Compartment,
    digest: String,
    memory: MemoryInit,
    sender: oneshot::Sender<Worker>,
    /// Whether a worker was started for somebody since it was asked last, or, before it has waited long, went to somebody before
    /// it.
    moved: bool,
    since: Instant,
}

/// A place in the queue.
pub(super) struct Place {
    number: u64,
    receiver: oneshot::Receiver<Worker>,
}

impl Place {
    /// The worker, when it is given. Can be called again if the future was dropped. `None` if the queue is gone, or it ended.
    pub(super) async fn worker(&mut self) -> Option<Worker> {
        (&mut self.receiver).await.ok().filter(Worker::is_alive)
    }
}

impl Queue {
    /// Takes the last place.
    pub(super) fn join(&mut self, compartment: &Compartment, info: &ComponentInfo) -> Place {
        let (sender, receiver) = oneshot::channel();
        self.last = self.last.wrapping_add(1);
        let number = self.last;
        // Evaluations that were dropped have left without a word.
        self.waiting.retain(|one| !one.sender.is_closed());
        let (compartment, digest, memory) = (compartment.clone(), info.digest.clone(), info.memory);
        let since = Instant::now();
        self.waiting.push_back(Waiting { number, compartment, digest, memory, sender, moved: false, since });
        Place { number, receiver }
    }

    /// Whether the wait is worth while: a worker that would do went to somebody before this place since the last call, or one was
    /// started.
    pub(super) fn moved(&mut self, place: &Place) -> bool {
        let found = self.waiting.iter_mut().find(|one| one.number == place.number);
        found.is_some_and(|one| std::mem::take(&mut one.moved))
    }

    /// Gives up a place, and returns the worker that was given to it in this moment. Otherwise one is started for it, and the
    /// others of its compartment wait for that.
    pub(super) fn leave(&mut self, mut place: Place, compartment: &Compartment) -> Option<Worker> {
        self.waiting.retain(|one| one.number != place.number);
        let given = place.receiver.try_recv().ok().filter(Worker::is_alive);
        if given.is_none() {
            let others = self.waiting.iter_mut().filter(|one| one.compartment == *compartment);
            others.for_each(|one| one.moved = true);
        }
        given
    }

    /// Gives a worker to the first place that it is good for. Returns it if there is none.
    pub(super) fn give(&mut self, compartment: &Compartment, mut worker: Worker) -> Option<Worker> {
        let is_good = |one: &Waiting, worker: &Worker| {
            one.compartment == *compartment && (worker.has_loaded(&one.digest) || worker.can_load(one.memory))
        };
        while let Some(index) = self.waiting.iter().position(|one| is_good(one, &worker)) {
            let first = self.waiting.remove(index)?;
            let others = self.waiting.iter_mut().skip(index);
            let others = others.filter(|one| is_good(one, &worker) && one.since.elapsed() < LONG);
            others.for_each(|one| one.moved = true);
            match first.sender.send(worker) {
                Ok(()) => return None,
                // It was dropped.
                Err(back) => worker = back,
            }
        }
        Some(worker)
    }
}
