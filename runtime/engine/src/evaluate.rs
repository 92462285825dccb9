//! One evaluation: a fresh store, limits, one call of an export, an answer that was checked.

use std::sync::Arc;
use std::time::Duration;

use ansai_core::{Decision, Failure, Limits, Observation, Usage};
use ansai_kit::backend::Backend;
use serde::Deserialize;
use tokio::sync::{Mutex, OwnedMutexGuard};
use wasmtime::component::{ComponentExportIndex, Val};
use wasmtime::{Store, Trap};

use crate::gate::{CallError, Guest};
use crate::limiter::Limiter;
use crate::load::Policy;
use crate::recording::{RecordedCall, RecordedEnd};
use crate::value::Json;

const MOST_KEY_BYTES: usize = 200;
const MOST_ANSWER_BYTES: usize = 1 << 20;
/// As JSON: an observation that opens an incident is kept for as long as that is open.
const MOST_OBSERVATION_BYTES: usize = 64 << 10;
/// Bytes from guest to host in one call; wasmtime counts lists and strings before it copies them.
const HOSTCALL_FUEL: usize = 1 << 20;
const MOST_HANDLES: usize = 1024;
/// What wasmtime says when one of the two above is used up.
const BUDGETS: [&str; 2] = ["fuel allocated for hostcalls", "store handle limit exceeded"];

/// What a policy answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// `detect`.
    Observed(Vec<Observation>),
    /// `plan`.
    Decided(Decision),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The policy says so itself.
    #[error(transparent)]
    Failure(Failure),
    /// It ran out of fuel.
    #[error("ran out of fuel (limit {0})")]
    Fuel(u64),
    /// It wanted more memory, tables or instances than allowed.
    #[error("wanted more memory, tables or instances than allowed (memory: {0} bytes)")]
    Memory(u64),
    /// It took too long.
    #[error("took longer than {0} ms")]
    Deadline(u64),
    /// Too deep a recursion.
    #[error("trapped: call stack exhausted")]
    Stack,
    /// It trapped: a panic, a wrong pointer, a division by zero.
    #[error("trapped: {0}")]
    Trap(String),
    /// What it handed over is no value of the contract's types.
    #[error("broke the canonical ABI: {0}")]
    Abi(String),
    /// It went past a limit in a call that cannot be refused.
    #[error("{0}")]
    Budget(String),
    /// Its answer breaks the contract.
    #[error("answered against the contract: {0}")]
    ContractViolation(String),
    /// The backend ended it.
    #[error("{0}")]
    Aborted(String),
    /// The host failed.
    #[error("the host failed: {0}")]
    Host(String),
}

/// An evaluation that has ended, with the backend that answered its calls.
pub struct Evaluation<B> {
    /// What came of it.
    pub answer: Result<Answer, EvaluationError>,
    /// What it used.
    pub usage: Usage,
    /// Calls and replies in order.
    pub calls: Vec<RecordedCall>,
    /// What answered the calls, with all that it gathered; `None` after a panic in a call.
    pub backend: Option<B>,
}

impl<B> Evaluation<B> {
    /// The end as a recording holds it.
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
    /// Asks how things are.
    pub async fn detect<B: Backend + 'static>(&self, backend: B, limits: &Limits) -> Evaluation<B> {
        self.evaluate(backend, limits, &self.detect, None).await
    }

    /// Asks what should be done about a finding.
    pub async fn plan<B: Backend + 'static>(
        &self,
        backend: B,
        limits: &Limits,
        finding: &Observation,
    ) -> Evaluation<B> {
        self.evaluate(backend, limits, &self.plan, Some(finding)).await
    }

    /// Lends the backend to the store, whose data has one type for all backends, and takes it back.
    async fn evaluate<B: Backend + 'static>(
        &self,
        backend: B,
        limits: &Limits,
        export: &ComponentExportIndex,
        finding: Option<&Observation>,
    ) -> Evaluation<B> {
        let backend = Arc::new(Mutex::new(backend));
        let lent = (backend.clone() as Arc<Mutex<dyn Backend>>).lock_owned().await;
        let Evaluation { answer, usage, calls, .. } = self.run(lent, limits, export, finding).await;
        Evaluation { answer, usage, calls, backend: Arc::into_inner(backend).map(Mutex::into_inner) }
    }

    async fn run(
        &self,
        backend: OwnedMutexGuard<dyn Backend>,
        limits: &Limits,
        export: &ComponentExportIndex,
        finding: Option<&Observation>,
    ) -> Evaluation<()> {
        // Never closed; were it, the pool's own bound would be left.
        let _place = self.engine.places.acquire().await.ok();
        let began = std::time::Instant::now();
        let guest = Guest {
            limiter: Limiter::new(limits.memory_bytes),
            backend,
            limits: limits.clone(),
            calls: Vec::new(),
            reply_bytes: 0,
            proposals: 0,
            refused_calls: 0,
            abort: None,
        };
        let mut store = Store::new(&self.machine.wasmtime, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(HOSTCALL_FUEL);
        store.set_max_component_handles(MOST_HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let fuelled = store.set_fuel(limits.fuel);

        let ticking = self.machine.ticker.run();
        let deadline = Duration::from_millis(limits.deadline_ms);
        let outcome = match fuelled {
            Ok(()) => tokio::time::timeout(deadline, self.call(&mut store, export, finding)).await,
            Err(error) => Ok(Err(EvaluationError::Host(error.to_string()))),
        };
        drop(ticking);

        let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        let guest = store.into_data();
        let answer = match outcome {
            Err(_) => Err(EvaluationError::Deadline(limits.deadline_ms)),
            Ok(Err(error)) => Err(exact(error, &guest, limits)),
            Ok(answer) => answer,
        };
        let usage = Usage {
            memory_bytes: guest.limiter.memory as u64,
            fuel,
            wall_us: u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            calls: guest.calls.len() as u64,
            reply_bytes: guest.reply_bytes,
            proposals: guest.proposals,
            refused_calls: guest.refused_calls,
        };
        Evaluation { answer, usage, calls: guest.calls, backend: None }
    }

    async fn call(
        &self,
        store: &mut Store<Guest>,
        export: &ComponentExportIndex,
        finding: Option<&Observation>,
    ) -> Result<Answer, EvaluationError> {
        let instance = self.pre.instantiate_async(&mut *store).await.map_err(not_made)?;
        let func =
            instance.get_func(&mut *store, export).ok_or_else(|| EvaluationError::Host("an export is gone".into()))?;
        let mut arguments = Vec::new();
        if let Some(finding) = finding {
            let text = serde_json::to_string(finding).map_err(|e| EvaluationError::Host(e.to_string()))?;
            arguments.push(self.finding.parse(&text).map_err(|e| EvaluationError::Host(e.to_string()))?);
        }
        let mut results = [Val::Bool(false)];
        func.call_async(&mut *store, &arguments, &mut results).await.map_err(trapped)?;
        let [result] = results;
        let text = serde_json::to_string(&Json(&result))
            .map_err(|error| EvaluationError::ContractViolation(error.to_string()))?;
        if text.len() > MOST_ANSWER_BYTES {
            return Err(EvaluationError::ContractViolation(format!("the answer has {} bytes", text.len())));
        }
        match finding {
            None => {
                let observations: Vec<Observation> = answered(&text)?;
                check(&observations, store.data().limits.observations)?;
                if text.len() > MOST_OBSERVATION_BYTES {
                    check_sizes(&observations)?;
                }
                Ok(Answer::Observed(observations))
            }
            Some(_) => Ok(Answer::Decided(answered(&text)?)),
        }
    }
}

/// `result<T, failure>` as JSON.
fn answered<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, EvaluationError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Answered<T> {
        Ok(T),
        Err(Failure),
    }
    match serde_json::from_str(text) {
        Ok(Answered::Ok(value)) => Ok(value),
        Ok(Answered::Err(failure)) => Err(EvaluationError::Failure(failure)),
        Err(error) => Err(EvaluationError::ContractViolation(error.to_string())),
    }
}

