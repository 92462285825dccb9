//! Work of a call on a thread of the bounded pool.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ansai_core::{InterfaceName, Refusal, Scope, Timestamp};
use ansai_kit::backend::Answer;
use ansai_kit::function::ProbeFunction;
use ansai_kit::host::{Deadline, Host, ProbeContext};
use ansai_kit::processor::Meter;
use ansai_kit::target::Reach;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who asks, and where: the context of a probe without its deadline.
pub(crate) struct Asker {
    pub(crate) host: Host,
    pub(crate) scope: Arc<Scope>,
    pub(crate) reach: Reach,
    pub(crate) now: Timestamp,
    /// The interface that is called.
    pub(crate) interface: InterfaceName,
}

impl Asker {
    /// The context of a probe.
    pub(crate) fn until<'a>(&'a self, deadline: &'a Deadline) -> ProbeContext<'a> {
        ProbeContext { host: &self.host, scope: &self.scope, reach: &self.reach, now: self.now, deadline }
    }

    /// The refusal after a panic.
    pub(crate) fn failed(&self) -> Refusal {
        Refusal::Other(format!("{} failed inside the host", self.interface))
    }
}

/// Ends the work when nobody waits for it any more.
pub(crate) struct EndsWork(pub(crate) Deadline);

impl Drop for EndsWork {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The places that a piece of work holds until its thread has ended.
type Held = Arc<Mutex<Vec<OwnedSemaphorePermit>>>;

/// Held by who waits for the work. Work that nobody waits for any more gives its places back and holds a spare one
/// instead, if there is one: so that a system call which never returns takes no thread from the others.
struct Abandons {
    held: Held,
    spare: Arc<Semaphore>,
}

/// Held by the thread of the work.
struct Ends(Held);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Abandons {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.is_empty()
            && let Ok(spare) = self.spare.clone().try_acquire_owned()
        {
            *held = vec![spare];
        }
    }
}

/// A piece of work for a thread of the bounded pool.
pub(crate) struct Work {
    pub(crate) asker: Asker,
    pub(crate) arguments: Arc<RawValue>,
    pub(crate) pool: Arc<Semaphore>,
    /// The places among the scans, if it may take long.
    pub(crate) scans: Option<Arc<Semaphore>>,
    /// The places for work that nobody waits for any more.
    pub(crate) spare: Arc<Semaphore>,
    /// How long it may take.
    pub(crate) limit: Duration,
    /// Counts the processor time of its thread.
    pub(crate) meter: Meter,
}

impl Work {
    pub(crate) fn later(self, function: &'static dyn ProbeFunction) -> Answer<'static> {
        let body = move |ask: &ProbeContext<'_>, arguments: &RawValue| function.answer(ask, arguments);
        Answer::Later(Box::pin(async move { Ok(self.run(body).await.and_then(|reply| reply)) }))
    }

    pub(crate) async fn run<T: Send + 'static>(
        self,
        body: impl FnOnce(&ProbeContext<'_>, &RawValue) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let Work { asker, arguments, pool, scans, spare, limit, meter } = self;
        let deadline = Deadline::after(limit);
        let asker = Arc::new(asker);
        let _over = EndsWork(deadline.clone());
        let who = asker.clone();
        let work = async move {
            // First the place among the scans: who waits for that holds no thread.
            let scan = match scans {
                Some(scans) => Some(scans.acquire_owned().await),
                None => None,
            };
            let permit = pool.acquire_owned().await;
            let held: Held = Arc::new(Mutex::new([scan, Some(permit)].into_iter().flatten().flatten().collect()));
            let _abandons = Abandons { held: held.clone(), spare };
            tokio::task::spawn_blocking(move || {
                let _ends = Ends(held);
                meter.count(|| body(&who.until(&deadline), &arguments))
            })
            .await
        };
        // Work that watches its deadline answers in part; what does not is left behind.
        let grace = limit + Duration::from_secs(1);
        match tokio::time::timeout(grace, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(asker.failed()),
            Err(_) => {
                let name = &asker.interface;
                Err(Refusal::TimedOut(format!("{name} did not answer within {} ms", limit.as_millis())))
            }
        }
    }
}
