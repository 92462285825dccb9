//! The workers of an engine: started when they are needed, one evaluation at a time for each, ended on the first fault.

#[cfg(test)]
mod tests;
mod waiting;
mod worker;

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ansai_core::{Limits, Observation, Usage};
use ansai_kit::backend::Backend;
use ansai_kit::registry::Registry;
use tokio::time::Instant;

use self::waiting::Queue;
pub(super) use self::worker::Worker;
pub use self::worker::{CHILD, WorkerProgram};
use super::conversation::{Conversation, Outcome};
use super::protocol::Load;
use super::{Compartment, Isolated};
use crate::component::ComponentInfo;
use crate::evaluate::EvaluationError;
use crate::load::LoadError;

/// Workers without work that are kept for the next evaluation.
const MAX_IDLE: usize = 4;
/// How long a worker without work is kept.
const IDLE_AGE: Duration = Duration::from_secs(120);
/// Most evaluations take less than a millisecond, and many begin at the same time. While a worker is at work, an evaluation waits
/// this long for one before it has another one started. With a worker at work for each core, it has one started only when none
/// became free for this long, or when it has waited long (see `waiting`), and none was started for this long: where the processor
/// is what is missing, more processes make it worse.
const PATIENCE: Duration = Duration::from_millis(50);

/// Starts workers, and keeps a few that have no work. There are at most as many at work as evaluations may run at once.
pub struct Workers {
    program: WorkerProgram,
    /// The one that became idle last is at the end.
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    workers: VecDeque<IdleWorker>,
    /// Evaluations that wait for a worker.
    queue: Queue,
    /// Whether a task ends workers that are idle for too long.
    reaped: bool,
}

struct IdleWorker {
    compartment: Compartment,
    worker: Worker,
    since: Instant,
}

impl Workers {
    /// Workers of this program.
    pub fn new(program: WorkerProgram) -> Arc<Workers> {
        Arc::new(Workers { program, idle: Mutex::default() })
    }

    /// The numbers of the processes that have no work now.
    pub fn idle(&self) -> Vec<i32> {
        self.lock().workers.iter().map(|one| one.worker.id()).collect()
    }

    /// Has a worker load compiled code, to learn whether it can. No guest code runs. Waits.
    ///
    /// # Errors
    /// As when this process loads it; [`LoadError::Worker`] if no worker starts.
    pub(crate) fn try_load(
        self: &Arc<Self>,
        compartment: &Compartment,
        info: &ComponentInfo,
        code: &File,
    ) -> Result<(), LoadError> {
        // One that was used has left the threads.
        let idle = self.lock().find(|one| one.compartment == *compartment && one.worker.is_for_threads());
        let worker = idle.map_or_else(|| Worker::start(&self.program, compartment), Ok);
        let mut worker = worker.map_err(LoadError::Worker)?;
        let loaded = worker.load_waiting(Load::of(info), code).map_err(|error| LoadError::Worker(error.to_string()))?;
        worker.charge_nobody();
        self.put_back(compartment.clone(), worker);
        loaded
    }

    /// Takes an idle worker of this compartment, preferably one that has loaded the component, waits for one, or starts one.
    async fn take(
        self: &Arc<Self>,
        compartment: &Compartment,
        info: &ComponentInfo,
    ) -> Result<Worker, EvaluationError> {
        if let Some(worker) = self.idle_or_freed(compartment, info).await {
            return Ok(worker);
        }
        // The others see it before it runs.
        let _announced = self.program.announce(compartment);
        let (program, compartment) = (self.program.clone(), compartment.clone());
        let started = tokio::task::spawn_blocking(move || Worker::start(&program, &compartment)).await;
        let started = started.unwrap_or_else(|error| Err(error.to_string()));
        started.map_err(|why| EvaluationError::Host(format!("cannot start a worker process: {why}")))
    }