fn check(observations: &[Observation], most: u32) -> Result<(), EvaluationError> {
    if observations.len() > most as usize {
        return Err(EvaluationError::ContractViolation(format!("{} observations, at most {most}", observations.len())));
    }
    let mut keys = std::collections::HashSet::new();
    for observation in observations {
        let key = observation.key.as_str();
        if key.is_empty() || key.len() > MOST_KEY_BYTES {
            return Err(EvaluationError::ContractViolation(format!(
                "a key has {} bytes, not 1 to {MOST_KEY_BYTES}",
                key.len()
            )));
        }
        if !keys.insert(key) {
            let shown = ansai_core::text::inert(key, MOST_KEY_BYTES);
            return Err(EvaluationError::ContractViolation(format!("the key `{shown}` stands twice")));
        }
    }
    Ok(())
}

fn check_sizes(observations: &[Observation]) -> Result<(), EvaluationError> {
    for observation in observations {
        let bytes = serde_json::to_vec(observation).map_or(usize::MAX, |written| written.len());
        if bytes > MOST_OBSERVATION_BYTES {
            let key = ansai_core::text::inert(&observation.key, MOST_KEY_BYTES);
            let what = format!("the observation `{key}` has {bytes} bytes, at most {MOST_OBSERVATION_BYTES}");
            return Err(EvaluationError::ContractViolation(what));
        }
    }
    Ok(())
}

/// An instance that was not made and did not trap was refused memories, tables or instances.
fn not_made(error: wasmtime::Error) -> EvaluationError {
    match trapped(error) {
        EvaluationError::Abi(_) => EvaluationError::Memory(0),
        error => error,
    }
}

fn trapped(error: wasmtime::Error) -> EvaluationError {
    let text = || ansai_core::text::inert(&format!("{:#}", error.root_cause()), 300);
    match (error.downcast_ref::<Trap>(), error.downcast_ref::<CallError>()) {
        (Some(Trap::OutOfFuel), _) => EvaluationError::Fuel(0),
        (Some(Trap::StackOverflow), _) => EvaluationError::Stack,
        (Some(Trap::CannotLeaveComponent), _) => EvaluationError::Abi(text()),
        (Some(trap), _) => EvaluationError::Trap(trap.to_string()),
        (_, Some(CallError::Refused(_))) => EvaluationError::Budget(text()),
        (_, Some(CallError::Host(_))) => EvaluationError::Host(text()),
        // These have no type of their own in wasmtime; the rest is about a value that it could not lift or lower.
        _ if BUDGETS.iter().any(|words| text().contains(words)) => EvaluationError::Budget(text()),
        _ => EvaluationError::Abi(text()),
    }
}

/// The same error with what the guest's state tells about it.
fn exact(error: EvaluationError, guest: &Guest, limits: &Limits) -> EvaluationError {
    match (error, &guest.abort) {
        (_, Some(abort)) => EvaluationError::Aborted(abort.to_string()),
        (EvaluationError::Fuel(_), _) => EvaluationError::Fuel(limits.fuel),
        (EvaluationError::Memory(_), _) => EvaluationError::Memory(limits.memory_bytes),
        (EvaluationError::Trap(_), _) if guest.limiter.refused => EvaluationError::Memory(limits.memory_bytes),
        (error, _) => error,
    }
}
