//! One evaluation: a new store, limits, one call of an export, and an answer that is checked.

pub(crate) mod answer;
mod error;

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Limits, Observation, Usage};
use ansai_kit::backend::Backend;
use tokio::sync::{Mutex, OwnedMutexGuard};
use wasmtime::Store;

pub use answer::Answer;
pub(crate) use answer::MAX_ANSWER_BYTES;
pub use error::EvaluationError;

use crate::gate::StoreState;
use crate::gate::ledger::Ledger;
use crate::isolated::Outcome;
use crate::limiter::Limiter;
use crate::load::{Linked, Place, Policy};
use crate::recording::{RecordedCall, RecordedEnd};

/// Maximum bytes from guest to host in one call; wasmtime counts lists and strings before it copies them.
const HOSTCALL_FUEL: usize = 1 << 20;
const MAX_HANDLES: usize = 1024;
/// Calls that the record of an evaluation has room for at its start.
pub(crate) const USUAL_CALLS: usize = 16;

/// An evaluation that has ended, with the backend that answered its calls.
pub struct Evaluation<B> {
    /// The answer of the policy, or why there is none.
    pub answer: Result<Answer, EvaluationError>,
    /// What it used.
    pub usage: Usage,
    /// Calls and replies in order.
    pub calls: Vec<RecordedCall>,
    /// The backend, with everything that it collected; `None` after a panic in a call.
    pub backend: Option<B>,
    /// Processor time that a worker process took for it.
    pub elsewhere: Duration,
}

impl<B> Evaluation<B> {
    /// The end as a recording has it.
    pub fn end(&self) -> RecordedEnd {
        match &self.answer {
            Ok(Answer::Observed(observations)) => RecordedEnd::Observed(observations.clone()),
            Ok(Answer::Decided(decision)) => RecordedEnd::Decided(decision.clone()),
            Err(EvaluationError::Failure(failure)) => RecordedEnd::Failed(failure.to_string()),
            Err(EvaluationError::Deadline(_)) => RecordedEnd::Deadline,
            Err(error) => RecordedEnd::Stopped(error.to_string()),
        }
    }
}

impl Policy {
    /// Calls `detect`: what is the state of the host?
    pub async fn detect<B: Backend + 'static>(&self, backend: B, limits: &Limits) -> Evaluation<B> {
        self.evaluate(backend, limits, None).await
    }

    /// Calls `plan`: what should be done about a finding?
    pub async fn plan<B: Backend + 'static>(
        &self,
        backend: B,
        limits: &Limits,
        finding: &Observation,
    ) -> Evaluation<B> {
        self.evaluate(backend, limits, Some(finding)).await
    }

    /// Lends the backend to the store, whose data has one type for all backends, and takes it back.
    async fn evaluate<B: Backend + 'static>(
        &self,
        backend: B,
        limits: &Limits,
        finding: Option<&Observation>,
    ) -> Evaluation<B> {
        // The semaphore is never closed; if it were, the pool would still bound evaluations.
        let _permit = self.engine.evaluation_permits.acquire().await.ok();
        let linked = match &self.place {
            Place::Here(linked) => linked,
            Place::Isolated(isolated) => {
                let mut backend = backend;
                let evaluating = isolated.evaluate(self.engine.registry(), self.info(), &mut backend, limits, finding);
                let (Outcome { answer, usage, calls, .. }, elsewhere) = Box::pin(evaluating).await;
                return Evaluation { answer, usage, calls, backend: Some(backend), elsewhere };
            }
        };
        let backend = Arc::new(Mutex::new(backend));
        let lent = (backend.clone() as Arc<Mutex<dyn Backend>>).lock_owned().await;
        let Evaluation { answer, usage, calls, elsewhere, .. } = linked.run(lent, limits, finding).await;
        Evaluation { answer, usage, calls, backend: Arc::into_inner(backend).map(Mutex::into_inner), elsewhere }
    }
}

impl Linked {
    /// Evaluates in this process.
    pub(crate) async fn run(
        &self,
        backend: OwnedMutexGuard<dyn Backend>,
        limits: &Limits,
        finding: Option<&Observation>,
    ) -> Evaluation<()> {
        let began = std::time::Instant::now();
        let state = StoreState {
            limiter: Limiter::new(limits.memory_bytes),
            backend,
            ledger: Ledger::new(limits, USUAL_CALLS),
            abort: None,
        };
        let mut store = Store::new(&self.variant.wasmtime, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_max_component_handles(MAX_HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let fuelled = store.set_fuel(limits.fuel);

        let ticking = self.variant.ticker.run();
        let deadline = Duration::from_millis(limits.deadline_ms);
        let outcome = match fuelled {
            Ok(()) => tokio::time::timeout(deadline, self.call(&mut store, finding)).await,
            Err(error) => Ok(Err(EvaluationError::Host(error.to_string()))),
        };
        drop(ticking);

        let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let state = store.into_data();
        let answer = match outcome {
            Err(_) => Err(EvaluationError::Deadline(limits.deadline_ms)),
            Ok(Err(error)) => Err(error.with_state(&state)),
            Ok(answer) => answer,
        };
        let usage = Usage {
            memory_bytes: state.limiter.memory.into(),
            fuel,
            wall_us: micros(began),
            calls: state.ledger.calls.len() as u64,
            reply_bytes: state.ledger.reply_bytes,
            proposals: state.ledger.proposals,
            refused_calls: state.ledger.refused_calls,
        };
        Evaluation { answer, usage, calls: state.ledger.calls, backend: None, elsewhere: Duration::ZERO }
    }

    async fn call(
        &self,
        store: &mut Store<StoreState>,
        finding: Option<&Observation>,
    ) -> Result<Answer, EvaluationError> {
        let exports = self.pre.instantiate_async(&mut *store).await.map_err(error::of_instantiation)?;
        match finding {
            None => {
                let answer = exports.call_detect(&mut *store).await.map_err(error::of_call)?;
                answer::observations(answer, store.data().ledger.limits.observations)
            }
            Some(finding) => {
                let answer = exports.call_plan(&mut *store, &finding.into()).await.map_err(error::of_call)?;
                answer::decision(answer)
            }
        }
    }
}

/// Microseconds since then.
pub(crate) fn micros(began: std::time::Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}