    /// A worker that is idle, or becomes idle soon.
    async fn idle_or_freed(&self, compartment: &Compartment, info: &ComponentInfo) -> Option<Worker> {
        let mut place = {
            let mut idle = self.lock();
            let of = |one: &IdleWorker| one.compartment == *compartment;
            let found = idle.find(|one| of(one) && one.worker.has_loaded(&info.digest));
            let found = found.or_else(|| idle.find(|one| of(one) && one.worker.can_load(info.memory)));
            if let Some(mut worker) = found {
                drop(idle);
                worker.charge_nobody();
                return Some(worker);
            }
            // One of another compartment never comes here.
            if self.at_work(&idle, Some(compartment)) == 0 {
                return None;
            }
            idle.queue.join(compartment, info)
        };
        loop {
            if let Ok(freed) = tokio::time::timeout(PATIENCE, place.worker()).await {
                return freed;
            }
            let mut idle = self.lock();
            let has_core = self.at_work(&idle, None) < cores();
            if has_core || !idle.queue.moved(&place) {
                // One that came just now is here.
                return idle.queue.leave(place, compartment);
            }
        }
    }

    /// How many workers are at work or being started: all, or those of one compartment.
    fn at_work(&self, idle: &Idle, of: Option<&Compartment>) -> usize {
        let idle = idle.workers.iter().filter(|one| of.is_none_or(|of| one.compartment == *of));
        self.program.started(of).saturating_sub(idle.count())
    }

    fn put_back(self: &Arc<Self>, compartment: Compartment, worker: Worker) {
        if worker.is_full() {
            return;
        }
        let mut idle = self.lock();
        // Whoever waits longest has it at once, without a moment in which somebody else could take it.
        let Some(worker) = idle.queue.give(&compartment, worker) else { return };
        idle.workers.push_back(IdleWorker { compartment, worker, since: Instant::now() });
        let oldest = if idle.workers.len() > MAX_IDLE { idle.workers.pop_front() } else { None };
        // Without a runtime nothing is evaluated yet.
        if !idle.reaped
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            idle.reaped = true;
            runtime.spawn(reap(Arc::downgrade(self)));
        }
        drop(idle);
        // Ending it may take a moment.
        drop(oldest);
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl Idle {
    /// Takes the worker like this that became idle last and has not ended.
    fn find(&mut self, like: impl Fn(&IdleWorker) -> bool) -> Option<Worker> {
        while let Some(index) = self.workers.iter().rposition(&like) {
            let worker = self.workers.remove(index)?.worker;
            if worker.is_alive() {
                return Some(worker);
            }
        }
        None
    }
}

/// Ends workers that are idle for too long, until none is idle.
async fn reap(workers: Weak<Workers>) {
    loop {
        tokio::time::sleep(IDLE_AGE).await;
        let Some(workers) = workers.upgrade() else { return };
        let mut idle = workers.lock();
        let now = Instant::now();
        let split = idle.workers.partition_point(|one| now.duration_since(one.since) >= IDLE_AGE);
        let old: Vec<IdleWorker> = idle.workers.drain(..split).collect();
        idle.reaped = !idle.workers.is_empty();
        let goes_on = idle.reaped;
        drop(idle);
        drop(old);
        if !goes_on {
            return;
        }
    }
}

impl Isolated {
    /// Evaluates a component in a worker. Returns the processor time of the worker too.
    pub(crate) async fn evaluate(
        &self,
        registry: &Registry,
        info: &ComponentInfo,
        backend: &mut dyn Backend,
        limits: &Limits,
        finding: Option<&Observation>,
    ) -> (Outcome, Duration) {
        let none = |error| Outcome { answer: Err(error), usage: Usage::default(), calls: Vec::new(), sound: false };
        let mut worker = match self.workers.take(&self.compartment, info).await {
            Ok(worker) => worker,
            Err(error) => return (none(error), Duration::ZERO),
        };
        let outcome = match self.prepare(&mut worker, info).await {
            Ok(()) => Conversation { worker: &mut worker, registry, info, limits, finding }.run(backend).await,
            Err(error) => none(error),
        };
        let spent = worker.charge();
        if outcome.sound {
            self.workers.put_back(self.compartment.clone(), worker);
        }
        (outcome, spent)
    }

    /// Has the worker load the component, if it has not.
    async fn prepare(&self, worker: &mut Worker, info: &ComponentInfo) -> Result<(), EvaluationError> {
        if worker.has_loaded(&info.digest) {
            return Ok(());
        }
        match worker.load(Load::of(info), &self.code).await {
            Ok(Ok(())) => Ok(()),
            // It could be loaded when the policy was.
            Ok(Err(error)) => Err(EvaluationError::Host(error.to_string())),
            // No guest code of this policy ran yet: it is not at fault.
            Err(broken) => {
                Err(EvaluationError::Host(format!("a worker process ended while it loaded a policy: {broken}")))
            }
        }
    }
}
