//! The workers of an engine: started when they are needed, one evaluation at a time for each, ended on the first fault.

mod worker;

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ansai_core::{Limits, Observation, Usage};
use ansai_kit::backend::Backend;
use ansai_kit::registry::Registry;
use tokio::sync::Notify;
use tokio::time::Instant;

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
/// Most evaluations take a few milliseconds, and many begin at the same time. With a worker at work for each core, an
/// evaluation waits this long for one of them before it has another one started.
const PATIENCE: Duration = Duration::from_millis(50);

/// Starts workers, and keeps a few that have no work. There are at most as many at work as evaluations may run at once.
pub struct Workers {
    program: WorkerProgram,
    /// The one that became idle last is at the end.
    idle: Mutex<Idle>,
    /// Tells those that wait for a worker.
    freed: Notify,
}

#[derive(Default)]
struct Idle {
    workers: VecDeque<IdleWorker>,
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
        Arc::new(Workers { program, idle: Mutex::default(), freed: Notify::new() })
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
        let idle = self.find(|one| one.compartment == *compartment && one.worker.is_for_threads());
        let worker = idle.map_or_else(|| Worker::start(&self.program, compartment), Ok);
        let mut worker = worker.map_err(LoadError::Worker)?;
        let loaded = worker.load_waiting(Load::of(info), code).map_err(|error| LoadError::Worker(error.to_string()))?;
        self.put_back(compartment.clone(), worker);
        loaded
    }

    /// Takes an idle worker of this compartment, preferably one that has loaded the component, or starts one.
    async fn take(
        self: &Arc<Self>,
        compartment: &Compartment,
        info: &ComponentInfo,
    ) -> Result<Worker, EvaluationError> {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                // Before it looks: a worker that becomes idle meanwhile is not missed.
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                let found = self.find_for(compartment, info);
                if found.is_some() || !self.is_busy() {
                    return found;
                }
                freed.await;
            }
        });
        if let Ok(Some(worker)) = waited.await {
            return Ok(worker);
        }
        // The others see it before it runs.
        let _announced = self.program.announce();
        let (program, compartment) = (self.program.clone(), compartment.clone());
        let started = tokio::task::spawn_blocking(move || Worker::start(&program, &compartment)).await;
        let started = started.unwrap_or_else(|error| Err(error.to_string()));
        started.map_err(|why| EvaluationError::Host(format!("cannot start a worker process: {why}")))
    }

    /// Takes the idle worker that is best for a component.
    fn find_for(&self, compartment: &Compartment, info: &ComponentInfo) -> Option<Worker> {
        let of = |one: &IdleWorker| one.compartment == *compartment;
        let found = self.find(|one| of(one) && one.worker.has_loaded(&info.digest));
        found.or_else(|| self.find(|one| of(one) && one.worker.can_load(info.memory)))
    }

    /// Whether as many workers are at work as there are cores.
    fn is_busy(&self) -> bool {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.program.started().saturating_sub(self.lock().workers.len()) >= cores
    }

    /// Takes the idle worker like this that became idle last and has not ended.
    fn find(&self, like: impl Fn(&IdleWorker) -> bool) -> Option<Worker> {
        let mut idle = self.lock();
        while let Some(index) = idle.workers.iter().rposition(&like) {
            let worker = idle.workers.remove(index)?.worker;
            if worker.is_alive() {
                return Some(worker);
            }
        }
        None
    }

    fn put_back(self: &Arc<Self>, compartment: Compartment, worker: Worker) {
        if worker.is_full() {
            return;
        }
        let mut idle = self.lock();
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
        self.freed.notify_waiters();
        // Ending it may take a moment.
        drop(oldest);
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
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
        let before = worker.processor_time();
        let outcome = match self.prepare(&mut worker, info).await {
            Ok(()) => Conversation { worker: &mut worker, registry, info, limits, finding }.run(backend).await,
            Err(error) => none(error),
        };
        let spent = worker.processor_time().saturating_sub(before);
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
